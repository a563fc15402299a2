"""Readers and writers of TL's bare types and vectors, and of packed objects."""

import zlib
from collections.abc import Callable
from typing import Any

from djangobot.bot.sandbox.mtproto import wire
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader

TL = dict[str, Any]
Read = Callable[[Reader], Any]
Write = Callable[[Any], bytes]

# A packet bounds its vectors; a count above this is refused before any item is read.
_MAX_ITEMS = 1 << 20
# zlib's window of 15 bits, with the header of zlib or of gzip: clients pack with either.
_EITHER_HEADER = 47

READERS: dict[str, Read] = {
    "int": Reader.int32,
    "long": Reader.int64,
    "double": Reader.float64,
    "string": Reader.text,
    "bytes": Reader.blob,
    "Bool": Reader.boolean,
    "int128": lambda reader: reader.raw(16),
    "int256": lambda reader: reader.raw(32),
}
WRITERS: dict[str, Write] = {
    "int": wire.pack_int,
    "long": wire.pack_long,
    "double": wire.pack_double,
    "string": wire.pack_string,
    "bytes": wire.pack_bytes,
    "Bool": wire.pack_bool,
    "int128": lambda value: value,
    "int256": lambda value: value,
}


def vector_reader(item: Read, *, boxed: bool) -> Read:
    """Reads a vector of such items."""

    def read(reader: Reader) -> list[Any]:
        if boxed and reader.uint32() != wire.VECTOR:
            raise Malformed("no vector where one belongs")
        count = reader.int32()
        if not 0 <= count <= min(_MAX_ITEMS, reader.left):
            raise Malformed("a vector of an impossible length")
        return [item(reader) for _ in range(count)]

    return read


def vector_writer(item: Write, *, boxed: bool) -> Write:
    """Writes a vector of such items."""
    head = wire.pack_uint(wire.VECTOR) if boxed else b""

    def write(values: list[Any]) -> bytes:
        return b"".join([head, wire.pack_int(len(values)), *map(item, values)])

    return write


def inflate(packed: bytes, limit: int = 16 << 20) -> bytes:
    """Unpacks gzip_packed, a stream of gzip or of zlib, but never more than `limit` bytes."""
    machine = zlib.decompressobj(_EITHER_HEADER)
    try:
        data = machine.decompress(packed, limit)
    except zlib.error as exc:
        raise Malformed("gzip that cannot be unpacked") from exc
    if not machine.eof:
        raise Malformed("gzip cut short or too long")
    return data

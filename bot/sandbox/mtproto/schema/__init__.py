"""Telegram's API types in several layers at once.

`layer_<N>.tl` has the methods and constructors of one layer that the sandbox uses. A TL object is a plain
dict: `{"_": "peerUser", "user_id": 1}`. An absent optional field is an absent key; a `true` flag is True.
"""

import functools
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from djangobot.bot.sandbox.mtproto import wire
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader

TL = dict[str, Any]
Read = Callable[[Reader], Any]
Write = Callable[[Any], bytes]

_LINE = re.compile(r"^([\w.]+)#([0-9a-f]+)((?: [\w]+:[^ =]+)*) = ([\w.<>]+);$")
_GZIP_PACKED = 0x3072CFA1
_CONDITION = re.compile(r"^(flags\d*)\.(\d+)\?(.+)$")
_VECTOR = re.compile(r"^[Vv]ector<(.+)>$")

# A packet bounds its vectors; a count above this is refused before any item is read.
_MAX_ITEMS = 1 << 20
# How deep objects may be nested. Real requests are far below. Our own choice.
_MAX_DEPTH = 40


class UnknownConstructor(Malformed):
    """A constructor id that this layer's file does not have."""

    def __init__(self, constructor: int, method: bool) -> None:
        super().__init__(f"unknown {'method' if method else 'constructor'} {constructor:08x}")
        self.constructor = constructor
        self.method = method


class Constructor:
    """One line of a layer's file, with its reader and writer."""

    __slots__ = ("fields", "id", "is_method", "name", "read", "result", "write")

    def __init__(
        self, name: str, number: int, fields: list[tuple[str, str]], result: str, is_method: bool
    ) -> None:
        self.name = name
        self.id = number
        self.fields = fields
        self.result = result
        self.is_method = is_method
        self.read: Callable[[Reader], TL]
        self.write: Callable[[TL], bytes]


class Schema:
    """One layer: reads requests and writes answers."""

    def __init__(self, layer: int, text: str) -> None:
        self.layer = layer
        self.constructors: dict[str, Constructor] = {}
        self._types: dict[int, Constructor] = {}
        self._methods: dict[int, Constructor] = {}
        self._depth = 0
        for constructor in _parse(text):
            self.constructors[constructor.name] = constructor
            (self._methods if constructor.is_method else self._types)[constructor.id] = constructor
        for constructor in self.constructors.values():
            constructor.read = self._reader_of(constructor)
            constructor.write = self._writer_of(constructor)

    def __contains__(self, name: str) -> bool:
        return name in self.constructors

    def read_method(self, reader: Reader) -> TL:
        """A request: the method's name under "_" and its arguments."""
        number = reader.uint32()
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                raise Malformed("calls nested too deep")
            if number == _GZIP_PACKED:
                return self.read_method(Reader(inflate(reader.blob())))
            constructor = self._methods.get(number)
            if constructor is None:
                raise UnknownConstructor(number, method=True)
            return constructor.read(reader)
        finally:
            self._depth -= 1

    def read_object(self, reader: Reader) -> TL:
        """A boxed object."""
        number = reader.uint32()
        constructor = self._types.get(number)
        if constructor is None:
            raise UnknownConstructor(number, method=False)
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                raise Malformed("objects nested too deep")
            return constructor.read(reader)
        finally:
            self._depth -= 1

    def write(self, value: TL) -> bytes:
        """A boxed object, or a method call, as tests write them."""
        return self.constructors[value["_"]].write(value)

    def write_result(self, method: str, value: Any) -> bytes:
        """A method's answer: an object, a Bool or a vector, as the method's line says."""
        return self._write_type(self.constructors[method].result)(value)

    def read_result(self, method: str, reader: Reader) -> Any:
        """The reverse of `write_result`, for tests."""
        return self._read_type(self.constructors[method].result)(reader)

    def _reader_of(self, constructor: Constructor) -> Callable[[Reader], TL]:
        steps = [(field, *_split(kind), kind == "#") for field, kind in constructor.fields]
        compiled = [
            (field, flags, bit, None if is_flags or kind == "true" else self._read_type(kind), is_flags)
            for field, flags, bit, kind, is_flags in steps
        ]
        name = constructor.name

        def read(reader: Reader) -> TL:
            value: TL = {"_": name}
            seen: dict[str, int] = {}
            for field, flags, bit, step, is_flags in compiled:
                if is_flags:
                    seen[field] = reader.uint32()
                elif not flags or seen[flags] & bit:
                    value[field] = step(reader) if step else True
            return value

        return read

    def _writer_of(self, constructor: Constructor) -> Callable[[TL], bytes]:
        head = wire.pack_uint(constructor.id)
        steps: list[tuple[str, Write | None, bool]] = []
        bits: dict[str, list[tuple[str, int, bool]]] = {}
        for field, declared in constructor.fields:
            flags, bit, kind = _split(declared)
            if declared == "#":
                bits[field] = []
                steps.append((field, None, True))
                continue
            if flags:
                bits[flags].append((field, bit, kind == "true"))
            if kind != "true":
                steps.append((field, self._write_type(kind), bool(flags)))
        pack = wire.pack_uint

        def write(value: TL) -> bytes:
            parts = [head]
            for field, step, optional in steps:
                if step is None:
                    number = 0
                    for name, bit, plain in bits[field]:
                        present = value.get(name)
                        if present if plain else present is not None:
                            number |= bit
                    parts.append(pack(number))
                elif optional:
                    present = value.get(field)
                    if present is not None:
                        parts.append(step(present))
                else:
                    parts.append(step(value[field]))
            return b"".join(parts)

        return write

    def _read_type(self, kind: str) -> Read:
        if simple := _READERS.get(kind):
            return simple
        if kind == "!X":
            return self.read_method
        if found := _VECTOR.match(kind):
            return _vector_reader(self._read_type(found.group(1)), boxed=kind[0] == "V")
        return self.read_object

    def _write_type(self, kind: str) -> Write:
        if simple := _WRITERS.get(kind):
            return simple
        if found := _VECTOR.match(kind):
            return _vector_writer(self._write_type(found.group(1)), boxed=kind[0] == "V")
        return self.write


def inflate(packed: bytes, limit: int = 16 << 20) -> bytes:
    """Unpacks gzip, but never more than `limit` bytes."""
    machine = zlib.decompressobj(31)
    try:
        data = machine.decompress(packed, limit)
    except zlib.error as exc:
        raise Malformed("gzip that cannot be unpacked") from exc
    if not machine.eof:
        raise Malformed("gzip cut short or too long")
    return data


@functools.cache
def layers() -> dict[int, Schema]:
    """Every layer there is a file for, in ascending order."""
    files = Path(__file__).parent.glob("layer_*.tl")
    found = {int(file.stem.removeprefix("layer_")): file.read_text() for file in files}
    return {layer: Schema(layer, found[layer]) for layer in sorted(found)}


def schema_for(layer: int) -> Schema:
    """The newest known layer not above the asked one; the oldest when it is older than all."""
    known = layers()
    return known[max((n for n in known if n <= layer), default=min(known))]


def _parse(text: str) -> list[Constructor]:
    constructors = []
    is_method = False
    for line in text.splitlines():
        if line.startswith("---functions---"):
            is_method = True
        elif line and not line.startswith("//"):
            found = _LINE.match(line)
            if found is None:
                raise ValueError(f"no TL line: {line}")
            name, number, fields, result = found.groups()
            pairs = [(field, kind) for field, _, kind in (part.partition(":") for part in fields.split())]
            constructors.append(Constructor(name, int(number, 16), pairs, result, is_method))
    return constructors


def _split(declared: str) -> tuple[str, int, str]:
    """`flags.3?int` as ("flags", 8, "int"); an unconditional field has no flags."""
    if found := _CONDITION.match(declared):
        return found.group(1), 1 << int(found.group(2)), found.group(3)
    return "", 0, declared


def _vector_reader(item: Read, boxed: bool) -> Read:
    def read(reader: Reader) -> list[Any]:
        if boxed and reader.uint32() != wire.VECTOR:
            raise Malformed("no vector where one belongs")
        count = reader.int32()
        if not 0 <= count <= min(_MAX_ITEMS, reader.left):
            raise Malformed("a vector of an impossible length")
        return [item(reader) for _ in range(count)]

    return read


def _vector_writer(item: Write, boxed: bool) -> Write:
    head = wire.pack_uint(wire.VECTOR) if boxed else b""

    def write(values: list[Any]) -> bytes:
        return b"".join([head, wire.pack_int(len(values)), *map(item, values)])

    return write


_READERS: dict[str, Read] = {
    "int": Reader.int32,
    "long": Reader.int64,
    "double": Reader.float64,
    "string": Reader.text,
    "bytes": Reader.blob,
    "Bool": Reader.boolean,
    "int128": lambda reader: reader.raw(16),
    "int256": lambda reader: reader.raw(32),
}
_WRITERS: dict[str, Write] = {
    "int": wire.pack_int,
    "long": wire.pack_long,
    "double": wire.pack_double,
    "string": wire.pack_string,
    "bytes": wire.pack_bytes,
    "Bool": wire.pack_bool,
    "int128": lambda value: value,
    "int256": lambda value: value,
}

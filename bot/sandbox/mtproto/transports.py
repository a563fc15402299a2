"""Telegram's TCP transports, recognised by a connection's first bytes.

Source: core.telegram.org/mtproto/mtproto-transports. Each transport turns the arriving
bytes into packets, and packets into bytes.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Protocol

import tgcrypto

# A packet may hold a file part of 512 KiB, or a container of them (core.telegram.org/mtproto: up to 1 MiB);
# longer ones are not read.
MAX_PACKET = 4 << 20

PROXY_SECRET = b"djangobotsandbox"
"""The sandbox is an MTProto proxy as well, for clients that take a proxy but no address."""
OBFUSCATED_HEAD = 64
_ABRIDGED = 0xEFEFEFEF
_INTERMEDIATE = 0xEEEEEEEE
_PADDED = 0xDDDDDDDD


class BadFrame(Exception):
    """The bytes do not follow the transport; the connection is closed."""


class Framing(Protocol):
    """One transport of one connection."""

    name: str

    def packets(self, buffer: bytearray) -> Iterator[bytes]:
        """Removes whole packets from the front of `buffer`."""
        ...

    def frame(self, packet: bytes) -> bytes:
        """The bytes that carry `packet`."""
        ...


class Abridged:
    """The length in words: one byte, or 0x7f and three bytes."""

    name = "abridged"

    def packets(self, buffer: bytearray) -> Iterator[bytes]:
        while buffer:
            head, length = 1, buffer[0] & 0x7F
            if length == 0x7F:
                if len(buffer) < 4:
                    return
                head, length = 4, int.from_bytes(buffer[1:4], "little")
            length *= 4
            _check(length)
            if len(buffer) < head + length:
                return
            packet = bytes(buffer[head : head + length])
            del buffer[: head + length]
            yield packet

    def frame(self, packet: bytes) -> bytes:
        words = len(packet) // 4
        if words < 0x7F:
            return bytes((words,)) + packet
        return b"\x7f" + words.to_bytes(3, "little") + packet


class Intermediate:
    """Four bytes of length."""

    name = "intermediate"

    def packets(self, buffer: bytearray) -> Iterator[bytes]:
        while len(buffer) >= 4:
            # The highest bit asks for a quick ack, which this server does not send.
            length = int.from_bytes(buffer[:4], "little") & 0x7FFFFFFF
            _check(length)
            if len(buffer) < 4 + length:
                return
            packet = bytes(buffer[4 : 4 + length])
            del buffer[: 4 + length]
            yield self._strip(packet)

    def frame(self, packet: bytes) -> bytes:
        return struct.pack("<I", len(packet)) + packet

    def _strip(self, packet: bytes) -> bytes:
        return packet


class Padded(Intermediate):
    """Intermediate with up to 15 random bytes at the end."""

    name = "padded intermediate"

    def frame(self, packet: bytes) -> bytes:
        # Four-byte packets are transport errors, recognised by their length: they go without padding.
        padding = os.urandom(os.urandom(1)[0] % 16) if len(packet) > 4 else b""
        return struct.pack("<I", len(packet) + len(padding)) + packet + padding

    def _strip(self, packet: bytes) -> bytes:
        """Encrypted data is a multiple of 16 after 24 bytes; a plain message says its own length."""
        if len(packet) >= 20 and not any(packet[:8]):
            return packet[: 20 + max(int.from_bytes(packet[16:20], "little", signed=True), 0)]
        return packet[: len(packet) - (len(packet) - 24) % 16] if len(packet) >= 24 else packet


class Full:
    """Length, sequence number and CRC32."""

    name = "full"

    def __init__(self) -> None:
        self._received = 0
        self._sent = 0

    def packets(self, buffer: bytearray) -> Iterator[bytes]:
        while len(buffer) >= 4:
            length = int.from_bytes(buffer[:4], "little")
            _check(length)
            if length < 12:
                raise BadFrame("a full frame shorter than its own head")
            if len(buffer) < length:
                return
            frame = bytes(buffer[:length])
            del buffer[:length]
            if zlib.crc32(frame[:-4]) != int.from_bytes(frame[-4:], "little"):
                raise BadFrame("a full frame with a wrong checksum")
            if int.from_bytes(frame[4:8], "little") != self._received:
                raise BadFrame("a full frame out of order")
            self._received += 1
            yield frame[8:-4]

    def frame(self, packet: bytes) -> bytes:
        body = struct.pack("<II", len(packet) + 12, self._sent) + packet
        self._sent += 1
        return body + struct.pack("<I", zlib.crc32(body))


class Obfuscation:
    """The obfuscated2 layer: AES-256-CTR over any other transport, keys in the first 64 bytes.

    Clients of an MTProto proxy mix the proxy's secret into the keys.
    """

    def __init__(self, head: bytes, secret: bytes = b"") -> None:
        backwards = head[55:7:-1]
        self._in = (_mixed(head[8:40], secret), bytearray(head[40:56]), bytearray(1))
        self._out = (_mixed(backwards[:32], secret), bytearray(backwards[32:48]), bytearray(1))
        self.head = self.decrypt(head)
        self.framing = _TAGS.get(int.from_bytes(self.head[56:60], "little"))
        """The transport below, as the head names it; None when the keys do not fit."""

    def decrypt(self, data: bytes) -> bytes:
        """Bytes from the client."""
        return tgcrypto.ctr256_decrypt(data, *self._in) if data else b""

    def encrypt(self, data: bytes) -> bytes:
        """Bytes to the client."""
        return tgcrypto.ctr256_encrypt(data, *self._out) if data else b""


class Transport:
    """The transport of one connection: recognises it, then unpacks and frames packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._framing: Framing | None = None
        self._obfuscation: Obfuscation | None = None

    @property
    def name(self) -> str:
        """The recognised transport's name, for the journal."""
        if self._framing is None:
            return "unknown"
        return f"obfuscated {self._framing.name}" if self._obfuscation else self._framing.name

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole packets among what has arrived; `BadFrame` when it cannot be a transport."""
        self._buffer += self._obfuscation.decrypt(data) if self._obfuscation else data
        if self._framing is None:
            self._framing = self._recognise()
        if self._framing is not None:
            yield from self._framing.packets(self._buffer)

    def frame(self, packet: bytes) -> bytes:
        """The bytes to write for a packet."""
        framing = self._framing or Intermediate()
        framed = framing.frame(packet)
        return self._obfuscation.encrypt(framed) if self._obfuscation else framed

    def _recognise(self) -> Framing | None:
        buffer = self._buffer
        if not buffer:
            return None
        if buffer[0] == 0xEF:
            del buffer[:1]
            return Abridged()
        if len(buffer) < 8:
            return None
        first = int.from_bytes(buffer[:4], "little")
        if first == _INTERMEDIATE:
            del buffer[:4]
            return Intermediate()
        if first == _PADDED:
            del buffer[:4]
            return Padded()
        # The full transport starts with a packet's length and the sequence number 0.
        if not any(buffer[4:8]):
            return Full()
        if len(buffer) < OBFUSCATED_HEAD:
            return None
        head = bytes(buffer[:OBFUSCATED_HEAD])
        for secret in (b"", PROXY_SECRET):
            found = Obfuscation(head, secret)
            if found.framing is not None:
                self._obfuscation = found
                buffer[:] = found.decrypt(bytes(buffer[OBFUSCATED_HEAD:]))
                return found.framing()
        raise BadFrame("not a transport of Telegram")


_TAGS: dict[int, Callable[[], Framing]] = {_ABRIDGED: Abridged, _INTERMEDIATE: Intermediate, _PADDED: Padded}


def _mixed(key: bytes, secret: bytes) -> bytes:
    return sha256(key + secret).digest() if secret else key


def _check(length: int) -> None:
    if length > MAX_PACKET:
        raise BadFrame("a packet longer than any of Telegram's")

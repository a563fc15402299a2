"""What travels on the wire: TL's primitive values and MTProto 2.0's encrypted envelope.

Sources: core.telegram.org/mtproto/serialize and core.telegram.org/mtproto/description. tgcrypto (AES) is
the only client library used here. A fault of a client is therefore not repeated by the server.
"""

import os
import struct
from hashlib import sha1, sha256

import tgcrypto

VECTOR = 0x1CB5C415
BOOL_TRUE = 0x997275B5
BOOL_FALSE = 0xBC799737
# core.telegram.org/mtproto/service_messages_about_messages: at most 8192 ids.
MAX_IDS = 8192

_INT = struct.Struct("<i")
_UINT = struct.Struct("<I")
_LONG = struct.Struct("<q")
_DOUBLE = struct.Struct("<d")
_INNER = struct.Struct("<qqqii")

pack_int = _INT.pack
pack_uint = _UINT.pack
pack_long = _LONG.pack
pack_double = _DOUBLE.pack


class Malformed(Exception):
    """The bytes are not what the schema says."""


class Reader:
    """Reads TL's primitive values one after another; running out of bytes is `Malformed`."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int = 0, end: int | None = None) -> None:
        self.data = data
        self.pos = pos
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """How many bytes remain."""
        return self.end - self.pos

    def raw(self, size: int) -> bytes:
        """The next `size` bytes as they are."""
        pos = self.pos
        if size < 0 or pos + size > self.end:
            raise Malformed("the message ends too early")
        self.pos = pos + size
        return self.data[pos : pos + size]

    def int32(self) -> int:
        """A signed 32-bit number."""
        pos = self.pos
        if pos + 4 > self.end:
            raise Malformed("the message ends too early")
        self.pos = pos + 4
        return _INT.unpack_from(self.data, pos)[0]  # type: ignore[no-any-return]

    def uint32(self) -> int:
        """An unsigned 32-bit number: constructor ids and flags."""
        pos = self.pos
        if pos + 4 > self.end:
            raise Malformed("the message ends too early")
        self.pos = pos + 4
        return _UINT.unpack_from(self.data, pos)[0]  # type: ignore[no-any-return]

    def int64(self) -> int:
        """A signed 64-bit number."""
        pos = self.pos
        if pos + 8 > self.end:
            raise Malformed("the message ends too early")
        self.pos = pos + 8
        return _LONG.unpack_from(self.data, pos)[0]  # type: ignore[no-any-return]

    def float64(self) -> float:
        """A 64-bit float."""
        return _DOUBLE.unpack(self.raw(8))[0]  # type: ignore[no-any-return]

    def blob(self) -> bytes:
        """A byte string with its length before it, padded to four bytes."""
        length = self.raw(1)[0]
        head = 1
        if length == 254:
            length = int.from_bytes(self.raw(3), "little")
            head = 4
        elif length == 255:
            raise Malformed("a string of an unknown form")
        value = self.raw(length)
        self.raw(-(length + head) % 4)
        return value

    def text(self) -> str:
        """A text in UTF-8."""
        try:
            return self.blob().decode()
        except UnicodeDecodeError as exc:
            raise Malformed("a text that is not UTF-8") from exc

    def boolean(self) -> bool:
        """A boxed Bool."""
        value = self.uint32()
        if value == BOOL_TRUE:
            return True
        if value == BOOL_FALSE:
            return False
        raise Malformed("a Bool that is neither true nor false")

    def longs(self) -> list[int]:
        """A boxed vector of 64-bit numbers: the message ids of a service message."""
        if self.uint32() != VECTOR:
            raise Malformed("no vector where one belongs")
        count = self.int32()
        if not 0 <= count <= MAX_IDS:
            raise Malformed("a vector of an impossible length")
        return [self.int64() for _ in range(count)]


def pack_bytes(value: bytes) -> bytes:
    """A byte string as TL writes it."""
    length = len(value)
    if length < 254:
        return bytes((length,)) + value + bytes(-(length + 1) % 4)
    if length >= 1 << 24:
        raise ValueError("TL strings are shorter than 16 MiB")
    return b"\xfe" + length.to_bytes(3, "little") + value + bytes(-length % 4)


def pack_string(value: str) -> bytes:
    """A text as TL writes it."""
    return pack_bytes(value.encode())


def pack_bool(value: object) -> bytes:
    """A boxed Bool."""
    return _UINT.pack(BOOL_TRUE if value else BOOL_FALSE)


def pack_longs(values: list[int]) -> bytes:
    """A boxed vector of 64-bit numbers."""
    return pack_uint(VECTOR) + pack_int(len(values)) + b"".join(map(pack_long, values))


def key_id(auth_key: bytes) -> bytes:
    """The eight bytes that name an auth key in every envelope."""
    return sha1(auth_key).digest()[-8:]  # noqa: S324 - the protocol names keys by SHA-1


def aes_of(auth_key: bytes, msg_key: bytes, x: int) -> tuple[bytes, bytes]:
    """AES key and IV of one message; x is 0 from the client, 8 from the server."""
    a = sha256(msg_key + auth_key[x : x + 36]).digest()
    b = sha256(auth_key[x + 40 : x + 76] + msg_key).digest()
    return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]


def seal(
    auth_key: bytes, key: bytes, salt: int, session: int, msg_id: int, seqno: int, body: bytes, *, x: int = 8
) -> bytes:
    """An encrypted envelope; `key` is `key_id(auth_key)`, x is 8 for the server, 0 for a client."""
    plain = _INNER.pack(salt, session, msg_id, seqno, len(body)) + body
    plain += os.urandom(-(len(plain) + 12) % 16 + 12)
    msg_key = sha256(auth_key[88 + x : 120 + x] + plain).digest()[8:24]
    sealed: bytes = tgcrypto.ige256_encrypt(plain, *aes_of(auth_key, msg_key, x))
    return key + msg_key + sealed


def unseal(auth_key: bytes, packet: bytes, *, x: int = 0) -> tuple[int, int, int, int, bytes]:
    """(salt, session id, msg_id, seqno, body) of an envelope; `Malformed` if sealed with another key."""
    if len(packet) < 24 + 48 or (len(packet) - 24) % 16:
        raise Malformed("an envelope of an impossible length")
    msg_key = packet[8:24]
    plain = tgcrypto.ige256_decrypt(packet[24:], *aes_of(auth_key, msg_key, x))
    if sha256(auth_key[88 + x : 120 + x] + plain).digest()[8:24] != msg_key:
        raise Malformed("the message key does not fit")
    salt, session, msg_id, seqno, length = _INNER.unpack_from(plain)
    padding = len(plain) - 32 - length
    if length < 0 or length % 4 or not 12 <= padding <= 1024:
        raise Malformed("an inner length that does not fit")
    return salt, session, msg_id, seqno, plain[32 : 32 + length]

"""The server's RSA key: made at the first start, kept in the state folder, published as `key.pem`."""

import base64
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from djangobot.bot.sandbox import whole_file
from djangobot.bot.sandbox.mtproto import wire

SECRET = "key.private"  # noqa: S105 - a file's name
PUBLIC = "key.pem"
_EXPONENT = 65537


class KeyDamaged(Exception):
    """The kept key is none."""

    def __init__(self, secret: Path) -> None:
        super().__init__(
            f"{secret} is damaged: put the right one back, or delete it to have a new key made; clients then "
            f"need the new {PUBLIC}"
        )


@dataclass(frozen=True)
class RsaKey:
    """A 2048-bit RSA key: modulus, public and private exponent."""

    n: int
    e: int
    d: int

    @property
    def fingerprint(self) -> int:
        """The name that clients use for the key: the low 64 bits of SHA-1 of its TL form, signed."""
        size = (self.n.bit_length() + 7) // 8
        body = wire.pack_bytes(self.n.to_bytes(size, "big")) + wire.pack_bytes(self.e.to_bytes(3, "big"))
        return int.from_bytes(sha1(body).digest()[-8:], "little", signed=True)  # noqa: S324 - MTProto's definition

    def pem(self) -> str:
        """The public key as PKCS#1 text ("BEGIN RSA PUBLIC KEY")."""
        inner = _der_int(self.n) + _der_int(self.e)
        text = base64.b64encode(b"\x30" + _der_length(len(inner)) + inner).decode()
        lines = [text[i : i + 64] for i in range(0, len(text), 64)]
        return "\n".join(["-----BEGIN RSA PUBLIC KEY-----", *lines, "-----END RSA PUBLIC KEY-----", ""])


def make() -> RsaKey:
    """A new key."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # only the first start makes one

    made = rsa.generate_private_key(_EXPONENT, 2048).private_numbers()
    return RsaKey(made.public_numbers.n, _EXPONENT, made.d)


def load(folder: Path) -> RsaKey:
    """The folder's key. Without one, a new key is written, its private part with mode 0600.

    Raises KeyDamaged, and OSError."""
    secret, public = folder / SECRET, folder / PUBLIC
    if secret.exists():
        key = _read(secret)
    else:
        key = make()
        whole_file.write(secret, f"{key.n:x}\n{key.d:x}\n", 0o600)
    if not public.exists() or public.read_bytes() != key.pem().encode():
        whole_file.write(public, key.pem(), 0o644)
    return key


def _read(secret: Path) -> RsaKey:
    try:
        n, d = (int(line, 16) for line in secret.read_text("ascii").split())
    except ValueError as exc:
        raise KeyDamaged(secret) from exc
    key = RsaKey(n, _EXPONENT, d)
    if n.bit_length() != 2048 or not 0 < d < n or pow(pow(2, _EXPONENT, n), d, n) != 2:
        raise KeyDamaged(secret)
    return key


def read_public(path: Path) -> tuple[int, int, int]:
    """(modulus, exponent, fingerprint) of a PKCS#1 `key.pem`, for tests and clients."""
    body = "".join(line for line in path.read_text().splitlines() if not line.startswith("-----"))
    data = base64.b64decode(body)
    sequence, _ = _der_value(data, 0)
    n_bytes, after = _der_value(sequence, 0)
    e_bytes, _ = _der_value(sequence, after)
    n, e = int.from_bytes(n_bytes, "big"), int.from_bytes(e_bytes, "big")
    return n, e, RsaKey(n, e, 0).fingerprint


def _der_length(length: int) -> bytes:
    if length < 128:
        return bytes((length,))
    size = (length.bit_length() + 7) // 8
    return bytes((0x80 | size,)) + length.to_bytes(size, "big")


def _der_int(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + _der_length(len(body)) + body


def _der_value(data: bytes, pos: int) -> tuple[bytes, int]:
    length, pos = data[pos + 1], pos + 2
    if length & 0x80:
        size = length & 0x7F
        length, pos = int.from_bytes(data[pos : pos + size], "big"), pos + size
    return data[pos : pos + length], pos + length

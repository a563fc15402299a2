"""The server's RSA key: made at the first start, kept in the state folder, published as `key.pem`."""

import base64
import secrets
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from djangobot.bot.sandbox import whole_file
from djangobot.bot.sandbox.mtproto import wire

SECRET = "key.private"  # noqa: S105 - a file's name
PUBLIC = "key.pem"
_EXPONENT = 65537
_SMALL_PRIMES = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


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
    while True:
        p, q = _prime(1024), _prime(1024)
        n, phi = p * q, (p - 1) * (q - 1)
        if p != q and n.bit_length() == 2048 and phi % _EXPONENT:
            return RsaKey(n, _EXPONENT, pow(_EXPONENT, -1, phi))


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


def _prime(bits: int) -> int:
    top = 3 << (bits - 2)
    while True:
        candidate = secrets.randbits(bits) | top | 1
        if all(candidate % p for p in _SMALL_PRIMES) and _is_prime(candidate):
            return candidate


def _is_prime(n: int, rounds: int = 8) -> bool:
    """Miller-Rabin; 8 rounds suffice for random candidates of this size (FIPS 186-5, table B.1)."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(rounds):
        x = pow(secrets.randbelow(n - 3) + 2, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True

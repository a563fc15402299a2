"""Reads a server's public key from its file: PKCS#1 in PEM."""

import base64


def read_public_key(pem: str) -> tuple[bytes, bytes]:
    """Returns modulus and exponent of a PKCS#1 `RSA PUBLIC KEY`, big-endian without leading zeros. Raises
    ValueError."""
    lines = pem.strip().splitlines()
    if not lines or "BEGIN RSA PUBLIC KEY" not in lines[0] or "END RSA PUBLIC KEY" not in lines[-1]:
        raise ValueError("expected a PKCS#1 public key (-----BEGIN RSA PUBLIC KEY-----)")
    try:
        der = base64.b64decode("".join(lines[1:-1]), validate=True)
        _, body, _ = _der(der)
        _, modulus, rest = _der(body)
        _, exponent, _ = _der(rest)
    except (ValueError, IndexError):
        raise ValueError("this public key is damaged") from None
    if not modulus.strip(b"\0") or not exponent.strip(b"\0"):
        raise ValueError("this public key is damaged")
    return modulus.lstrip(b"\0"), exponent.lstrip(b"\0")


def _der(data: bytes) -> tuple[int, bytes, bytes]:
    """Returns the first element of DER `data`: its tag, its content, and what follows it."""
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[2 : 2 + size], "big")
        start = 2 + size
    if len(data) < start + length:
        raise ValueError("cut off")
    return tag, data[start : start + length], data[start + length :]

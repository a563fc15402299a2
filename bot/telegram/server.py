"""Which Telegram this process talks to: the real one, or the server of a sandbox."""

from hashlib import sha1
from pathlib import Path

from pyrogram.crypto import rsa

from djangobot.bot.key_file import read_public_key

PORT = 443
DATA_CENTRES = {
    1: "149.154.175.53",
    2: "149.154.167.51",
    3: "149.154.175.100",
    4: "149.154.167.91",
    5: "91.108.56.130",
    203: "91.105.192.100",
}
"""Telegram's own servers, by number. A bot belongs to one of them; each of them says which."""
_server: tuple[str, int] | None = None
"""The server that is used in place of all of them."""


def address_of(dc_id: int) -> tuple[str, int]:
    """Host and port of this data centre. Raises KeyError for one that Telegram does not have."""
    return _server or (DATA_CENTRES[dc_id], PORT)


def use_server(host: str, port: int, key: Path) -> None:
    """Sends every connection of this process to `host:port`, whose RSA public key (PKCS#1 PEM) is in
    `key`."""
    global _server
    modulus, exponent = read_public_key(key.read_text())
    body = _tl_bytes(modulus) + _tl_bytes(exponent)
    fingerprint = int.from_bytes(sha1(body).digest()[-8:], "little", signed=True)  # noqa: S324 - MTProto's definition
    rsa.server_public_keys[fingerprint] = rsa.PublicKey(
        int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    )
    _server = (host, port)


def _tl_bytes(data: bytes) -> bytes:
    """TL's `bytes`: length, data, padding to four (core.telegram.org/mtproto/serialize)."""
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-(len(head) + len(data)) % 4)

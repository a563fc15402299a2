# pyright: reportAttributeAccessIssue=false
"""Which Telegram this process talks to: the real one, or the server of a sandbox."""

from hashlib import sha1
from pathlib import Path

import pyrogram.connection.connection
from pyrogram.crypto import rsa

from djangobot.bot.key_file import read_public_key


def use_server(host: str, port: int, key: Path) -> None:
    """Sends every connection of this process to `host:port`, whose RSA public key (PKCS#1 PEM) is in `key`.

    Pyrogram allows this in one place only, for the whole process.
    """
    modulus, exponent = read_public_key(key.read_text())
    body = _tl_bytes(modulus) + _tl_bytes(exponent)
    fingerprint = int.from_bytes(sha1(body).digest()[-8:], "little", signed=True)  # noqa: S324 - MTProto's definition
    rsa.server_public_keys[fingerprint] = rsa.PublicKey(
        int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    )
    pyrogram.connection.connection.DataCenter = lambda *_: (host, port)


def _tl_bytes(data: bytes) -> bytes:
    """TL's `bytes`: length, data, padding to four (core.telegram.org/mtproto/serialize)."""
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-(len(head) + len(data)) % 4)

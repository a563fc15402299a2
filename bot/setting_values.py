"""Setting values: from the text of an environment variable to a value. A wrong value raises ValueError, which
says what is expected."""

import re
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from djangobot.bot import secret_file
from djangobot.bot.key_file import read_public_key
from djangobot.db import fields
from djangobot.db.engine.address import is_too_long

HASH_EXPECTED = "expected 32 hexadecimal digits, from my.telegram.org"
TOKEN_EXPECTED = "expected the token BotFather gave, like 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"  # noqa: S105

NONE_OF_THEM = "none"

UNIX = "unix:"
UNIX_SOCKET = re.compile(r"unix:(?P<path>/[^?\x00]*[^/?\x00])(\?mode=0?(?P<mode>[0-7]{3}))?")
LONGEST_SOCKET = 107
"""Bytes. The kernel takes no longer path."""


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number within these bounds."""

    def read(raw: str) -> int:
        value = fields.whole_number(raw, low, high)
        if value is None:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return read


def number(high: float, least: float = 0.0) -> Callable[[str], float]:
    """Reads a number from 0 to `high`. A number that is neither 0 nor at least `least` would mean a wait of
    years."""

    def read(raw: str) -> float:
        value = (
            float(raw) if re.fullmatch(r"[0-9.]{1,20}(e-?[0-9]{1,2})?", raw) and raw.count(".") < 2 else -1
        )
        if not (value == 0 or least <= value <= high):
            beside = f"0 or a number from {least:g}" if least else "a number from 0"
            raise ValueError(f"expected {beside} to {high:g}")
        return value

    return read


def some_of(*choices: str) -> Callable[[str], tuple[str, ...]]:
    """Reads some of these words, separated by commas, or `none`."""

    def read(raw: str) -> tuple[str, ...]:
        words = {word.strip() for word in raw.split(",")} - {""}
        if words == {NONE_OF_THEM}:
            return ()
        if not words or not words <= set(choices):
            raise ValueError(
                f"expected some of: {', '.join(choices)}, separated by commas, or {NONE_OF_THEM}"
            )
        return tuple(choice for choice in choices if choice in words)

    return read


def telegram_ids(raw: str) -> tuple[int, ...]:
    """Reads Telegram ids separated by commas."""
    try:
        return tuple(whole_number(1, 2**63 - 1)(part.strip()) for part in raw.split(","))
    except ValueError:
        raise ValueError("expected Telegram ids separated by commas, like 1001,1002") from None


def networks(raw: str) -> tuple[str, ...]:
    """Reads addresses and networks separated by commas."""
    try:
        return tuple(str(ip_network(part.strip().strip("[]"))) for part in raw.split(","))
    except ValueError:
        raise ValueError(
            "expected addresses or networks separated by commas, like 127.0.0.1,10.0.0.0/8,fd00::/8"
        ) from None


def listening_host(raw: str) -> str:
    """Reads what the HTTP server listens on: an address, a name, or a Unix socket with its mode."""
    if not raw.startswith(UNIX):
        return host(raw)
    found = UNIX_SOCKET.fullmatch(raw)
    if found is None or len(found["path"].encode()) > LONGEST_SOCKET:
        raise ValueError(
            "expected unix:/path of a socket, perhaps with its mode: unix:/run/bot/http.sock?mode=660"
        )
    return raw


def host(raw: str) -> str:
    """Reads an address or a name. An IPv6 address may have brackets."""
    bare = raw[1:-1] if raw.startswith("[") and raw.endswith("]") else raw
    try:
        if ":" in bare or raw.startswith("["):
            IPv6Address(bare)
        elif not re.fullmatch(r"[^\s/\\?#@%\[\]\x00-\x1f]+", bare) or not bare.encode("idna"):
            raise ValueError
    except ValueError:
        raise ValueError("expected an address or a name alone, like 127.0.0.1, :: or localhost") from None
    return bare


def base_path(raw: str) -> str:
    """Reads the path under which the API is, without a slash at the end."""
    if re.fullmatch(r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?", raw) is None or len(raw) > LONGEST_SOCKET:
        raise ValueError("expected a path of letters, digits, - and _, like /notify")
    return raw.rstrip("/")


def server(raw: str) -> tuple[str, int]:
    """Reads host:port."""
    name, _, port = raw.rpartition(":")
    try:
        return host(name), whole_number(1, 65535)(port)
    except ValueError:
        raise ValueError("expected host:port, like 127.0.0.1:8443") from None


def url(raw: str) -> str:
    """Reads the address of a web site, without a slash at the end."""
    try:
        parts = urlsplit(raw)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or re.search(r"[\s'\"<>\\?#@\x00-\x1f\x7f]", raw):
        raise ValueError("expected an address like https://bot.example.org, without user, ? and #")
    return raw.rstrip("/")


def key_file(raw: str) -> Path:
    """Reads the path of a server's public key. The file must hold one."""
    path = Path(raw)
    if not path.is_file():
        raise ValueError("there is no such file")
    read_public_key(path.read_bytes().decode("ascii", "replace"))
    return path


def folder(raw: str) -> Path:
    """Reads the path of a folder, which need not be there yet."""
    if re.search(r"[\x00-\x1f\x7f]", raw) or is_too_long(raw):
        raise ValueError("expected the path of a folder")
    return Path(raw)


def bot_token(raw: str) -> str:
    """Reads a token of BotFather's, or one for a sandbox."""
    if not re.fullmatch(r"[1-9][0-9]{0,15}:[\x21-\x7e]+", raw):
        raise ValueError(TOKEN_EXPECTED)
    return raw


def api_hash(raw: str) -> str:
    """Reads an API hash, or one for a sandbox."""
    if not re.fullmatch(r"[\x21-\x7e]+", raw):
        raise ValueError(HASH_EXPECTED)
    return raw


def secret(raw: str) -> str:
    """Reads a secret that is long enough."""
    if len(raw.encode()) < secret_file.LEAST:
        raise ValueError("expected at least 32 bytes (RFC 7518, 3.2); leave it out to have one generated")
    return raw


def one_of(*choices: str) -> Callable[[str], str]:
    """Reads one of these words."""

    def read(raw: str) -> str:
        if raw not in choices:
            raise ValueError(f"expected one of: {', '.join(choices)}")
        return raw

    return read

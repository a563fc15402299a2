"""Settings: the only reader of the environment. Every error names the variable and says what to write
there."""

import codecs
import difflib
import errno
import io
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv6Address, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from dotenv.parser import parse_stream

from djangobot.bot import secret_file
from djangobot.bot.telegram.key_file import read_public_key
from djangobot.db.engine import address
from djangobot.db.engine.address import MASK, database_url, is_too_long, without_secrets
from djangobot.db.programs.accounts import Registration

GUIDANCE_RATE_CHAT = 1.0
"""Messages a second to one chat. Telegram's bots FAQ: "avoid sending more than one message per second"."""
GUIDANCE_RATE_TOTAL = 30.0
"""Messages a second in all. Telegram's bots FAQ: "the API will not allow … over ~30 messages per second"."""

SLOWEST = 0.001
"""Messages a second. A rate below one in a quarter of an hour is a typing error."""

PREFIX = "DJANGOBOT_"
LONGEST_SHOWN = 60
"""A wrong value is repeated in an error only up to this many characters."""
HASH_EXPECTED = "expected 32 hexadecimal digits, from my.telegram.org"
TOKEN_EXPECTED = "expected the token BotFather gave, like 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"  # noqa: S105


class SettingsError(Exception):
    """What is wrong with the environment, one line for each variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


Origin = Literal["default", "generated", "set"]


class InForce(msgspec.Struct, frozen=True):
    """One variable and its value, with secrets masked. `set` when it differs from the default."""

    name: str
    value: str
    origin: Origin


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment asks for. Rates are messages a second; 0 means no pacing of our own."""

    database_url: str
    data: Path = Path("data")
    api_id: int = 0
    api_hash: str = ""
    bot_token: str = ""
    admins: tuple[int, ...] = ()
    jwt_secret: str = ""
    session_key: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    http_idle: float = 75.0
    http_connections: int = 10_000
    trusted_proxies: tuple[str, ...] = ()
    telegram_server: tuple[str, int] | None = None
    telegram_key: Path | None = None
    log_format: str = "console"
    rate_chat: float = GUIDANCE_RATE_CHAT
    rate_total: float = GUIDANCE_RATE_TOTAL
    concurrency: int = 50
    safe_to_repeat: float = 24.0
    limit_send: int = 0
    limit_waiting: int = 100_000
    limit_waiting_mib: int = 32
    limit_waiting_account: int = 500_000
    limit_waiting_account_mib: int = 128
    disk_floor: int = 128
    file_limit: int = 50
    """MiB of all files of one message."""
    send_wait: float = 5.0
    public_url: str = ""
    registration: Registration = "open"
    generated: tuple[str, ...] = ()
    """Secrets that were not given. They were read from the data folder or made there."""

    @property
    def listening(self) -> str:
        """The HTTP address on which this process listens, without a slash at the end."""
        host = f"[{self.http_host}]" if ":" in self.http_host else self.http_host
        return f"http://{host}:{self.http_port}"

    @property
    def address(self) -> str:
        """The HTTP address for programs, without a slash at the end. If the service listens on all addresses,
        this is the one by which this machine reaches others."""
        if self.public_url:
            return self.public_url
        if self.http_host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            return f"http://{_own_address()}:{self.http_port}"
        return self.listening

    def missing_for_telegram(self) -> list[str]:
        """The missing variables that a sign-in to Telegram needs."""
        needed = {"API_ID": self.api_id, "API_HASH": self.api_hash, "BOT_TOKEN": self.bot_token}
        return [PREFIX + name for name, value in needed.items() if not value]

    def in_force(self) -> list["InForce"]:
        """Every variable as it holds now. It can be shown, because secrets are removed."""
        found = []
        for name in _READERS:
            field = name.lower()
            value, default = getattr(self, field), _DEFAULTS[field]
            origin: Origin = "default" if value == default else "set"
            if field in self.generated:
                origin = "generated"
            found.append(
                InForce(PREFIX + name, MASK if name in _SECRETS and value else _shown(value), origin)
            )
        own = self.database_url == database_url({PREFIX + "DATA": str(self.data)})
        shown = without_secrets(self.database_url)
        return [*found, InForce("DATABASE_URL", shown, "default" if own else "set")]

    def prepared(self) -> "Settings":
        """Makes the data folder (0700), and reads or generates the secrets in it (0600). Returns the settings
        with these secrets. Raises SettingsError."""
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as exc:
            raise SettingsError([_unusable(self.data, exc)]) from exc
        if trouble := trouble_with(self.data):
            raise SettingsError([trouble])
        missing = [name for name in ("jwt_secret", "session_key") if not getattr(self, name)]
        try:
            kept = {name: secret_file.kept(self.data / name) for name in missing}
        except secret_file.SecretUnusable as exc:
            raise SettingsError([str(exc)]) from exc
        return msgspec.structs.replace(self, generated=tuple(kept), **kept)


def _own_address() -> str:
    """The machine's own address. Loopback on a machine without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # sends nothing: the kernel chooses its address (RFC 5737's)
        except OSError:
            return "127.0.0.1"
        return str(asked.getsockname()[0])


def trouble_with(data: Path) -> str | None:
    """Why nothing could be stored in this folder, or None. Checks without creating anything."""
    there = data.absolute()
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return _unusable(data, NotADirectoryError(errno.ENOTDIR, f"{there} is a file, not a folder"))
    if not os.access(there, os.W_OK | os.X_OK) or there.resolve().is_relative_to("/proc"):
        return _unusable(data, PermissionError(errno.EACCES, f"nothing may be written in {there}"))
    return None


def _unusable(data: Path, exc: OSError) -> str:
    return f"{PREFIX}DATA: the folder {data} can't be used: {exc.strerror or exc}"


def environment() -> dict[str, str]:
    """The process environment, and below it the `.env` file of the working directory. Empty values are left
    out. Raises SettingsError for a file that can't be read."""
    merged = {**_env_file(Path(".env")), **os.environ}
    return {name: value for name, value in merged.items() if value}


def _env_file(path: Path) -> dict[str, str | None]:
    if not path.is_file():  # a folder of that name is a virtual environment
        return {}
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise SettingsError([f"{path}: can't be read: {exc.strerror or exc}"]) from exc
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in raw:
        raise SettingsError([f"{path}: this file is in UTF-16; save it in UTF-8"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise SettingsError(
            [f"{path}: line {line} is not in UTF-8 (in Latin-1 or another encoding?); save it in UTF-8"]
        ) from None
    if wrong := [str(one.original.line) for one in parse_stream(io.StringIO(text)) if one.error]:
        raise SettingsError([f"{path}: expected NAME=value in line {', '.join(wrong)}"])
    return dotenv_values(stream=io.StringIO(text))


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Reads the settings. Raises `SettingsError` with every variable that is wrong, not just the first."""
    values = environment() if environ is None else environ
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, read in _READERS.items():
        raw = values.get(PREFIX + name, "").strip()
        if not raw:
            continue
        try:
            raw.encode()
            found[name.lower()] = read(raw)
        except UnicodeEncodeError:
            problems.append(f"{PREFIX}{name}: its value is not text in UTF-8")
        except OSError as exc:
            problems.append(f"{PREFIX}{name}: {_shown_wrong(name, raw)} can't be read: {exc.strerror or exc}")
        except ValueError as exc:
            problems.append(f"{PREFIX}{name}: {_shown_wrong(name, raw)} is not right: {exc}")
    problems += _not_together(values, found)
    problems += [_no_such(name) for name in sorted(values) if _is_meant_for_us(name)]
    try:
        url = database_url(values)
        url.encode()
        found["database_url"] = address.check(url)
    except UnicodeEncodeError:
        problems.append("DATABASE_URL: its value is not text in UTF-8")
    except ValueError as exc:
        problems.append(f"DATABASE_URL: {exc}")
    if problems:
        raise SettingsError(problems)
    return Settings(**found)


def _not_together(values: Mapping[str, str], found: Mapping[str, Any]) -> Iterator[str]:
    """Checks variables that depend on each other: a sandbox needs its key, and accepts any API hash and
    token."""
    sandbox = {name for name in ("TELEGRAM_SERVER", "TELEGRAM_KEY") if values.get(PREFIX + name, "").strip()}
    if len(sandbox) == 1:
        (given,) = sandbox
        (other,) = {"TELEGRAM_SERVER", "TELEGRAM_KEY"} - sandbox
        yield f"{PREFIX}{given}: needs {PREFIX}{other}, too; without both it is Telegram itself"
    if sandbox:
        return
    if "api_hash" in found and not re.fullmatch(r"[0-9a-fA-F]{32}", found["api_hash"]):
        yield f"{PREFIX}API_HASH: its value is not right: {HASH_EXPECTED}"
    if "bot_token" in found and not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]{30,}", found["bot_token"]):
        yield f"{PREFIX}BOT_TOKEN: its value is not right: {TOKEN_EXPECTED}"


def _plain(name: str) -> str:
    return name.upper().replace("_", "").replace("-", "")


def _is_meant_for_us(name: str) -> bool:
    """Whether the name looks like one of ours and is none."""
    return name not in NAMES and _plain(name).startswith(_plain(PREFIX))


def _no_such(name: str) -> str:
    by_plain = {_plain(known): known for known in NAMES}
    meant = difflib.get_close_matches(_plain(name), by_plain, n=1, cutoff=0.8) or [
        plain for plain in by_plain if plain == _plain(name).removeprefix(_plain(PREFIX))
    ]
    return f"{name}: there is no such setting" + (f"; did you mean {by_plain[meant[0]]}?" if meant else "")


def _shown_wrong(name: str, raw: str) -> str:
    """A wrong value as an error shows it. Hidden if it is a secret, or may be a secret in the wrong
    variable."""
    if name in _SECRETS or len(raw) > LONGEST_SHOWN or re.search(r"[A-Za-z0-9_-]{25,}", raw) or "@" in raw:
        return "its value"
    return repr(raw)


def _shown(value: Any) -> str:
    """The value as it is written in the environment. Empty for None."""
    if isinstance(value, tuple):
        address = len({type(part) for part in value}) == 2  # host and port; all other tuples are lists
        return (":" if address else ",").join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return without_secrets("" if value is None else str(value))


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(raw: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", raw) or not low <= int(raw) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(raw)

    return read


def _number(high: float, least: float = 0.0) -> Callable[[str], float]:
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


def _admins(raw: str) -> tuple[int, ...]:
    try:
        return tuple(_whole(1, 2**63 - 1)(part.strip()) for part in raw.split(","))
    except ValueError:
        raise ValueError("expected Telegram ids separated by commas, like 1001,1002") from None


def _networks(raw: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(part.strip().strip("[]"))) for part in raw.split(","))
    except ValueError:
        raise ValueError(
            "expected addresses or networks separated by commas, like 127.0.0.1,10.0.0.0/8,fd00::/8"
        ) from None


def _host(raw: str) -> str:
    """Reads an address or a name. An IPv6 address may have brackets."""
    host = raw[1:-1] if raw.startswith("[") and raw.endswith("]") else raw
    try:
        if ":" in host or raw.startswith("["):
            IPv6Address(host)
        elif not re.fullmatch(r"[^\s/\\?#@%\[\]\x00-\x1f]+", host) or not host.encode("idna"):
            raise ValueError
    except ValueError:
        raise ValueError("expected an address or a name alone, like 127.0.0.1, :: or localhost") from None
    return host


def _server(raw: str) -> tuple[str, int]:
    host, _, port = raw.rpartition(":")
    try:
        return _host(host), _whole(1, 65535)(port)
    except ValueError:
        raise ValueError("expected host:port, like 127.0.0.1:8443") from None


def _url(raw: str) -> str:
    try:
        parts = urlsplit(raw)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or re.search(r"[\s'\"<>\\?#@\x00-\x1f\x7f]", raw):
        raise ValueError("expected an address like https://bot.example.org, without user, ? and #")
    return raw.rstrip("/")


def _key_file(raw: str) -> Path:
    path = Path(raw)
    if not path.is_file():
        raise ValueError("there is no such file")
    read_public_key(path.read_bytes().decode("ascii", "replace"))
    return path


def _folder(raw: str) -> Path:
    if re.search(r"[\x00-\x1f\x7f]", raw) or is_too_long(raw):
        raise ValueError("expected the path of a folder")
    return Path(raw)


def _bot_token(raw: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,15}:[\x21-\x7e]+", raw):
        raise ValueError(TOKEN_EXPECTED)
    return raw


def _api_hash(raw: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", raw):
        raise ValueError(HASH_EXPECTED)
    return raw


def _secret(raw: str) -> str:
    if len(raw.encode()) < secret_file.LEAST:
        raise ValueError("expected at least 32 bytes (RFC 7518, 3.2); leave it out to have one generated")
    return raw


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(raw: str) -> str:
        if raw not in choices:
            raise ValueError(f"expected one of: {', '.join(choices)}")
        return raw

    return read


_READERS: dict[str, Callable[[str], Any]] = {
    "API_ID": _whole(1, 2**31 - 1),
    "API_HASH": _api_hash,
    "BOT_TOKEN": _bot_token,
    "ADMINS": _admins,
    "DATA": _folder,
    "JWT_SECRET": _secret,
    "SESSION_KEY": _secret,
    "HTTP_HOST": _host,
    "HTTP_PORT": _whole(1, 65535),
    "HTTP_IDLE": _number(3600),
    "HTTP_CONNECTIONS": _whole(1, 100_000),
    "TRUSTED_PROXIES": _networks,
    "TELEGRAM_SERVER": _server,
    "TELEGRAM_KEY": _key_file,
    "LOG_FORMAT": _one_of("console", "json"),
    "RATE_CHAT": _number(1000, SLOWEST),
    "RATE_TOTAL": _number(10000, SLOWEST),
    "CONCURRENCY": _whole(1, 1000),
    "SAFE_TO_REPEAT": _number(24 * 30),
    "LIMIT_SEND": _whole(0, 1_000_000),
    "LIMIT_WAITING": _whole(0, 100_000_000),
    "LIMIT_WAITING_MIB": _whole(0, 1_000_000),
    "LIMIT_WAITING_ACCOUNT": _whole(0, 100_000_000),
    "LIMIT_WAITING_ACCOUNT_MIB": _whole(0, 1_000_000),
    "DISK_FLOOR": _whole(0, 1_000_000),
    "FILE_LIMIT": _whole(1, 2000),
    "SEND_WAIT": _number(60),
    "PUBLIC_URL": _url,
    "REGISTRATION": _one_of("open", "closed", "invite"),
}
_SECRETS = {"API_HASH", "BOT_TOKEN", "JWT_SECRET", "SESSION_KEY"}

_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Settings)}

NAMES = (*(PREFIX + name for name in _READERS), "DATABASE_URL")
"""Every variable there is. docs/settings.md documents each, and a test checks that."""

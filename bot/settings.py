"""Settings: the one reader of the environment. Every error names the variable and says what to write
there."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values

from djangobot.db.accounts import Registration
from djangobot.db.conf import database_url

GUIDANCE_RATE_CHAT = 1.0
"""Messages a second to one chat; Telegram's bots FAQ: "avoid sending more than one message per second"."""
GUIDANCE_RATE_TOTAL = 30.0
"""Messages a second in all; Telegram's bots FAQ: "the API will not allow … over ~30 messages per second"."""

PREFIX = "DJANGOBOT_"
MASK = "•••"


class SettingsError(Exception):
    """What is wrong with the environment, a line per variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


Origin = Literal["default", "generated", "set"]


class InForce(msgspec.Struct, frozen=True):
    """One variable and its value, secrets masked; `set` when it differs from the default."""

    name: str
    value: str
    origin: Origin


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment asks for. Rates are messages a second, 0 = no pacing of our own."""

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
    send_wait: float = 5.0
    public_url: str = ""
    registration: Registration = "open"
    generated: tuple[str, ...] = ()
    """Secrets that were not given: read from the data folder, or made there."""

    @property
    def address(self) -> str:
        """Where programs find the HTTP door, without a slash at the end."""
        host = f"[{self.http_host}]" if ":" in self.http_host else self.http_host
        return self.public_url or f"http://{host}:{self.http_port}"

    def missing_for_telegram(self) -> list[str]:
        """The variables without which nothing can sign in to Telegram."""
        needed = {"API_ID": self.api_id, "API_HASH": self.api_hash, "BOT_TOKEN": self.bot_token}
        return [PREFIX + name for name, value in needed.items() if not value]

    def in_force(self) -> list["InForce"]:
        """Every variable as it holds now; fit to be shown, for nothing secret is left in it."""
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
        shown = _without_secrets(self.database_url)
        return [*found, InForce("DATABASE_URL", shown, "default" if own else "set")]

    def prepared(self) -> "Settings":
        """These settings with the data folder made (0700) and the secrets read or generated there
        (0600)."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return msgspec.structs.replace(
            self,
            generated=tuple(name for name in ("jwt_secret", "session_key") if not getattr(self, name)),
            jwt_secret=self.jwt_secret or _kept_secret(self.data / "jwt_secret"),
            session_key=self.session_key or _kept_secret(self.data / "session_key"),
        )


def environment() -> dict[str, str]:
    """The process environment over the `.env` file of the working directory, empty values left out."""
    merged = {**dotenv_values(".env"), **os.environ}
    return {name: value for name, value in merged.items() if value}


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Raises `SettingsError` with every variable that is wrong, not just the first."""
    values = environment() if environ is None else environ
    found: dict[str, Any] = {"database_url": database_url(values)}
    problems: list[str] = []
    for name, read in _READERS.items():
        raw = values.get(PREFIX + name, "").strip()
        if not raw:
            continue
        try:
            found[name.lower()] = read(raw)
        except ValueError as exc:
            shown = "its value" if name in _SECRETS else repr(raw)
            problems.append(f"{PREFIX}{name}: {shown} is not right: {exc}")
    unknown = sorted(
        name for name in values if name.startswith(PREFIX) and name[len(PREFIX) :] not in _READERS
    )
    problems += [f"{name}: there is no such setting" for name in unknown]
    if not found["database_url"].startswith(("sqlite:///", "postgresql://", "postgres://")):
        problems.append(
            "DATABASE_URL: expected sqlite:///path/to/file or postgresql://user:password@host/name"
        )
    if problems:
        raise SettingsError(problems)
    return Settings(**found)


def _shown(value: Any) -> str:
    """As it is written in the environment; empty for none."""
    if isinstance(value, tuple):
        address = len({type(part) for part in value}) == 2  # host and port; all others are lists
        return (":" if address else ",").join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return _without_secrets("" if value is None else str(value))


def _without_secrets(text: str) -> str:
    """An address without its password, which may hold any sign up to the last @; and without what stands
    behind its question mark, where drivers take passwords too."""
    if "://" not in text or text.startswith("sqlite:"):
        return text
    masked = re.sub(r"(://[^:@/?#]*)[:/?#].*@", rf"\1:{MASK}@", text, flags=re.DOTALL)
    return re.sub(r"\?.*", f"?{MASK}", masked, flags=re.DOTALL)


def _kept_secret(path: Path) -> str:
    """A secret of 256 bits that outlives restarts; created with mode 0600, and only once."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        secret = secrets.token_urlsafe(32)
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    return secret


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(raw: str) -> int:
        if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(raw)

    return read


def _number(high: float) -> Callable[[str], float]:
    def read(raw: str) -> float:
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if not 0 <= value <= high:
            raise ValueError(f"expected a number from 0 to {high:g}")
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


def _server(raw: str) -> tuple[str, int]:
    host, _, port = raw.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("expected host:port, like 127.0.0.1:8443")
    return host.strip("[]"), int(port)


def _url(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s'\"<>\\]", raw):
        raise ValueError("expected an address like https://bot.example.org")
    return raw.rstrip("/")


def _file(raw: str) -> Path:
    path = Path(raw)
    if not path.is_file():
        raise ValueError("there is no such file")
    return path


def _bot_token(raw: str) -> str:
    number, _, rest = raw.partition(":")
    if not number.isdigit() or not rest:
        raise ValueError(
            "expected the token BotFather gave, like 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
        )
    return raw


def _secret(raw: str) -> str:
    if len(raw.encode()) < 32:
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
    "API_HASH": str,
    "BOT_TOKEN": _bot_token,
    "ADMINS": _admins,
    "DATA": Path,
    "JWT_SECRET": _secret,
    "SESSION_KEY": _secret,
    "HTTP_HOST": str,
    "HTTP_PORT": _whole(1, 65535),
    "HTTP_IDLE": _number(3600),
    "HTTP_CONNECTIONS": _whole(1, 100_000),
    "TRUSTED_PROXIES": _networks,
    "TELEGRAM_SERVER": _server,
    "TELEGRAM_KEY": _file,
    "LOG_FORMAT": _one_of("console", "json"),
    "RATE_CHAT": _number(1000),
    "RATE_TOTAL": _number(10000),
    "CONCURRENCY": _whole(1, 1000),
    "SAFE_TO_REPEAT": _number(24 * 30),
    "LIMIT_SEND": _whole(0, 1_000_000),
    "LIMIT_WAITING": _whole(0, 100_000_000),
    "LIMIT_WAITING_MIB": _whole(0, 1_000_000),
    "LIMIT_WAITING_ACCOUNT": _whole(0, 100_000_000),
    "LIMIT_WAITING_ACCOUNT_MIB": _whole(0, 1_000_000),
    "DISK_FLOOR": _whole(0, 1_000_000),
    "SEND_WAIT": _number(60),
    "PUBLIC_URL": _url,
    "REGISTRATION": _one_of("open", "closed", "invite"),
}
_SECRETS = {"API_HASH", "BOT_TOKEN", "JWT_SECRET", "SESSION_KEY"}

_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Settings)}

NAMES = (*(PREFIX + name for name in _READERS), "DATABASE_URL")
"""Every variable there is; docs/settings.md documents each, and a test holds it to that."""

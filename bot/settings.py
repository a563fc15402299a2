"""Settings: what the environment asks for. Every error names the variable and says what to write there."""

import difflib
import errno
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec

from djangobot.bot import secret_file, setting_values
from djangobot.bot.environment import SettingsError, environment
from djangobot.db.delivery.uncertain import SAFE_TO_REPEAT
from djangobot.db.engine import address
from djangobot.db.engine.address import MASK, database_url, without_secrets
from djangobot.db.programs.accounts import Registration

GUIDANCE_RATE_CHAT = 1.0
"""Messages a second to one chat. Telegram's bots FAQ: "avoid sending more than one message per second"."""
GUIDANCE_RATE_TOTAL = 30.0
"""Messages a second in all. Telegram's bots FAQ: "the API will not allow … over ~30 messages per second"."""
CONCURRENT_SENDS = 50
"""Calls to Telegram in progress at once, unless the settings say otherwise."""

SLOWEST = 0.001
"""Messages a second. A rate below one in a quarter of an hour is a typing error."""

PREFIX = "DJANGOBOT_"
LONGEST_SHOWN = 60
"""A wrong value is repeated in an error only up to this many characters."""

INLETS = ("hook", "gotify", "ntfy")
"""The calls for programs that speak something else than our API (http/inlets/)."""

AccessLog = Literal["off", "on", "slow"]
LONGEST_KEPT = 36_500
"""Days of history: a hundred years."""

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
    access_log: AccessLog = "off"
    rate_chat: float = GUIDANCE_RATE_CHAT
    rate_total: float = GUIDANCE_RATE_TOTAL
    concurrency: int = CONCURRENT_SENDS
    safe_to_repeat: float = SAFE_TO_REPEAT / timedelta(hours=1)
    """Hours."""
    limit_send: int = 0
    limit_waiting: int = 100_000
    limit_waiting_mib: int = 32
    limit_waiting_account: int = 500_000
    limit_waiting_account_mib: int = 128
    limit_waiting_files_mib: int = 4096
    limit_waiting_account_files_mib: int = 16_384
    disk_floor: int = 128
    file_limit: int = 50
    """MiB of all files of one message."""
    keep: int = 0
    """Days of history."""
    send_wait: float = 5.0
    public_url: str = ""
    base_path: str = ""
    registration: Registration = "open"
    inlets: tuple[str, ...] = INLETS
    generated: tuple[str, ...] = ()
    """Secrets that were not given. They were read from the data folder or made there."""

    @property
    def listening(self) -> str:
        """The HTTP address on which this process listens, without a slash at the end."""
        if self.http_host.startswith(setting_values.UNIX):
            return self.http_host
        host = f"[{self.http_host}]" if ":" in self.http_host else self.http_host
        return f"http://{host}:{self.http_port}"

    @property
    def address(self) -> str:
        """The HTTP address for programs, without a slash at the end. If the service listens on all addresses,
        this is the one by which this machine reaches others."""
        if self.public_url:
            return self.public_url
        if self.http_host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            return f"http://{_own_address()}:{self.http_port}{self.base_path}"
        return self.listening + self.base_path

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
    token. A Unix socket is no address that programs could be shown."""
    if str(found.get("http_host", "")).startswith(setting_values.UNIX) and "public_url" not in found:
        yield f"{PREFIX}HTTP_HOST: a Unix socket needs {PREFIX}PUBLIC_URL, which programs are shown"
    sandbox = {name for name in ("TELEGRAM_SERVER", "TELEGRAM_KEY") if values.get(PREFIX + name, "").strip()}
    if len(sandbox) == 1:
        (given,) = sandbox
        (other,) = {"TELEGRAM_SERVER", "TELEGRAM_KEY"} - sandbox
        yield f"{PREFIX}{given}: needs {PREFIX}{other}, too; without both it is Telegram itself"
    if sandbox:
        return
    if "api_hash" in found and not re.fullmatch(r"[0-9a-fA-F]{32}", found["api_hash"]):
        yield f"{PREFIX}API_HASH: its value is not right: {setting_values.HASH_EXPECTED}"
    if "bot_token" in found and not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]{30,}", found["bot_token"]):
        yield f"{PREFIX}BOT_TOKEN: its value is not right: {setting_values.TOKEN_EXPECTED}"


def _plain(name: str) -> str:
    return name.upper().replace("_", "").replace("-", "")


def _is_meant_for_us(name: str) -> bool:
    """Whether the name looks like one of our settings, but is not one."""
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


_READERS: dict[str, Callable[[str], Any]] = {
    "API_ID": setting_values.whole_number(1, 2**31 - 1),
    "API_HASH": setting_values.api_hash,
    "BOT_TOKEN": setting_values.bot_token,
    "ADMINS": setting_values.telegram_ids,
    "DATA": setting_values.folder,
    "JWT_SECRET": setting_values.secret,
    "SESSION_KEY": setting_values.secret,
    "HTTP_HOST": setting_values.listening_host,
    "HTTP_PORT": setting_values.whole_number(1, 65535),
    "HTTP_IDLE": setting_values.number(3600),
    "HTTP_CONNECTIONS": setting_values.whole_number(1, 100_000),
    "TRUSTED_PROXIES": setting_values.networks,
    "TELEGRAM_SERVER": setting_values.server,
    "TELEGRAM_KEY": setting_values.key_file,
    "LOG_FORMAT": setting_values.one_of("console", "json"),
    "ACCESS_LOG": setting_values.one_of("off", "on", "slow"),
    "RATE_CHAT": setting_values.number(1000, SLOWEST),
    "RATE_TOTAL": setting_values.number(10000, SLOWEST),
    "CONCURRENCY": setting_values.whole_number(1, 1000),
    "SAFE_TO_REPEAT": setting_values.number(24 * 30),
    "LIMIT_SEND": setting_values.whole_number(0, 1_000_000),
    "LIMIT_WAITING": setting_values.whole_number(0, 100_000_000),
    "LIMIT_WAITING_MIB": setting_values.whole_number(0, 1_000_000),
    "LIMIT_WAITING_ACCOUNT": setting_values.whole_number(0, 100_000_000),
    "LIMIT_WAITING_ACCOUNT_MIB": setting_values.whole_number(0, 1_000_000),
    "LIMIT_WAITING_FILES_MIB": setting_values.whole_number(0, 100_000_000),
    "LIMIT_WAITING_ACCOUNT_FILES_MIB": setting_values.whole_number(0, 100_000_000),
    "DISK_FLOOR": setting_values.whole_number(0, 1_000_000),
    "FILE_LIMIT": setting_values.whole_number(1, 2000),
    "KEEP": setting_values.whole_number(0, LONGEST_KEPT),
    "SEND_WAIT": setting_values.number(60),
    "PUBLIC_URL": setting_values.url,
    "BASE_PATH": setting_values.base_path,
    "REGISTRATION": setting_values.one_of("open", "closed", "invite"),
    "INLETS": setting_values.some_of(*INLETS),
}
_SECRETS = {"API_HASH", "BOT_TOKEN", "JWT_SECRET", "SESSION_KEY"}

_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Settings)}

NAMES = (*(PREFIX + name for name in _READERS), "DATABASE_URL")
"""Every variable there is. docs/settings.md documents each, and a test checks that."""

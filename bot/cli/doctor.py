"""`djangobot doctor`: says what is in order, what is not, and what to do about it."""

import os
import resource
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from djangobot.bot import secret_file
from djangobot.bot.setting_values import UNIX
from djangobot.bot.settings import Settings, trouble_with
from djangobot.bot.telegram import library
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.sign_in import SignInFailed, try_sign_in
from djangobot.db import conf, migrate
from djangobot.db.delivery.limits import disk_floor
from djangobot.db.engine.address import SQLITE, is_sqlite, without_secrets
from djangobot.db.engine.checks import DatabaseRefused
from djangobot.db.errors import DjangoBotError, reason

SIGN_IN_TIMEOUT = 20.0
OTHER_FILES = 128
"""Files that the process opens beside its connections: the database, Telegram, refusals (http/server)."""
MIB = 1 << 20


class Finding(msgspec.Struct, frozen=True):
    """The result of one check."""

    about: str
    good: bool
    says: str


async def examine(settings: Settings, *, bot: bool = True) -> list[Finding]:
    """Checks settings, database and, for a `bot`, Telegram. Makes nothing and changes nothing."""
    findings = [_settings(settings, bot), _registration(settings), _proxies(settings), _secrets(settings)]
    findings += [_connections(settings), _waiting(settings), _disk(settings), _files(settings)]
    findings.append(await _database(settings))
    return [*findings, await _telegram(settings)] if bot else findings


def _settings(settings: Settings, bot: bool) -> Finding:
    missing = settings.missing_for_telegram() if bot else []
    if missing:
        return Finding(
            "settings", False, f"{', '.join(missing)} missing: my.telegram.org and @BotFather give them"
        )
    if not bot and is_sqlite(settings.database_url):
        return Finding("settings", False, "a door needs a shared PostgreSQL: set DATABASE_URL")
    if not bot and not settings.jwt_secret:
        return Finding("settings", False, "DJANGOBOT_JWT_SECRET missing: every door needs the same one")
    if trouble := trouble_with(settings.data):
        return Finding("settings", False, trouble)
    return Finding("settings", True, f"complete; data in {settings.data}")


def _registration(settings: Settings) -> Finding:
    """Whether registration is open only on this machine, or to others as well. The latter works, but should
    be intended."""
    if settings.registration != "open":
        return Finding("registration", True, f"DJANGOBOT_REGISTRATION={settings.registration}")
    reached = [
        name
        for name, host in (
            ("DJANGOBOT_HTTP_HOST", settings.http_host),
            ("DJANGOBOT_PUBLIC_URL", urlsplit(settings.public_url).hostname),
        )
        if host and not _is_loopback(host)
    ]
    if not reached:
        return Finding("registration", True, "open, to this machine alone")
    return Finding(
        "registration",
        True,
        f"warning: open to everybody who reaches the API ({', '.join(reached)}); if that is not meant, set "
        "DJANGOBOT_REGISTRATION=invite or closed",
    )


def _is_loopback(host: str) -> bool:
    if host.startswith(UNIX):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _proxies(settings: Settings) -> Finding:
    """Checks whether limits by address can tell programs apart."""
    trusted = settings.trusted_proxies
    if any(ip_network(network).prefixlen == 0 for network in trusted):
        return Finding(
            "proxies",
            False,
            "DJANGOBOT_TRUSTED_PROXIES covers every address: anybody may write the one they are counted by; "
            "name the proxies' own addresses",
        )
    if trusted:
        return Finding("proxies", True, f"X-Forwarded-For is believed from {', '.join(trusted)}")
    if settings.public_url.startswith("https:"):
        return Finding(
            "proxies",
            True,
            "none trusted: if a proxy stands before DJANGOBOT_PUBLIC_URL, all programs share its limits; "
            "name it in DJANGOBOT_TRUSTED_PROXIES",
        )
    return Finding("proxies", True, "none; X-Forwarded-For is not believed")


def _secrets(settings: Settings) -> Finding:
    """Checks the secrets that are in the data folder."""
    for name in ("jwt_secret", "session_key"):
        path = settings.data / name
        try:
            if not getattr(settings, name) and os.path.lexists(path):
                secret_file.kept(path)
        except (secret_file.SecretUnusable, OSError) as exc:
            return Finding("secrets", False, str(exc))
    return Finding("secrets", True, "set, or made at the first start")


def _connections(settings: Settings) -> Finding:
    """Whether the process may open as many files as DJANGOBOT_HTTP_CONNECTIONS needs. With fewer the service
    works, and takes fewer connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.http_connections
    if most == resource.RLIM_INFINITY or most >= wanted + OTHER_FILES:
        return Finding("connections", True, f"up to {wanted} at a time")
    return Finding(
        "connections",
        True,
        f"warning: the process may open {most} files, too few for DJANGOBOT_HTTP_CONNECTIONS={wanted}: "
        f"it takes up to {max(1, most - OTHER_FILES)}; ulimit -n or LimitNOFILE= raise that",
    )


def _waiting(settings: Settings) -> Finding:
    """Whether the limits on what may wait agree with each other."""
    for unit in ("", "_MIB", "_FILES_MIB"):
        one, account = f"LIMIT_WAITING{unit}", f"LIMIT_WAITING_ACCOUNT{unit}"
        of_one, of_account = getattr(settings, one.lower()), getattr(settings, account.lower())
        if of_account and (of_account < of_one or not of_one):
            return Finding(
                "waiting",
                True,
                f"warning: DJANGOBOT_{account}={of_account} is reached before DJANGOBOT_{one}={of_one}, "
                "which then decides nothing",
            )
    if settings.limit_waiting_files_mib and settings.limit_waiting_files_mib < settings.file_limit:
        return Finding(
            "waiting",
            True,
            f"warning: DJANGOBOT_FILE_LIMIT={settings.file_limit} is more than may wait for one person: "
            f"DJANGOBOT_LIMIT_WAITING_FILES_MIB={settings.limit_waiting_files_mib}",
        )
    if not (settings.limit_waiting_mib or settings.limit_waiting_account_mib or settings.disk_floor):
        return Finding(
            "waiting",
            True,
            "warning: without DJANGOBOT_LIMIT_WAITING_MIB, DJANGOBOT_LIMIT_WAITING_ACCOUNT_MIB and "
            "DJANGOBOT_DISK_FLOOR one program can fill the disk",
        )
    return Finding("waiting", True, "what may wait is bounded")


def _disk(settings: Settings) -> Finding:
    """Whether there is as much free disk as DJANGOBOT_DISK_FLOOR asks for, so that messages are accepted."""
    if not is_sqlite(settings.database_url):
        return Finding("disk", True, "DJANGOBOT_DISK_FLOOR is for SQLite; PostgreSQL has its own disk")
    place = Path(settings.database_url.removeprefix(SQLITE)).absolute()
    while not place.is_dir() and place != place.parent:
        place = place.parent
    try:
        free = disk_floor.free_in(place) // MIB
    except OSError as exc:
        return Finding("disk", False, f"the disk of {place} can't be measured: {exc.strerror or exc}")
    if free >= settings.disk_floor:
        return Finding("disk", True, f"{free} MiB free, DJANGOBOT_DISK_FLOOR={settings.disk_floor}")
    return Finding(
        "disk",
        False,
        f"{free} MiB free in {place}, and DJANGOBOT_DISK_FLOOR={settings.disk_floor}: sends get 503; free "
        "some disk, or set a lower floor",
    )


def _files(settings: Settings) -> Finding:
    """Whether the disk has room for the files of one message."""
    if not is_sqlite(settings.database_url):
        return Finding("files", True, f"kept in PostgreSQL; up to {settings.file_limit} MiB a message")
    try:
        free = disk_floor.free_in(settings.data) // MIB
    except OSError as exc:
        return Finding(
            "files", False, f"the disk of {settings.data} can't be measured: {exc.strerror or exc}"
        )
    if free >= settings.file_limit + settings.disk_floor:
        return Finding("files", True, f"{free} MiB free; up to {settings.file_limit} MiB a message")
    return Finding(
        "files",
        False,
        f"{free} MiB free in {settings.data}, too few for DJANGOBOT_FILE_LIMIT={settings.file_limit} above "
        f"DJANGOBOT_DISK_FLOOR={settings.disk_floor}: sends with files get 503; free some disk, or set a "
        "lower limit",
    )


async def _database(settings: Settings) -> Finding:
    url = settings.database_url
    where = without_secrets(url)
    if is_sqlite(url) and (not_yet := _no_file_yet(Path(url.removeprefix(SQLITE)))):
        return not_yet
    try:
        await conf.open_database(url, create=False)
        try:
            lacking = await migrate.refuse_unfit()
        finally:
            await conf.close_database()
    except DatabaseRefused as exc:
        return Finding("database", False, f"{where}: {exc}")
    except DjangoBotError as exc:
        return Finding("database", False, f"{where}: {reason(exc)}; check DATABASE_URL and DJANGOBOT_DATA")
    tables = "the next start makes or changes its tables" if lacking else "tables are up to date"
    return Finding("database", True, f"{where} answers, {tables}")


def _no_file_yet(path: Path) -> Finding | None:
    if os.path.lexists(path):
        return None
    trouble = trouble_with(path.parent)
    said = "its folder can't be used; check DATABASE_URL and DJANGOBOT_DATA"
    return Finding("database", not trouble, f"{path}: {said if trouble else 'the first start makes it'}")


async def _telegram(settings: Settings) -> Finding:
    if settings.missing_for_telegram():
        return Finding("telegram", False, "not tried without its settings; to try the rest: djangobot demo")
    if settings.telegram_server and settings.telegram_key:
        use_server(*settings.telegram_server, settings.telegram_key)
    try:
        name = await try_sign_in(settings, SIGN_IN_TIMEOUT)
    except SignInFailed as exc:
        return Finding("telegram", False, str(exc))
    return Finding("telegram", True, f"signed in as @{name} with {library.described()}")

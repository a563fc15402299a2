"""`djangobot doctor`: what is in order, what is not, and what to do about it."""

import asyncio
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import msgspec
from pyrogram.errors import RPCError

from djangobot.bot.client import TelegramClient, talk_to
from djangobot.bot.session import SessionStorage
from djangobot.bot.settings import Settings
from djangobot.db import conf
from djangobot.db.errors import DatabaseUnavailable

SIGN_IN_TIMEOUT = 20.0


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at."""

    about: str
    good: bool
    says: str


async def examine(settings: Settings) -> list[Finding]:
    """Looks at settings, database and Telegram; changes nothing but a database that lacks migrations."""
    return [
        _settings(settings),
        _registration(settings),
        _proxies(settings),
        await _database(settings),
        await _telegram(settings),
    ]


def _settings(settings: Settings) -> Finding:
    missing = settings.missing_for_telegram()
    if missing:
        return Finding(
            "settings", False, f"{', '.join(missing)} missing: my.telegram.org and @BotFather give them"
        )
    return Finding("settings", True, f"complete; data in {settings.data}")


def _registration(settings: Settings) -> Finding:
    """Open to the machine alone, or to others as well: that works, and should be meant."""
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
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _proxies(settings: Settings) -> Finding:
    """Whether limits by address can tell programs apart."""
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


async def _database(settings: Settings) -> Finding:
    where = settings.database_url.rpartition("@")[2]
    try:
        settings.prepared()
        await conf.open_database(settings.database_url)
        try:
            await conf.migrate()
        finally:
            await conf.close_database()
    except (DatabaseUnavailable, OSError) as exc:
        return Finding(
            "database", False, f"{where}: {exc.__cause__ or exc}; check DATABASE_URL and DJANGOBOT_DATA"
        )
    return Finding("database", True, f"{where} answers, tables are up to date")


async def _telegram(settings: Settings) -> Finding:
    if settings.missing_for_telegram():
        return Finding("telegram", False, "not tried without its settings; to try the rest: djangobot demo")
    if settings.telegram_server and settings.telegram_key:
        talk_to(*settings.telegram_server, settings.telegram_key)
    return await _sign_in(settings)


async def _sign_in(settings: Settings) -> Finding:
    """A sign-in of its own, which is not kept."""
    client = TelegramClient(SessionStorage(), settings.api_id, settings.api_hash, settings.bot_token)
    try:
        async with asyncio.timeout(SIGN_IN_TIMEOUT):
            await client.start()
    except TimeoutError:
        return Finding(
            "telegram", False, f"no answer in {SIGN_IN_TIMEOUT:g} s: check the network, a proxy or firewall"
        )
    except RPCError as exc:
        return Finding(
            "telegram", False, f"refused the sign-in ({exc.ID}): check the bot token, API id and hash"
        )
    else:
        return Finding("telegram", True, f"signed in as @{client.bot_name}")
    finally:
        await client.stop()

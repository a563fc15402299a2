"""Menus: the commands that Telegram offers beside the text field, in each language."""

import asyncio

import structlog

from djangobot.bot.backoff import Backoff
from djangobot.bot.dispatch import commands
from djangobot.bot.settings import Settings
from djangobot.bot.telegram.errors import GatewayError, Refused
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db.admin import admins
from djangobot.db.clock import utc_now
from djangobot.db.delivery import scheduled
from djangobot.db.people import chats
from djangobot.db.people.chat_settings import LANGUAGES

log = structlog.get_logger(__name__)


async def set_menus(gateway: Gateway, settings: Settings) -> None:
    """Sets the menu of each language. People with any other language get English. Admins get their menu by a
    scheduled job each."""
    for language in LANGUAGES:
        await _set_menu(gateway, language)
    for admin in await admins.every(settings.admins):
        if await chats.get(admin) is not None:
            await scheduled.put(admin, "menu", 0, "", utc_now())


async def _set_menu(gateway: Gateway, language: str) -> None:
    """Sets one menu, however often that has to be tried."""
    code = "" if language == "en" else language
    backoff = Backoff()
    while True:
        try:
            await gateway.set_commands(commands.menu(language), code)
            return
        except Refused as exc:
            log.error("command menu refused", reason=exc.reason)
            return
        except GatewayError as exc:
            log.warning("command menu not set yet", reason=str(exc))
            await asyncio.sleep(backoff.next_pause())

"""Sign-in: signs the bot in, and signs it in again whenever Telegram no longer accepts its session."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from pyrogram.errors import RPCError

from djangobot.bot.backoff import Backoff
from djangobot.bot.settings import Settings
from djangobot.bot.startup import StartError
from djangobot.bot.telegram import error_meanings
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.session import SessionStorage
from djangobot.db import state
from djangobot.db.clock import utc_now
from djangobot.db.state import FloodName

log = structlog.get_logger(__name__)

ACCEPTED_AFTER = 60.0
"""Seconds after which a sign-in counts as accepted. A session that Telegram refuses sooner counts as a
refused sign-in."""
FLOOD_WAIT: FloodName = "sign_in_until"
"""Name in the service's state: until when Telegram accepts no sign-in."""


class SignInFailed(Exception):
    """A sign-in that was tried once did not succeed. Says why, and what to check."""


async def keep_signed_in(client: TelegramClient, on_signed_in: Callable[[], Awaitable[None]]) -> None:
    """Signs in, and signs in again whenever Telegram no longer accepts the session. Calls `on_signed_in` each
    time. Raises StartError when Telegram refuses the first sign-in. A later one is tried again, while
    messages are still accepted."""
    backoff = Backoff()
    while True:
        try:
            await asyncio.sleep(await state.flood_left(utc_now(), FLOOD_WAIT))
            await client.start()
        except RPCError as exc:
            await _after_refusal(exc, client, backoff)
            continue
        log.info("signed in", bot=client.bot_name)
        began = time.monotonic()
        await on_signed_in()
        await client.key_forgotten.wait()
        if time.monotonic() - began > ACCEPTED_AFTER:
            backoff.reset()
        else:  # the session was refused soon after the sign-in
            await asyncio.sleep(backoff.next_pause())


async def _after_refusal(exc: RPCError, client: TelegramClient, backoff: Backoff) -> None:
    """Waits until the next sign-in makes sense. Raises StartError when the bot was never signed in."""
    match error_meanings.meaning(exc):
        case "wait":
            seconds = error_meanings.seconds_of(exc)
            log.warning("flood wait of the sign-in", seconds=seconds)
            await state.note_flood(timedelta(seconds=seconds), utc_now(), FLOOD_WAIT)
        case "again":
            log.warning("telegram has not signed the bot in yet", reason=str(exc))
            await asyncio.sleep(backoff.next_pause())
        case _ if client.bot_id:
            log.error(
                "telegram refuses the bot; messages are still accepted", reason=error_meanings.sentence(exc)
            )
            await asyncio.sleep(backoff.next_pause())
        case _ if error_meanings.is_outdated(exc):
            raise StartError(f"Telegram refused the sign-in: {error_meanings.sentence(exc)}") from exc
        case _:
            raise StartError(
                f"Telegram refused the sign-in: {exc.ID or exc}. "
                "Check DJANGOBOT_BOT_TOKEN (from @BotFather), "
                "DJANGOBOT_API_ID and DJANGOBOT_API_HASH (my.telegram.org)"
            ) from exc


class _OnTrial(TelegramClient):
    """A client that does not wait for Telegram to take its layer after all."""

    def refused(self, exc: RPCError) -> None:
        if error_meanings.is_outdated(exc):
            raise exc
        super().refused(exc)


async def try_sign_in(settings: Settings, seconds: float) -> str:
    """Tries a sign-in of its own, which is not stored, for so many seconds. Returns the bot's name. Raises
    SignInFailed."""
    client = _OnTrial(SessionStorage(), settings.api_id, settings.api_hash, settings.bot_token)
    try:
        async with asyncio.timeout(seconds):
            await client.start()
        return client.bot_name
    except TimeoutError as exc:
        why = client.last_failure or f"no answer in {seconds:g} s"
        raise SignInFailed(f"{why}: check the network, a proxy or firewall") from exc
    except RPCError as exc:
        if error_meanings.is_outdated(exc):
            raise SignInFailed(error_meanings.sentence(exc)) from exc
        raise SignInFailed(f"refused the sign-in ({exc.ID}): check the bot token, API id and hash") from exc
    finally:
        await client.stop()

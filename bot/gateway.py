# Pyrogram's raw types do not inherit from the bases their parameters are annotated with.
# pyright: reportArgumentType=false
"""The gateway: the one place where we call Telegram, and where its answers become words of ours.

A call ends in one of five ways: it returns; `Blocked`, `Refused`: Telegram said no, and will again;
`FloodWait`: not before that many seconds; `Lost`: nobody knows whether it was done, so ask again with the
same random_id.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
import structlog
from pyrogram import raw
from pyrogram.errors import FloodWait as PyrogramFloodWait
from pyrogram.errors import (
    InputUserDeactivated,
    InternalServerError,
    MessageNotModified,
    QueryIdInvalid,
    RandomIdDuplicate,
    RPCError,
    ServiceUnavailable,
    SlowmodeWait,
    UserDeactivated,
    UserIsBlocked,
)
from pyrogram.raw.core import TLObject

from djangobot.bot.client import TelegramClient

log = structlog.get_logger(__name__)

UNKNOWN_TELEGRAM_ID = 0
"""The message is in the chat, but Telegram's answer did not say under which id."""


class GatewayError(Exception):
    """A call to Telegram that did not succeed."""


class Lost(GatewayError):
    """The answer was lost: repeat with the same random_id."""


class FloodWait(GatewayError):
    """Telegram wants no such call for `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class Refused(GatewayError):
    """Telegram will not do this, now or later; `reason` is its own word for why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Blocked(Refused):
    """The person blocked the bot."""


class Peer(msgspec.Struct, frozen=True):
    """A person as Telegram wants them addressed; the hash is valid for this bot alone."""

    id: int
    access_hash: int


class Button(msgspec.Struct, frozen=True):
    """A button under a message; Telegram: `data` has 1 to 64 bytes."""

    text: str
    data: str


class Text(msgspec.Struct, frozen=True):
    """What a message shows: plain text, the formatting over it, rows of buttons."""

    text: str
    entities: tuple[Any, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()


def derived_id(*parts: object) -> int:
    """A random_id (signed 64 bits, never 0) that is the same each time the same thing is answered.

    An update that is handled again after a crash is then not answered twice.
    """
    digest = sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True) or 1


class Gateway:
    """Calls Telegram through `client`."""

    def __init__(self, client: TelegramClient) -> None:
        self.client = client

    @property
    def online(self) -> asyncio.Event:
        """Set while calls can be answered."""
        return self.client.online

    async def send(self, peer: Peer, text: Text, random_id: int) -> int:
        """Sends once per `random_id`, however often it is called. Returns the message's id in the chat.

        `UNKNOWN_TELEGRAM_ID` when Telegram says it has had this random_id without saying which message that
        was.
        """
        query = raw.functions.messages.SendMessage(
            peer=raw.types.InputPeerUser(user_id=peer.id, access_hash=peer.access_hash),
            message=text.text,
            random_id=random_id,
            no_webpage=True,
            entities=list(text.entities) or None,
            reply_markup=_markup(text),
        )
        try:
            answer = await self._ask(query)
        except RandomIdDuplicate:
            return UNKNOWN_TELEGRAM_ID
        return _sent_id(answer, random_id)

    async def edit(self, peer: Peer, message_id: int, text: Text) -> None:
        """Replaces a message; one that already looks so is fine."""
        query = raw.functions.messages.EditMessage(
            peer=raw.types.InputPeerUser(user_id=peer.id, access_hash=peer.access_hash),
            id=message_id,
            message=text.text,
            no_webpage=True,
            entities=list(text.entities) or None,
            reply_markup=_markup(text),
        )
        try:
            await self._ask(query)
        except MessageNotModified:
            return

    async def answer(self, query_id: int, text: str = "", *, alert: bool = False) -> None:
        """Ends the waiting on a pressed button; one that waits no more is fine."""
        query = raw.functions.messages.SetBotCallbackAnswer(
            query_id=query_id, cache_time=0, message=text or None, alert=alert
        )
        try:
            await self._ask(query)
        except QueryIdInvalid:
            return

    async def set_commands(self, commands: Sequence[tuple[str, str]], language: str = "") -> None:
        """The menu people see, for one language or for all that have none of their own."""
        await self._ask(
            raw.functions.bots.SetBotCommands(
                scope=raw.types.BotCommandScopeUsers(),
                lang_code=language,
                commands=[raw.types.BotCommand(command=name, description=text) for name, text in commands],
            )
        )

    async def _ask(self, query: TLObject) -> Any:
        """One attempt. Raises ours for Telegram's; lets through what callers read as success."""
        try:
            answer = await self.client.ask(query)
        except (RandomIdDuplicate, MessageNotModified, QueryIdInvalid):
            raise
        except (PyrogramFloodWait, SlowmodeWait) as exc:
            raise FloodWait(_seconds(exc)) from exc
        except UserIsBlocked as exc:
            raise Blocked("blocked") from exc
        except (InputUserDeactivated, UserDeactivated) as exc:
            raise Refused("deactivated") from exc
        except (InternalServerError, ServiceUnavailable, OSError) as exc:
            raise Lost(str(exc) or type(exc).__name__) from exc
        except RPCError as exc:
            raise Refused(_word(exc)) from exc
        if isinstance(answer, raw.types.BadMsgNotification):
            raise Lost(f"bad_msg_notification {answer.error_code}")
        return answer


def _sent_id(answer: Any, random_id: int) -> int:
    if isinstance(answer, raw.types.UpdateShortSentMessage):
        return int(answer.id)
    for update in getattr(answer, "updates", ()):
        if isinstance(update, raw.types.UpdateMessageID) and update.random_id == random_id:
            return int(update.id)
    return UNKNOWN_TELEGRAM_ID


def _markup(text: Text) -> Any:
    if not text.buttons:
        return None
    rows = [
        raw.types.KeyboardButtonRow(
            buttons=[
                raw.types.KeyboardButtonCallback(text=button.text, data=button.data.encode())
                for button in row
            ]
        )
        for row in text.buttons
    ]
    return raw.types.ReplyInlineMarkup(rows=rows)


def _seconds(exc: RPCError) -> int:
    return max(1, int(exc.value)) if isinstance(exc.value, int) else 30


def _word(exc: RPCError) -> str:
    """Telegram's own name of the error, like PEER_ID_INVALID."""
    if exc.ID:
        return str(exc.ID)
    return str(exc.value).strip("[]").partition(" ")[2] or str(exc.CODE)

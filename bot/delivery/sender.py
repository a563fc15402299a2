"""Sender: sends one message and says how that ended.

The parts and their random_ids are in the row before Telegram is called, and every repeat uses them. So a
message is in the chat once, even if the process dies after Telegram acted and before we recorded it.
"""

import time
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog
from cachetools import LRUCache

from djangobot.bot import backoff
from djangobot.bot.delivery import edits, parts
from djangobot.bot.delivery.flood_control import FloodControl
from djangobot.bot.delivery.mute_prompts import MutePrompts
from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.rendering.attachments import attachments
from djangobot.bot.rendering.messages import render_message
from djangobot.bot.telegram.errors import (
    AnswerLost,
    Blocked,
    Cut,
    FloodWait,
    GatewayError,
    NotYet,
    PartlySent,
    Refused,
    Unasked,
    Undone,
    after_a_part,
)
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.text import Media, Text
from djangobot.db import metrics
from djangobot.db.delivery import claims, outcomes
from djangobot.db.delivery.outcomes import (
    Claimed,
    Expired,
    Failed,
    Held,
    Postponed,
    Sent,
    Settled,
)
from djangobot.db.delivery.random_ids import derived_id
from djangobot.db.delivery.uncertain import uncertain
from djangobot.db.errors import DatabaseUnavailable, FileGone
from djangobot.db.messages import content as contents
from djangobot.db.messages.files import files
from djangobot.db.people import chats, digests

log = structlog.get_logger(__name__)

STALE = timedelta(seconds=5)
"""Parts that were rendered with the claim are rendered again before the first attempt when they are older
than this."""
FIRST_PAUSE = 1.0
"""Seconds, at most, before the repeat of an attempt that Telegram did not answer."""
FILE_GONE = "its file is gone"
REPLY_GONE = "REPLY_MESSAGE_ID_INVALID"
"""Telegram's word for an answer to a message that is not in the chat."""
LOSSES_KEPT = 10_000
"""Messages whose failed attempts are counted."""


class Sender:
    """Sends messages in flight. It keeps nothing of them but the number of their failed attempts."""

    def __init__(
        self,
        gateway: Gateway,
        pacing: Pacing,
        flood_control: FloodControl,
        mute_prompts: MutePrompts,
        safe_to_repeat: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self.gateway = gateway
        self.pacing = pacing
        self.flood_control = flood_control
        self.mute_prompts = mute_prompts
        self.safe_to_repeat = safe_to_repeat
        self.now = now
        self.losses: LRUCache[int, int] = LRUCache(LOSSES_KEPT)
        """By message id: how often Telegram could be reached but did not answer, or had an internal error."""

    async def send(self, message: Claimed) -> Settled:
        """Makes one attempt, unless the message must not be sent any more or not yet."""
        try:
            outcome = await self._attempt(message)
        except Exception as exc:  # whatever the error is, the message must not stay 'sending'
            _log_fault(message, exc)
            outcome = self._put_off(message, f"internal: {type(exc).__name__}")
        if not isinstance(outcome, Postponed):
            self.losses.pop(message.id, None)
        return outcome

    def put_back(self, message: Claimed) -> Postponed:
        """The outcome of a message whose sending has not begun."""
        log.debug("message put back", id=message.public_id, chat=message.chat_id)
        return outcomes.put_back(message, self.now())

    def fix(self, message: Claimed) -> str | None:
        """Renders what is sent of this message; later changes do not alter it. Returns None when rendering
        fails, and for a message with files, which must be looked at first."""
        if has_files(message):
            return None
        try:
            return self._rendered(message, self.now())
        except Exception as exc:  # rendering is tried again before the send
            _log_fault(message, exc)
            return None

    async def _attempt(self, message: Claimed) -> Settled:
        now = self.now()
        if (ended := self._not_to_send(message, now)) is not None:
            return ended
        try:
            fixed = message.parts if _is_fixed(message, now) else await self._fix_now(message, now)
        except FileGone:
            return Failed(message, FILE_GONE)
        except DatabaseUnavailable:
            fixed = None
        if fixed is None:
            return self.put_back(message)
        texts = parts.decode(fixed)
        try:
            if message.is_edit:
                return await self._edit(message, texts)
            ids = await self._send_parts(message, texts)
        except Unasked:
            return self.put_back(message)
        except GatewayError as exc:
            return await self._not_sent(message, exc)
        except FileGone:
            return Failed(message, FILE_GONE)
        except DatabaseUnavailable:  # a file can't be read
            return self._put_off(message, "the database is not available")
        self.mute_prompts.note(message, now, offered=any(part.buttons for part in texts))
        return Sent.as_messages(message, ids)

    def _not_to_send(self, message: Claimed, now: datetime) -> Settled | None:
        """The outcome of a message that must not be sent now. None if it may be sent."""
        if (in_doubt := uncertain(message, now, self.safe_to_repeat)) is not None:
            return in_doubt
        if message.expired(now):
            return Expired(message)
        if (until := digests.held_until(message, now)) is not None:
            return Held(message, until)
        return None

    async def _fix_now(self, message: Claimed, now: datetime) -> str | None:
        """Renders what is sent of the message before its first attempt, with its files and the present delay.
        Returns None if the message is no longer ours."""
        media = await attachments(contents.decode(message.rich), files.read) if has_files(message) else ()
        rendered = self._rendered(message, now, media)
        if rendered != message.parts and not await claims.fix(message, rendered):
            return None
        return rendered

    def _rendered(self, message: Claimed, now: datetime, media: Sequence[Media] = ()) -> str:
        offer_mute = self.mute_prompts.fits(message, now)
        captioned = message.is_edit and edits.is_caption(message)
        shown: Sequence[Text] = render_message(
            message, now, offer_mute=offer_mute, media=media, captioned=captioned
        )
        if digests.silently(message, now):
            shown = [msgspec.structs.replace(part, silent=True) for part in shown]
        return parts.encode(shown)

    async def _edit(self, message: Claimed, texts: Sequence[Text]) -> Settled:
        """Edits the message in the chat. What can't be edited any more, because it was deleted or is too old,
        is sent as new."""
        try:
            return await edits.edit(self.gateway, message, texts)
        except edits.CannotEdit as exc:
            log.info("edit is sent as a new message", id=message.public_id, reason=str(exc))
            return edits.sent_anew(message, str(exc), self.now())

    async def _send_parts(self, message: Claimed, texts: Sequence[Text]) -> list[int]:
        """Sends each part under its own random_id, the first under the message's. Returns their ids in the
        chat."""
        peer = Peer(message.chat_id, message.access_hash)
        ids = await self._send_part(peer, texts[0], message.random_id)
        for number, part in enumerate(texts[1:], 1):
            with after_a_part():
                ids += await self._send_part(peer, part, derived_id(message.random_id, number))
        return ids

    async def _send_part(self, peer: Peer, part: Text, random_id: int) -> list[int]:
        """Sends one part. What answers a message that is gone is sent without saying what it answers."""
        try:
            if part.media:
                return await self.gateway.send_media(peer, part, random_id)
            return [await self.gateway.send(peer, part, random_id)]
        except Refused as exc:
            if part.reply_to is None or exc.reason != REPLY_GONE:
                raise
        return await self._send_part(peer, msgspec.structs.replace(part, reply_to=None), random_id)

    async def _not_sent(self, message: Claimed, why: GatewayError) -> Settled:
        match why:
            case Cut():  # the answer was lost with the connection: repeated as soon as there is one again
                return self._postpone(message, 0, f"no answer: {why}", not_done=isinstance(why, Undone))
            case AnswerLost():
                return self._put_off(message, f"no answer: {why}", not_done=isinstance(why, NotYet))
            case FloodWait():
                return await self._on_flood_wait(message, why)
            case Blocked():
                await chats.block(message.chat_id, self.now())
                return Failed(message, why.reason)
            case Refused():
                return Failed(message, why.reason)
        raise why

    def _put_off(self, message: Claimed, reason: str, *, not_done: bool = False) -> Postponed:
        """Postpones the message by a pause that grows with each failed attempt."""
        losses = self.losses[message.id] = self.losses.pop(message.id, 0) + 1
        return self._postpone(message, backoff.pause(losses, FIRST_PAUSE), reason, not_done=not_done)

    def _postpone(self, message: Claimed, pause: float, reason: str, *, not_done: bool = False) -> Postponed:
        metrics.retries.inc()
        log.warning(
            "message put off",
            id=message.public_id,
            chat=message.chat_id,
            attempt=message.attempts,
            seconds=round(pause, 3),
            reason=reason,
        )
        return Postponed(message, self.now() + timedelta(seconds=pause), reason, not_done)

    async def _on_flood_wait(self, message: Claimed, wait: FloodWait) -> Postponed:
        """After a FLOOD_WAIT, this chat waits exactly as long as Telegram says. Flood control decides whether
        others wait too. A wait for uploads concerns this message alone."""
        seconds, now = wait.seconds, self.now()
        metrics.flood_waits.inc()
        log.warning("flood wait", id=message.public_id, chat=message.chat_id, seconds=seconds)
        if wait.scope != "uploads":
            self.pacing.delay_chat(message.chat_id, time.monotonic() + seconds)
            whole_bot = wait.scope == "bot"
            await self.flood_control.on_flood_wait(message.chat_id, seconds, now, whole_bot=whole_bot)
        return Postponed(
            message,
            now + timedelta(seconds=seconds),
            f"flood wait {seconds} s",
            not_done=not isinstance(wait, PartlySent),
        )


def _is_fixed(message: Claimed, now: datetime) -> bool:
    """Whether the parts of the message are sent as they are. Each repeat sends the same. Those that were
    fixed with this claim are, too, unless they are STALE."""
    return message.parts is not None and (message.fixed is None or now - message.fixed <= STALE)


def has_files(message: Claimed) -> bool:
    """Whether files are sent with the message."""
    return message.rich is not None and bool(contents.decode(message.rich).files)


def _log_fault(message: Claimed, exc: Exception) -> None:
    """Logs only the place of the error. A full traceback may show local values, and so the message's text."""
    frames = traceback.extract_tb(exc.__traceback__)[-8:]
    at = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("delivery failed unexpectedly", id=message.public_id, error=type(exc).__name__, at=at)

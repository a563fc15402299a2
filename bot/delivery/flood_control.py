"""Flood control: decides whether the bot may send anything now.

It is closed while an admin has paused delivery, and while Telegram wants the whole bot to wait. Both outlive
the process.

Telegram does not say who has to wait after a FLOOD_WAIT. "The maximum allowed number of attempts to invoke
the given method with the given input parameters has been exceeded" (core.telegram.org/api/errors, 420 FLOOD).
Its bots FAQ names one limit for a chat and one for all chats. Our rules are these. A call that concerns no
chat (a sign-in) makes the whole bot wait. An upload makes uploads wait and nothing else
(bot/telegram/files/uploads.py). A call to a chat makes that chat wait; SLOWMODE_WAIT always does. When
several chats are told to wait within a short time, the bot is too fast: it waits until the first of them may
go on. A wrong guess costs no more time than a chat would have waited anyway.
"""

import asyncio
import time
from datetime import datetime, timedelta

import structlog

from djangobot.db import state
from djangobot.db.delivery import pause
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

FLOODED_CHATS, FLOOD_WINDOW = 3, 10.0
"""The whole bot waits when this many chats are told to wait within this many seconds."""


class FloodControl:
    """Times are on the monotonic clock, except those that are stored."""

    def __init__(self) -> None:
        self.paused = False
        self.flood_until = 0.0
        self.opened = asyncio.Event()
        self.opened.set()
        self._hits: dict[int, tuple[float, float]] = {}

    @property
    def open(self) -> bool:
        """Whether anything may be sent now."""
        return self.opened.is_set() and not self._closed

    @property
    def _closed(self) -> bool:
        return self.paused or time.monotonic() < self.flood_until

    async def restore(self, now: datetime) -> None:
        """Restores the flood wait and the pause of the last process."""
        self.flood_until = time.monotonic() + await state.flood_left(now)
        await self.poll()

    async def poll(self) -> None:
        """Reads whether delivery is paused, and checks whether a wait is over."""
        paused = await pause.is_paused()
        if paused != self.paused:
            log.info("delivery paused" if paused else "delivery goes on")
        self.paused = paused
        self._apply()

    def _apply(self) -> None:
        """Opens or closes, as the pause and the wait require."""
        if self._closed:
            self.opened.clear()
        else:
            self.opened.set()

    async def on_flood_wait(self, chat_id: int, seconds: int, now: datetime, *, whole_bot: bool) -> None:
        """Handles a FLOOD_WAIT that a call to this chat got."""
        at = time.monotonic()
        hits = {chat: hit for chat, hit in self._hits.items() if at - hit[0] < FLOOD_WINDOW}
        hits[chat_id] = (at, at + seconds)
        self._hits = hits
        if whole_bot:
            await self._delay(seconds, now)
        elif len(hits) >= FLOODED_CHATS:
            await self._delay(min(until for _, until in hits.values()) - at, now)

    async def _delay(self, seconds: float, now: datetime) -> None:
        """Makes the whole bot wait. Stores the wait if the database is available."""
        until = time.monotonic() + seconds
        if seconds <= 0 or until <= self.flood_until:
            return
        self.flood_until = until
        self._apply()
        log.warning("flood wait of the whole bot", seconds=round(seconds, 3))
        try:
            await state.note_flood(timedelta(seconds=seconds), now)
        except DatabaseUnavailable as exc:
            log.error("flood wait not remembered", reason=str(exc.__cause__ or exc))

"""Housekeeping: what delivery checks every half second, because no wakeup tells it.

These are expired messages, digests that are due, a pause, a recall after a ban, and a clock that stepped
back.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from djangobot.bot.delivery.flood_control import FloodControl
from djangobot.db import state
from djangobot.db.delivery import expiry, outbox
from djangobot.db.delivery.pubsub import recalls
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import digests

log = structlog.get_logger(__name__)

EVERY = 0.5
"""Seconds between checks."""
NOTE_CLOCK_EVERY = 30.0
"""Seconds between two writes of the present time. The next start compares its clock with it."""
CLOCK_STEP = timedelta(seconds=2)
"""The clock stepped back if it moved less than expected by more than this."""
FIRST_RECHECK, LAST_RECHECK = 1.0, 32.0
"""Seconds after a step of the clock at which messages are made due once more; each interval is twice as long
as the one before. A request that read the clock before the step may commit its message after it."""


class Housekeeping:
    """`put_back` puts back all messages whose sending has not begun. `poll_soon` has the outbox polled."""

    def __init__(
        self,
        flood_control: FloodControl,
        *,
        put_back: Callable[[], None],
        poll_soon: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self.flood_control = flood_control
        self.put_back = put_back
        self.poll_soon = poll_soon
        self.now = now
        self.recalled: object = None
        self._ticks, self._wall = time.monotonic(), now()
        """When the clock was last compared, on the monotonic clock and on the wall clock."""
        self._noted = -NOTE_CLOCK_EVERY
        self._stepped = self._recheck_at = 0.0
        """When the clock stepped back, and when to make messages due once more. 0 if neither is to be."""

    async def begin(self) -> None:
        """Restores what the last process knew."""
        await self.flood_control.restore(self.now())
        self.recalled = await recalls.last()
        before = await state.last_clock()
        if before is not None and self.now() < before:
            await self._on_clock_step()

    async def run(self) -> None:
        """Checks until it is cancelled."""
        self._ticks, self._wall = time.monotonic(), self.now()
        while True:
            with suppress(DatabaseUnavailable):  # the worker logs it
                await self._check()
            await asyncio.sleep(EVERY)

    async def apply_recall(self) -> None:
        """Applies a pause and a recall before it returns."""
        await self.flood_control.poll()
        await self._poll_recall()

    async def _check(self) -> None:
        await self.apply_recall()
        while await expiry.expire(self.now()):
            pass
        while await digests.send_digests(self.now()):
            pass
        await self._check_clock()

    async def _poll_recall(self) -> None:
        """After a ban, puts back all messages that are not being sent. They are claimed again if they may
        still be sent."""
        recalled = await recalls.last()
        if recalled != self.recalled:
            self.recalled = recalled
            self.put_back()

    async def _check_clock(self) -> None:
        passed = timedelta(seconds=time.monotonic() - self._ticks)
        if self.now() < self._wall + passed - CLOCK_STEP:
            await self._on_clock_step()
        self._ticks, self._wall = time.monotonic(), self.now()
        if self._recheck_at and self._ticks >= self._recheck_at:
            await self._make_due()
        if self._ticks - self._noted >= NOTE_CLOCK_EVERY:
            await state.note_clock(self._wall)
            self._noted = self._ticks

    async def _on_clock_step(self) -> None:
        log.warning("the clock stepped back")
        self._stepped = self._recheck_at = time.monotonic()
        self.poll_soon()
        await self._make_due()

    async def _make_due(self) -> None:
        """Makes all postponed messages due now; else they would come much later than meant. Waits that
        Telegram asked for are kept on the monotonic clock, too."""
        count = await outbox.due_now(self.now())
        if count:
            log.warning("messages made due after a step of the clock", count=count)
        passed = max(time.monotonic() - self._stepped, FIRST_RECHECK / 2)
        self._recheck_at = 0.0 if passed >= LAST_RECHECK else self._stepped + 2 * passed

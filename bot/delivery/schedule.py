"""Schedule: queues scheduled messages at their time, while this process leads."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from djangobot.db.delivery import scheduled_messages
from djangobot.db.errors import DatabaseUnavailable

LONGEST_NAP = 0.5
"""Seconds between two checks. A step of the clock is noticed within them."""


class Schedule:
    """Knows when the next message falls due."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now

    async def run(self) -> None:
        """Queues what is due until it is cancelled."""
        while True:
            nap = LONGEST_NAP
            with suppress(DatabaseUnavailable):  # the worker logs it
                following = await scheduled_messages.queue_due(self.now())
                if following is not None:
                    nap = min(nap, max(0.0, (following - self.now()).total_seconds()))
            await scheduled_messages.wait(nap)

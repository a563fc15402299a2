"""Alerts: of what admins are told without asking, how often, and what they were told last."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from djangobot.db import state
from djangobot.db.delivery import outbox, pause

Cause = Literal["stuck", "database", "attack", "codes", "disk", "version", "session"]

COOL_DOWN = timedelta(hours=1)
"""A cause that comes back within this time is not reported again."""
STUCK_AFTER = timedelta(minutes=5)
"""Delivery is stuck when the oldest due message has waited this long."""
PREFIX = "alert "
"""Prefix of the names in the service's state."""


class Report(msgspec.Struct, frozen=True):
    """The last report of a cause: whether it held then, and when it was last reported that it holds."""

    holds: bool
    at: datetime


class Reports:
    """The last report of each cause. The process keeps them while the database is unavailable."""

    def __init__(self) -> None:
        self.last: dict[Cause, Report] = {}
        self.unsaved: set[Cause] = set()

    def is_due(self, cause: Cause, holds: bool, now: datetime) -> bool:
        """Whether admins have to be told that the cause holds, or that it is over: once for each change, and
        not again within the cool-down."""
        last = self.last.get(cause)
        if (last is not None and last.holds) == holds:
            return False
        return not (holds and self.is_recent(cause, now))

    def is_recent(self, cause: Cause, now: datetime) -> bool:
        """Whether the cause was reported within the cool-down."""
        last = self.last.get(cause)
        return last is not None and now - last.at < COOL_DOWN

    def note(self, cause: Cause, holds: bool, now: datetime) -> None:
        """Records that admins were told. `save` stores it."""
        last = self.last.get(cause)
        self.last[cause] = Report(holds, now if holds or last is None else last.at)
        self.unsaved.add(cause)

    async def save(self, now: datetime) -> None:
        """Stores what was reported, because another process may have to say that it is over. Raises
        DatabaseUnavailable."""
        for cause in list(self.unsaved):
            await state.put(f"{PREFIX}{cause}", self.last[cause], now)
            self.unsaved.discard(cause)

    async def recall(self) -> None:
        """Reads what this process or another one has reported. Raises DatabaseUnavailable."""
        for name, value in (await state.beginning_with(PREFIX)).items():
            self.last[name.removeprefix(PREFIX)] = msgspec.convert(value, Report)  # type: ignore[index]


async def is_stuck(now: datetime) -> bool:
    """Whether delivery is stuck. A paused one is not."""
    due = await outbox.oldest_due(now)
    return due is not None and now - due > STUCK_AFTER and not await pause.is_paused()

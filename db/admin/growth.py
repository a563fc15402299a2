"""Growth: how much the database has grown lately. Its size is noted once a day."""

from datetime import date, datetime

import msgspec

from djangobot.db import state
from djangobot.db.admin import stats
from djangobot.db.periodic import repeat

NAME = "sizes"
"""The name of the state that holds the sizes."""
KEPT = 8
"""The newest so many sizes are kept: a week."""
CHECK_EVERY = 3600.0
"""Seconds between two checks whether it is another day."""


class Size(msgspec.Struct, frozen=True):
    """How many bytes the database had on a day."""

    day: date
    size: int


class Growth(msgspec.Struct, frozen=True):
    """By how many bytes the database has grown in so many days. Below zero when it has shrunk."""

    days: int
    size: int


async def keep_up() -> None:
    """Notes the size of each day, for ever."""
    await repeat(note, CHECK_EVERY)


async def note(now: datetime) -> None:
    """Notes the size, if it is the first time on this day."""
    sizes = await _sizes()
    if sizes and sizes[-1].day >= now.date():
        return
    _, size = await stats.database_size()
    await state.put(NAME, [*sizes[1 - KEPT :], Size(now.date(), size)], now)


async def lately(size: int, now: datetime) -> Growth | None:
    """The growth to this size, since the oldest one that is kept. None on the first day."""
    sizes = await _sizes()
    if not sizes or sizes[0].day >= now.date():
        return None
    return Growth((now.date() - sizes[0].day).days, size - sizes[0].size)


async def _sizes() -> list[Size]:
    return msgspec.convert(await state.get(NAME) or [], list[Size])

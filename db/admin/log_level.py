"""Log level: an admin chooses what is logged. The choice holds for every process on the database."""

from datetime import datetime
from typing import Literal

from djangobot.db import audit, state
from djangobot.db.engine import current

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
"""From the one with the most events to the one with the fewest."""
DEFAULT: Level = "info"
"""The level that holds until an admin has chosen one."""
NAME = "log_level"
"""Name in the service's state."""


def read(word: object) -> Level | None:
    """The level of this name. None if there is no such level."""
    return word if isinstance(word, str) and word in LEVELS else None


async def get() -> Level:
    """The level that holds."""
    return read(await state.get(NAME)) or DEFAULT


async def choose(level: Level, by: int, now: datetime) -> None:
    """Sets the level, with an audit entry if it is new."""
    async with current().write():
        before = await get()
        if before != level:
            await state.put(NAME, level, now)
            await audit.record(by, "log level", "", before, level, now)

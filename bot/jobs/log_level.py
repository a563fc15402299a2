"""Log level: applies the level that an admin chose (db/admin/log_level.py) to this process."""

import asyncio
import contextlib
from datetime import datetime

import structlog

from djangobot.bot import log as logs
from djangobot.db.admin import log_level
from djangobot.db.admin.log_level import Level
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

CHECK_EVERY = 2.0
"""Seconds until a change by another process is noticed."""


async def choose(level: Level, by: int, now: datetime) -> None:
    """Sets the level for all processes: for this one at once, for the others at their next check."""
    await log_level.choose(level, by, now)
    _apply(level)


async def apply_stored() -> None:
    """Applies the level that holds."""
    _apply(await log_level.get())


async def keep_up() -> None:
    """Applies each change, for ever."""
    while True:
        await asyncio.sleep(CHECK_EVERY)
        with contextlib.suppress(DatabaseUnavailable):  # whoever needs the database reports it
            await apply_stored()


def _apply(level: Level) -> None:
    if level != logs.level():
        log.warning("log level changed", before=logs.level(), after=level)
        logs.set_level(level)

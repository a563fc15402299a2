"""Log level: an admin chooses what is logged. The choice is stored and holds for every process on the
database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

import structlog

from djangobot.bot import log as logs
from djangobot.bot.log import LEVELS, Level
from djangobot.db import audit, state
from djangobot.db.engine import current
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

NAME = "log_level"
WATCH = 2.0
"""Seconds until another process notices a change."""


def read(word: object) -> Level | None:
    """The level of this name. None if there is no such level."""
    return word if isinstance(word, str) and word in LEVELS else None


async def choose(level: Level, who: int, now: datetime) -> None:
    """Sets the level for all processes: for this one at once, for the others at their next check."""
    async with current().write():
        before = read(await state.get(NAME)) or logs.DEFAULT
        if before != level:
            await state.put(NAME, level, now)
            await audit.record(who, "log level", "", before, level, now)
    _apply(level)


async def poll() -> None:
    """Applies the stored level."""
    _apply(read(await state.get(NAME)) or logs.DEFAULT)


@contextlib.asynccontextmanager
async def kept() -> AsyncIterator[None]:
    """Applies the stored level, and each later change."""
    await poll()
    watching = asyncio.create_task(_watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch() -> None:
    while True:
        await asyncio.sleep(WATCH)
        with contextlib.suppress(DatabaseUnavailable):  # whoever needs the database reports it
            await poll()


def _apply(level: Level) -> None:
    if level != logs.level():
        log.warning("log level changed", before=logs.level(), after=level)
        logs.set_level(level)

"""The clock: the one place that asks what time it is, and repeats what is to be done for ever. Rules get the
time as a value, so that tests can pass their own."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from djangobot.db.errors import DatabaseUnavailable


def utc_now() -> datetime:
    """The wall clock, with its time zone."""
    return datetime.now(UTC)


async def repeat(work: Callable[[datetime], Awaitable[object]], seconds: float) -> None:
    """Does the work for ever, and pauses for so many seconds each time. It gets the time."""
    while True:
        with contextlib.suppress(DatabaseUnavailable):  # reported elsewhere
            await work(utc_now())
        await asyncio.sleep(seconds)

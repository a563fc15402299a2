"""Periodic work: what is done for ever while a process lives, with a pause after each time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime

from djangobot.db.clock import utc_now
from djangobot.db.errors import DatabaseUnavailable


async def repeat(work: Callable[[datetime], Awaitable[object]], seconds: float) -> None:
    """Does the work for ever, and pauses for so many seconds each time. It gets the time."""
    while True:
        with contextlib.suppress(DatabaseUnavailable):  # reported elsewhere
            await work(utc_now())
        await asyncio.sleep(seconds)

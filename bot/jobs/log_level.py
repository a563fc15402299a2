"""Log level: applies the level that an admin chose (db/admin/log_level.py) to this process."""

import asyncio
import contextlib

from djangobot.bot import log as logs
from djangobot.db.admin import log_level
from djangobot.db.errors import DatabaseUnavailable

CHECK_EVERY = 2.0
"""Seconds until a change by another process is noticed."""


async def apply_stored() -> None:
    """Applies the level that holds."""
    logs.change_level(await log_level.get())


async def keep_up() -> None:
    """Applies each change, for ever."""
    while True:
        await asyncio.sleep(CHECK_EVERY)
        with contextlib.suppress(DatabaseUnavailable):  # whoever needs the database reports it
            await apply_stored()

"""Backups, whatever the database is: taken into one compressed file while the service runs, and put back."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from djangobot.db import copies, dumps
from djangobot.db.copies import Backup

SQLITE = "sqlite:///"


def suffix(url: str) -> str:
    """What a backup's name ends with."""
    return ".sqlite.gz" if url.startswith(SQLITE) else ".dump"


async def take(url: str, file: Path, now: datetime) -> Backup:
    """Writes it to `file`, readable by its owner alone, all at once or not at all. Raises BackupRefused."""
    if not url.startswith(SQLITE):
        return await dumps.take(url, file)
    return await asyncio.to_thread(copies.take, Path(url.removeprefix(SQLITE)), file, now)


async def restore(url: str, file: Path, known: Collection[str], now: datetime) -> tuple[Backup, str | None]:
    """Puts a backup in the place of the database, which is kept beside it; under which name, when there was
    one. Nothing may use it meanwhile. `known`: the migrations of this version.

    Raises BackupRefused, with nothing changed, for what is no backup, is damaged, or comes from a newer
    version.
    """
    if not url.startswith(SQLITE):
        return await dumps.restore(url, file, known, now)
    path = Path(url.removeprefix(SQLITE))
    done, kept = await asyncio.to_thread(copies.restore, file, path, known, now)
    return done, None if kept is None else str(kept)

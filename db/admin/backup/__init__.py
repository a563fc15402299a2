"""Backups, whatever the database is: taken into one compressed file while the service runs, and put back."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from djangobot.db.admin.backup import postgres, sqlite
from djangobot.db.admin.backup.sqlite import Backup
from djangobot.db.conf import known_migrations
from djangobot.db.engine.address import SQLITE


def suffix(url: str) -> str:
    """What a backup's name ends with."""
    return ".sqlite.gz" if url.startswith(SQLITE) else ".dump"


async def take(url: str, file: Path, now: datetime, *, force: bool = False) -> Backup:
    """Writes it to `file`, readable by its owner alone, all at once or not at all; in the place of a file
    that is there only with `force`. Raises BackupRefused."""
    database = Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None
    target = sqlite.target(file, force, database)
    known = known_migrations()
    if database is None:
        return await postgres.take(url, target, known, force=force)
    return await asyncio.to_thread(sqlite.take, database, target, known, now, force=force)


async def restore(url: str, file: Path, known: Collection[str], now: datetime) -> tuple[Backup, str | None]:
    """Puts a backup in the place of the database, which is kept beside it; under which name, when there was
    one. Nothing may use it meanwhile. `known`: the migrations of this version.

    Raises BackupRefused, with nothing changed, for what is no backup, is damaged, or comes from a newer
    version.
    """
    sqlite.refuse_irregular(file)
    if not url.startswith(SQLITE):
        return await postgres.restore(url, file, known, now)
    path = Path(url.removeprefix(SQLITE))
    done, kept = await asyncio.to_thread(sqlite.restore, file, path, known, now)
    return done, None if kept is None else str(kept)

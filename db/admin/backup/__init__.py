"""Backups of either database: into one compressed file, while the service runs; and the restore."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from djangobot.db import audit
from djangobot.db.admin.backup import files, postgres, sqlite
from djangobot.db.admin.backup.files import Backup, BackupTooLarge
from djangobot.db.engine.address import SQLITE


def suffix(url: str) -> str:
    """The suffix of a backup's file name."""
    return ".sqlite.gz" if url.startswith(SQLITE) else ".dump"


async def create(
    url: str, file: Path, known: Collection[str], now: datetime, *, force: bool = False
) -> Backup:
    """Writes a backup to `file`, completely or not at all. Only its owner can read it. An existing file is
    replaced only with `force`. `known`: the migrations of this version. Raises BackupRefused."""
    database = Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None
    target = files.target(file, force, database)
    if database is None:
        return await postgres.create(url, target, known, force=force)
    return await asyncio.to_thread(sqlite.create, database, target, known, now, force=force)


async def create_for_chat(
    admin: int, url: str, file: Path, known: Collection[str], now: datetime, *, largest: int
) -> Backup:
    """Writes a backup that an admin gets in the chat, and records that in the audit. Raises BackupRefused,
    and BackupTooLarge."""
    done = await create(url, file, known, now)
    if done.size > largest:
        raise BackupTooLarge(done.size)
    await audit.record(admin, "backup", file.name, None, done.rows, now)
    return done


async def restore(url: str, file: Path, known: Collection[str], now: datetime) -> tuple[Backup, str | None]:
    """Replaces the database with a backup. The old database is kept beside it; its name is returned, or None
    when there was none. Nothing may use the database meanwhile. `known`: the migrations of this version.

    Raises BackupRefused, with nothing changed, for a file that is no backup, is damaged, or comes from
    another version.
    """
    files.refuse_irregular(file)
    if not url.startswith(SQLITE):
        return await postgres.restore(url, file, known, now)
    path = Path(url.removeprefix(SQLITE))
    done, kept = await asyncio.to_thread(sqlite.restore, file, path, known, now)
    return done, None if kept is None else str(kept)

"""Backups of an SQLite database, and the restore. A backup is a consistent copy in one compressed file, taken
while the service runs.

The session with Telegram is left out. Queued messages count as attempted at the time of the copy. After a
restore they are repeated under their random_id, which Telegram recognises, as long as a repeat is safe. Older
ones end as `uncertain`. So nothing that was sent after the copy is sent twice.
"""

import gzip
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Collection
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from djangobot.db.admin.backup.files import (
    RAN,
    TABLES,
    Backup,
    BackupRefused,
    flush,
    folder_of,
    into_place,
    refuse_unknown,
)

ATTEMPTED = """
UPDATE message SET first_attempt = COALESCE(first_attempt, ?) WHERE status IN ('queued', 'sending')
"""


def create(database: Path, file: Path, known: Collection[str], now: datetime, *, force: bool) -> Backup:
    """Writes the copy to `file`, completely or not at all. Only its owner can read it. `known`: the
    migrations of this version. Raises BackupRefused."""
    if not database.is_file():
        raise BackupRefused(f"there is no database at {database}")
    folder = folder_of(file)
    with tempfile.TemporaryDirectory(prefix=".djangobot-backup-", dir=folder) as name:
        copy, packed = Path(name) / "copy", Path(name) / "packed"
        try:
            with closing(sqlite3.connect(_reading(database), uri=True)) as source:
                source.execute("VACUUM INTO ?", (str(copy),))
            with closing(sqlite3.connect(copy, isolation_level=None)) as copied:
                ran = {row[0] for row in copied.execute(RAN)}
                refuse_unknown(database, ran, known)
                copied.execute("DELETE FROM telegram_session")
                copied.execute(ATTEMPTED, (str(now.astimezone(UTC)),))
                copied.execute("VACUUM")  # removes deleted data from free pages
            rows = _checked(copy)
        except sqlite3.Error as exc:
            raise BackupRefused(f"{database} could not be copied: {exc}") from exc
        with copy.open("rb") as plain, gzip.open(packed, "wb") as compressed:
            shutil.copyfileobj(plain, compressed)
        size = into_place(packed, file, force=force)
    return Backup(str(file), size, rows)


def _reading(path: Path) -> str:
    return f"file:{quote(str(path))}?mode=ro"


def restore(file: Path, database: Path, known: Collection[str], now: datetime) -> tuple[Backup, Path | None]:
    """Replaces the database with a backup. The old database is kept beside it; its path is returned. Nothing
    may use the database meanwhile. `known`: the migrations of this version.

    Raises BackupRefused, with nothing changed, for a file that is no backup, is damaged, or comes from
    another version.
    """
    database = Path(os.path.realpath(database))
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".djangobot-restore-", dir=database.parent) as name:
        copy = Path(name) / "copy"
        try:
            with gzip.open(file, "rb") as compressed, copy.open("wb") as plain:
                shutil.copyfileobj(compressed, plain)
            with closing(sqlite3.connect(_reading(copy), uri=True)) as copied:
                ran = {row[0] for row in copied.execute(RAN)}
            rows = _checked(copy)
        except (OSError, EOFError, sqlite3.Error) as exc:
            raise BackupRefused(f"{file} is no whole backup: {exc}") from exc
        refuse_unknown(file, ran, known)
        copy.chmod(0o600)
        flush(copy)
        kept = _put_aside(database, now)
        copy.replace(database)
        flush(database.parent)
    return Backup(str(file), file.stat().st_size, rows), kept


def _put_aside(database: Path, now: datetime) -> Path | None:
    if not database.exists():
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as old:  # the old database may be broken
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = database.with_name(f"{database.name}.before-{now:%Y%m%d-%H%M%S}")
    os.link(database, kept)  # the old database stays in place until the copy replaces it
    for suffix in ("-wal", "-shm"):
        if (beside := Path(f"{database}{suffix}")).exists():
            beside.rename(f"{kept}{suffix}")
    return kept


def _checked(copy: Path) -> dict[str, int]:
    """Rows by table. Raises sqlite3.Error for a damaged file."""
    with closing(sqlite3.connect(_reading(copy), uri=True)) as copied:
        found = copied.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        return {
            table: int(copied.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours
            for table in TABLES
        }

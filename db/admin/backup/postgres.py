"""Backups of a PostgreSQL database, and the restore, by its own tools `pg_dump` and `pg_restore`. A backup is
taken while the service runs.

As in SQLite's backups (sqlite.py), the session with Telegram is left out. Queued messages count as attempted
at the time of the dump.
"""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from djangobot.db.admin.backup.files import (
    RAN,
    TABLES,
    Backup,
    BackupRefused,
    folder_of,
    into_place,
    refuse_unknown,
)
from djangobot.db.engine import address
from djangobot.db.engine.errors import UNAVAILABLE_ERRORS

MADE = re.compile(r"^; Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
ATTEMPTED = """
UPDATE message SET first_attempt = COALESCE(first_attempt, $1) WHERE status IN ('queued', 'sending')
"""
REASON = 300
"""Characters of a tool's error message that are kept."""
NAME_LENGTH = 63
"""Bytes of a name (postgresql.org/docs/current/sql-syntax-lexical.html)."""
ERRORS = (*UNAVAILABLE_ERRORS, asyncpg.PostgresError)


class ToolFailed(BackupRefused):
    """A tool ran and failed."""


async def create(url: str, file: Path, known: Collection[str], *, force: bool) -> Backup:
    """Writes the dump to `file`, completely or not at all. Only its owner can read it. `known`: the
    migrations of this version. Raises BackupRefused."""
    folder = folder_of(file)
    connection = await _connect(url)
    try:
        ran = {row["name"] for row in await connection.fetch(RAN)}
        refuse_unknown("The database", ran, known)
        with tempfile.TemporaryDirectory(prefix=".djangobot-backup-", dir=folder) as name:
            packed = Path(name) / "packed"
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
                rows = await _rows(connection)
                await _run(
                    "pg_dump",
                    (url, None),
                    "--format=custom",
                    "--exclude-table-data=telegram_session",
                    f"--snapshot={snapshot}",
                    f"--file={packed}",
                )
            size = await asyncio.to_thread(into_place, packed, file, force=force)
    except ERRORS as exc:
        raise BackupRefused(f"the database could not be dumped: {exc}") from exc
    finally:
        await connection.close()
    return Backup(str(file), size, rows)


async def restore(url: str, file: Path, known: Collection[str], now: datetime) -> tuple[Backup, str]:
    """Replaces the database with a dump. The old database is kept beside it; its name is returned. Nobody may
    be connected to it. `known`: the migrations of this version.

    The dump is restored into a new database first. The new one takes the old one's name when all is
    well. Raises BackupRefused, with nothing changed, for a file that is no dump, is damaged, or comes from
    another version.
    """
    attempted = await _made(file)
    name = await _name(url)
    fresh = f"{name[: NAME_LENGTH - 30]}_restoring_{now:%Y%m%d_%H%M%S}"
    kept = f"{name[: NAME_LENGTH - 30]}_before_{now:%Y%m%d_%H%M%S}"
    # Connects to another database: one with connections can't be renamed.
    connection = await _connect(url, "template1" if name == "postgres" else "postgres")
    try:
        await connection.execute(f'CREATE DATABASE "{fresh}" TEMPLATE template0')
        try:
            rows = await _fill(url, fresh, file, known, attempted)
            async with connection.transaction():
                await connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{kept}"')
                await connection.execute(f'ALTER DATABASE "{fresh}" RENAME TO "{name}"')
        except BaseException:
            await connection.execute(f'DROP DATABASE IF EXISTS "{fresh}" WITH (FORCE)')
            raise
    except asyncpg.ObjectInUseError as exc:
        raise BackupRefused(f"somebody is connected to {name}: stop every djangobot on it") from exc
    except asyncpg.InsufficientPrivilegeError as exc:
        raise BackupRefused(
            f"{exc}: the user needs the right to create databases; or use pg_restore --clean as its owner"
        ) from exc
    except ERRORS as exc:
        raise BackupRefused(f"{file} could not be put back: {exc}") from exc
    finally:
        await connection.close()
    return Backup(str(file), await asyncio.to_thread(os.path.getsize, file), rows), kept


async def _made(file: Path) -> datetime:
    """When the dump was made. Raises BackupRefused for a file that is no dump."""
    try:
        made = MADE.search(await _run("pg_restore", None, "--list", str(file)))
    except ToolFailed as exc:
        raise BackupRefused(f"{file} is no whole backup: {exc}") from exc
    if made is None:
        raise BackupRefused(f"{file} is no whole backup: it does not say when it was made")
    return datetime.fromisoformat(made[1]).replace(tzinfo=UTC)


async def _fill(
    url: str, fresh: str, file: Path, known: Collection[str], attempted: datetime
) -> dict[str, int]:
    """Restores the dump into the new database. Returns its rows by table."""
    try:
        await _run(
            "pg_restore", (url, fresh), "--no-owner", "--no-privileges", "--single-transaction", str(file)
        )
    except ToolFailed as exc:
        raise BackupRefused(f"{file} is no whole backup: {exc}") from exc
    connection = await _connect(url, fresh)
    try:
        ran = {row["name"] for row in await connection.fetch(RAN)}
        refuse_unknown(file, ran, known)
        await connection.execute(ATTEMPTED, attempted)
        return await _rows(connection)
    except asyncpg.UndefinedTableError as exc:
        raise BackupRefused(f"{file} is no whole backup: {exc}") from exc
    finally:
        await connection.close()


async def _rows(connection: asyncpg.Connection) -> dict[str, int]:
    return {
        table: int(await connection.fetchval(f"SELECT COUNT(*) FROM {table}") or 0)  # noqa: S608 - ours
        for table in TABLES
    }


async def _connect(url: str, database: str | None = None) -> asyncpg.Connection:
    """Connects to the database of the URL, or to another one on that server. Raises BackupRefused."""
    try:
        return await asyncpg.connect(**address.for_driver(url), database=database)
    except (*ERRORS, ValueError) as exc:
        raise BackupRefused(f"the database does not answer: {exc}") from exc


async def _name(url: str) -> str:
    connection = await _connect(url)
    try:
        return str(await connection.fetchval("SELECT current_database()"))
    finally:
        await connection.close()


async def _run(tool: str, where: tuple[str, str | None] | None, *arguments: str) -> str:
    """Runs a tool on the database of an address, or on another one on that server. Returns what it prints.
    Raises BackupRefused."""
    path = shutil.which(tool)
    if path is None:
        raise BackupRefused(f"{tool} is not installed here (package postgresql-client)")
    env = os.environ | {"TZ": "UTC", "LC_ALL": "C"}
    if where is not None:
        said, passwords = address.for_tools(*where)
        env |= passwords
        arguments = (f"--dbname={said}", *arguments)
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, wrong = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        said = " ".join(wrong.decode(errors="replace").split()) or f"exit code {process.returncode}"
        raise ToolFailed(f"{tool}: {said.removeprefix(f'{tool}: ')}"[:REASON])
    return printed.decode(errors="replace")

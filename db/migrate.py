"""Brings a database to this version's tables, and refuses one that this version can't use."""

import asyncio
import contextlib
import fcntl
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from piccolo.apps.migrations.tables import Migration

from djangobot.db import conf
from djangobot.db.engine import checks
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.piccolo_app import APP_NAME, MIGRATIONS, TABLES

MIGRATION_LOCK = 0x446A616E676F426F
"""PostgreSQL advisory lock that is held while migrations run: "DjangoBo" in ASCII."""
MIGRATION_NAME = re.compile(r'^ID = "(.+)"$', re.MULTILINE)
"""How a migration says its name, which Piccolo calls its id."""


async def run() -> list[str]:
    """Runs the migrations that have not run, all or none, and returns their names. Two processes may call it
    at once. Raises DatabaseRefused, with nothing changed, for a database that this version can't use, or that
    we may not change."""
    async with _alone():
        if not await refuse_unfit():
            return []
        os.environ["PICCOLO_CONF"] = conf.__name__  # Piccolo reads the engine from there
        before = set(await _ran())
        from djangobot.db import migrator

        try:
            async with conf.in_use().write():
                await migrator.run_all()
        except asyncpg.InsufficientPrivilegeError as exc:
            raise checks.DatabaseRefused(
                f"The database's tables could not be changed: {exc}. Give djangobot the role that owns them"
            ) from exc
        return [name for name in await _ran() if name not in before]


def known() -> set[str]:
    """The names of all migrations of this version. They are read and not imported, so a start
    that has nothing to migrate stays cheap."""
    sources = (file.read_text() for file in MIGRATIONS.glob("*.py"))
    return {found[1] for source in sources if (found := MIGRATION_NAME.search(source))}


async def pending() -> bool:
    """Whether `run` would change anything."""
    return bool(known() - set(await _ran()))


async def refuse_unfit() -> int:
    """Raises DatabaseRefused for a database that `run` would refuse. Returns how many migrations it
    lacks."""
    lacking = await _lacking()
    await checks.refuse_read_only(creating=lacking > 0)
    return lacking


async def refuse_other_version() -> None:
    """For callers that only read: raises DatabaseRefused when the database does not have this version's
    tables."""
    if await _lacking():
        raise checks.DatabaseRefused(
            "The database has not this version's tables yet: `djangobot migrate` makes them"
        )


async def _lacking() -> int:
    """How many migrations the database lacks. Raises DatabaseRefused for one that another version made."""
    ran, ours = set(await _ran()), known()
    checks.refuse_unknown(ran, ours, await checks.tables_there({table._meta.tablename for table in TABLES}))
    return len(ours - ran)


async def _ran() -> list[str]:
    if not await checks.tables_there({Migration._meta.tablename}):
        return []
    return await Migration.get_migrations_which_ran(app_name=APP_NAME)


def _lock_file(engine: SQLiteEngine) -> int:
    """Opens the lock file beside the database file. Links to the database are resolved."""
    try:
        return os.open(f"{os.path.realpath(engine.path)}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise DatabaseUnavailable from exc


@contextlib.asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """Ensures that only this process migrates while the block runs."""
    engine = conf.in_use()
    if isinstance(engine, SQLiteEngine):
        descriptor = _lock_file(engine)
        try:
            await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
        return
    async with _advisory_lock(engine):
        yield


@contextlib.asynccontextmanager
async def _advisory_lock(engine: PostgresEngine) -> AsyncIterator[None]:
    connection: Any = await engine.get_new_connection()
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        yield
    finally:
        await connection.close()

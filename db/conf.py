"""The database in use, its tables and its migrations. The `piccolo` command line imports this module as
PICCOLO_CONF and reads `APP_REGISTRY` and `DB`: the database of the environment, which is read only then."""

import asyncio
import contextlib
import fcntl
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
from dotenv import dotenv_values
from piccolo.apps.migrations.tables import Migration

from djangobot.db.engine import address, checks, make_current
from djangobot.db.engine.errors import CONNECT_ERRORS
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.piccolo_app import APP_NAME, MIGRATIONS, TABLES

MIGRATION_LOCK = 0x446A616E676F426F
"""PostgreSQL advisory lock that is held while migrations run: "DjangoBo" in ASCII."""
MIGRATION_NAME = re.compile(r'^ID = "(.+)"$', re.MULTILINE)
"""How a migration says its name, which Piccolo calls its id."""


def engine_for(url: str) -> SQLiteEngine | PostgresEngine:
    """An engine that is not connected yet. Raises ValueError, with a sentence, for an address that can't be
    used."""
    address.check(url)
    if address.is_sqlite(url):
        return SQLiteEngine(Path(url.removeprefix(address.SQLITE)))
    return PostgresEngine(url)


_in_use: SQLiteEngine | PostgresEngine | None = None


def _engine() -> SQLiteEngine | PostgresEngine:
    """The database in use. By default it is the environment's, because the `piccolo` command line opens
    none."""
    if _in_use is not None:
        return _in_use
    values = {**dotenv_values(".env"), **os.environ}
    return use(address.database_url({name: value or "" for name, value in values.items()}))


def __getattr__(name: str) -> Any:
    if name == "DB":
        return _engine()
    if name == "APP_REGISTRY":
        from piccolo.conf.apps import AppRegistry

        return AppRegistry(apps=["djangobot.db.piccolo_app"])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def use(url: str) -> SQLiteEngine | PostgresEngine:
    """Points every table at `url`. A database that was open stays open."""
    global _in_use
    _in_use = engine_for(url)
    make_current(_in_use)
    for table in (*TABLES, Migration):
        table._meta._db = _in_use
    return _in_use


async def open_database(url: str, *, create: bool = True) -> None:
    """Connects. Creates a missing SQLite file, unless `create` is false. Raises DatabaseUnavailable, and
    DatabaseRefused for a pooler that can't be used."""
    engine = use(url)
    if isinstance(engine, PostgresEngine):
        try:
            await checks.refuse_pooler(engine)
        except CONNECT_ERRORS as exc:
            raise DatabaseUnavailable from exc
    await engine.open(create)


async def close_database() -> None:
    """Waits for running queries, and disconnects."""
    await _engine().close()


async def migrate() -> list[str]:
    """Runs the migrations that have not run, all or none, and returns their names. Two processes may call it
    at once. Raises DatabaseRefused, with nothing changed, for a database that this version can't use, or that
    we may not change."""
    async with _alone():
        if not await refuse_unfit():
            return []
        os.environ["PICCOLO_CONF"] = __name__  # Piccolo reads the engine from there when it runs a migration
        before = set(await _ran())
        from djangobot.db import migrator

        try:
            async with _engine().write():
                await migrator.run_all()
        except asyncpg.InsufficientPrivilegeError as exc:
            raise checks.DatabaseRefused(
                f"The database's tables could not be changed: {exc}. Give djangobot the role that owns them"
            ) from exc
        return [name for name in await _ran() if name not in before]


def known_migrations() -> set[str]:
    """The names of all migrations of this version. They are read and not imported: a start that has nothing
    to migrate needs no more of them."""
    sources = (file.read_text() for file in MIGRATIONS.glob("*.py"))
    return {found[1] for source in sources if (found := MIGRATION_NAME.search(source))}


async def pending_migrations() -> bool:
    """Whether `migrate` would change anything."""
    return bool(known_migrations() - set(await _ran()))


async def refuse_unfit() -> int:
    """Raises DatabaseRefused for a database that `migrate` would refuse. Returns how many migrations it
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
    ran, known = set(await _ran()), known_migrations()
    checks.refuse_unknown(ran, known, await checks.tables_there({table._meta.tablename for table in TABLES}))
    return len(known - ran)


async def _ran() -> list[str]:
    if not await Migration.table_exists():
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
    engine = _engine()
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

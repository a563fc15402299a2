"""Which database, its tables, its migrations. Importable by the `piccolo` command line as PICCOLO_CONF, which
asks for `DB`: the database of the environment, looked at only then."""

import asyncio
import contextlib
import fcntl
import io
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
from dotenv import dotenv_values
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig, AppRegistry
from piccolo.table import Table

from djangobot.db.engine import CONNECT_ERRORS, PostgresEngine, SQLiteEngine, address, checks, make_current
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.piccolo_app import APP_CONFIG, TABLES

MIGRATION_LOCK = 0x446A616E676F426F
"""PostgreSQL advisory lock held while migrations run: "DjangoBo" in ASCII."""


def engine_for(url: str) -> SQLiteEngine | PostgresEngine:
    """Not connected yet. Raises ValueError, with a sentence, for an address that can't be used."""
    address.check(url)
    if address.is_sqlite(url):
        return SQLiteEngine(Path(url.removeprefix(address.SQLITE)))
    return PostgresEngine(url)


APP_REGISTRY = AppRegistry(apps=["djangobot.db.piccolo_app"])

_in_use: SQLiteEngine | PostgresEngine | None = None


def _engine() -> SQLiteEngine | PostgresEngine:
    """The database in use; by default the environment's, for the `piccolo` command line opens none."""
    if _in_use is not None:
        return _in_use
    values = {**dotenv_values(".env"), **os.environ}
    return use(address.database_url({name: value or "" for name, value in values.items()}))


def __getattr__(name: str) -> Any:
    if name == "DB":
        return _engine()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def use(url: str) -> SQLiteEngine | PostgresEngine:
    """Points every table at `url`; what was open stays open."""
    global _in_use
    _in_use = engine_for(url)
    make_current(_in_use)
    for table in (*TABLES, Migration):
        table._meta._db = _in_use
    return _in_use


async def open_database(url: str, *, create: bool = True) -> None:
    """Connects; creates an SQLite file that is not there, unless `create` is false. Raises
    DatabaseUnavailable, and DatabaseRefused for a pooler that can't be used."""
    engine = use(url)
    if isinstance(engine, PostgresEngine):
        try:
            await checks.refuse_pooler(engine)
        except CONNECT_ERRORS as exc:
            raise DatabaseUnavailable from exc
    await engine.open(create)


async def close_database() -> None:
    """Lets what is under way end, and disconnects."""
    await _engine().close()


async def migrate() -> list[str]:
    """Runs the migrations that have not run; returns their names. Two processes may try at once. Raises
    DatabaseRefused for a database that is newer than we are, or that we may not change."""
    async with _alone():
        os.environ["PICCOLO_CONF"] = __name__  # where Piccolo looks for the engine when it runs a migration
        manager = _Forwards(app_name="djangobot")
        before, known = set(await _ran()), known_migrations()
        checks.refuse_newer(before, known)
        await checks.refuse_read_only(creating=bool(known - before))
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # Piccolo reports with print
                result = await manager.run()
        except asyncpg.InsufficientPrivilegeError as exc:
            raise checks.DatabaseRefused(
                f"The database's tables could not be changed: {exc}. Give djangobot the role that owns them"
            ) from exc
        if not result.success:
            raise DatabaseUnavailable from RuntimeError(result.message)
        return [name for name in await _ran() if name not in before]


def known_migrations() -> set[str]:
    """The names of all this version has."""
    manager = _Forwards(app_name="djangobot")
    return set(manager.get_migration_modules(APP_CONFIG.resolved_migrations_folder_path))


async def pending_migrations() -> bool:
    """Whether `migrate` would change anything."""
    return bool(known_migrations() - set(await _ran()))


async def refuse_unfit() -> int:
    """Raises DatabaseRefused for a database that `migrate` would refuse; how many migrations it lacks."""
    ran, known = set(await _ran()), known_migrations()
    checks.refuse_newer(ran, known)
    await checks.refuse_read_only(creating=bool(known - ran))
    return len(known - ran)


async def refuse_other_version() -> None:
    """For who only looks: raises DatabaseRefused when it has not this version's tables."""
    checks.refuse_newer(await _ran(), known_migrations())
    if await pending_migrations():
        raise checks.DatabaseRefused(
            "The database has not this version's tables yet: `djangobot migrate` makes them"
        )


class _Forwards(ForwardsMigrationManager):
    """Piccolo's, without its search for a configuration by environment variable."""

    def get_app_config(self, app_name: str) -> AppConfig:
        return APP_CONFIG

    def get_migration_modules(self, folder_path: str) -> dict[str, Any]:
        """Their tables pointed at the database in use: a table keeps the first engine it has seen, and so the
        types of what refers to it, which may be another kind of database's."""
        modules = super().get_migration_modules(folder_path)
        sys.path.remove(folder_path)  # where Piccolo has put it
        for module in modules.values():
            for thing in vars(module).values():
                if isinstance(thing, type) and issubclass(thing, Table) and thing is not Table:
                    thing._meta._db = _engine()
        return modules


async def _ran() -> list[str]:
    if not await Migration.table_exists():
        return []
    return await Migration.get_migrations_which_ran(app_name="djangobot")


def _lock_file(engine: SQLiteEngine) -> int:
    """Beside the database itself, whatever links lead to it."""
    try:
        return os.open(f"{os.path.realpath(engine.path)}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise DatabaseUnavailable from exc


@contextlib.asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """Only this process migrates."""
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

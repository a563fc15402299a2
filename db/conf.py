"""Which database, its tables, its migrations. Importable by the `piccolo` command line as PICCOLO_CONF."""

import asyncio
import contextlib
import fcntl
import io
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig, AppRegistry
from piccolo.table import Table

from djangobot.db.engine import PostgresEngine, SQLiteEngine, make_current
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.piccolo_app import APP_CONFIG, TABLES

MIGRATION_LOCK = 0x446A616E676F426F
"""PostgreSQL advisory lock held while migrations run: "DjangoBo" in ASCII."""


def database_url(environ: Mapping[str, str]) -> str:
    """DATABASE_URL, or the SQLite file in the data folder."""
    given = environ.get("DATABASE_URL", "").strip()
    return given or f"sqlite:///{environ.get('DJANGOBOT_DATA', '').strip() or 'data'}/djangobot.sqlite"


def engine_for(url: str) -> SQLiteEngine | PostgresEngine:
    """Not connected yet. Raises ValueError for a scheme that is neither."""
    if url.startswith("sqlite:///"):
        return SQLiteEngine(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresEngine(url)
    raise ValueError("expected sqlite:///path or postgresql://user:password@host/name")


# The one look at the environment outside of settings.py: the `piccolo` command line comes in through this
# module.
DB: SQLiteEngine | PostgresEngine = engine_for(
    database_url({name: value or "" for name, value in {**dotenv_values(".env"), **os.environ}.items()})
)
APP_REGISTRY = AppRegistry(apps=["djangobot.db.piccolo_app"])


def use(url: str) -> SQLiteEngine | PostgresEngine:
    """Points every table at `url`; what was open stays open."""
    global DB
    DB = engine_for(url)
    make_current(DB)
    for table in (*TABLES, Migration):
        table._meta._db = DB
    return DB


async def open_database(url: str) -> None:
    """Connects; creates an SQLite file that is not there. Raises DatabaseUnavailable."""
    await use(url).open()


async def close_database() -> None:
    """Lets what is under way end, and disconnects."""
    await DB.close()


async def migrate() -> list[str]:
    """Runs the migrations that have not run; returns their names. Two processes may try at once."""
    async with _alone():
        os.environ["PICCOLO_CONF"] = __name__  # where Piccolo looks for the engine when it runs a migration
        manager = _Forwards(app_name="djangobot")
        before = set(await _ran())
        with contextlib.redirect_stdout(io.StringIO()):  # Piccolo reports with print
            result = await manager.run()
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
                    thing._meta._db = DB
        return modules


async def _ran() -> list[str]:
    if not await Migration.table_exists():
        return []
    return await Migration.get_migrations_which_ran(app_name="djangobot")


@contextlib.asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """Only this process migrates."""
    if isinstance(DB, SQLiteEngine):
        descriptor = os.open(f"{DB.path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
        return
    async with _advisory_lock(DB):
        yield


@contextlib.asynccontextmanager
async def _advisory_lock(engine: PostgresEngine) -> AsyncIterator[None]:
    connection: Any = await engine.get_new_connection()
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        yield
    finally:
        await connection.close()

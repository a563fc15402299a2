"""The database in use: which one it is, opened and closed. The `piccolo` command line imports this module as
PICCOLO_CONF and reads `APP_REGISTRY` and `DB`: the database of the environment, which is read only then."""

import os
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from piccolo.apps.migrations.tables import Migration

from djangobot.db.engine import address, checks, make_current
from djangobot.db.engine.errors import CONNECT_ERRORS
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.piccolo_app import TABLES


def engine_for(url: str) -> SQLiteEngine | PostgresEngine:
    """An engine that is not connected yet. Raises ValueError, with a sentence, for an address that can't be
    used."""
    address.check(url)
    if address.is_sqlite(url):
        return SQLiteEngine(Path(url.removeprefix(address.SQLITE)))
    return PostgresEngine(url)


_in_use: SQLiteEngine | PostgresEngine | None = None


def in_use() -> SQLiteEngine | PostgresEngine:
    """The database in use. By default it is the environment's, because the `piccolo` command line opens
    none."""
    if _in_use is not None:
        return _in_use
    values = {**dotenv_values(".env"), **os.environ}
    return use(address.database_url({name: value or "" for name, value in values.items()}))


def __getattr__(name: str) -> Any:
    if name == "DB":
        return in_use()
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
    await in_use().close()

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.column_types import BigInt, ForeignKey, Varchar
from piccolo.columns.indexes import IndexMethod
from piccolo.table import Table

from djangobot.db.engine.columns import SerialOnce

ID = "2026-11-26T04:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Bot tokens that a person makes in the chat, with no account behind them"

COMMON: dict[str, Any] = {
    "default": None,
    "null": True,
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}


class BotToken(Table, tablename="bot_token", schema=None):
    id = SerialOnce(**{**COMMON, "null": False, "primary_key": True})


REFERENCE: dict[str, Any] = {
    **COMMON,
    "references": BotToken,
    "on_delete": OnDelete.cascade,
    "on_update": OnUpdate.cascade,
    "target_column": None,
}
COLUMNS: tuple[tuple[str, str, str, type, dict[str, Any]], ...] = (
    ("BotToken", "bot_token", "origin", BigInt, COMMON),
    ("BotToken", "bot_token", "nonce", Varchar, {**COMMON, "length": 32, "secret": True}),
    ("Code", "code", "origin", BigInt, COMMON),
    ("Code", "code", "nonce", Varchar, {**COMMON, "length": 32, "secret": True}),
    ("Mute", "mute", "token", ForeignKey, REFERENCE),
)
# SQLite has no statement for this. Its documentation describes this way, and allows it where what stands in
# the file stays valid (sqlite.org/lang_altertable.html#otheralter).
NULLABLE = {
    "sqlite": (
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master"
        """ SET sql = replace(sql, '"account" INTEGER NOT NULL REFERENCES', '"account" INTEGER REFERENCES')"""
        " WHERE type = 'table' AND name IN ('bot_token', 'mute')",
        "PRAGMA writable_schema = RESET",  # which also reads it anew
    ),
    "postgres": (
        "ALTER TABLE bot_token ALTER COLUMN account DROP NOT NULL",
        "ALTER TABLE mute ALTER COLUMN account DROP NOT NULL",
    ),
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)

    async def let_account_be_null():
        # Made here: a table keeps the first engine it has seen, and a process may migrate two databases.
        class Mute(Table, tablename="mute", schema=None):
            """For raw statements."""

        for statement in NULLABLE[Mute._meta.db.engine_type]:
            await Mute.raw(statement)

    manager.add_raw(let_account_be_null)
    for class_name, table, column, column_class, params in COLUMNS:
        manager.add_column(
            table_class_name=class_name,
            tablename=table,
            column_name=column,
            db_column_name=column,
            column_class_name=column_class.__name__,
            column_class=column_class,
            params=params,
            schema=None,
        )
    return manager

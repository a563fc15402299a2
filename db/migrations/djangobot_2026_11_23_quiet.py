from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.column_types import BigInt, BigSerial, ForeignKey, Timestamptz
from piccolo.columns.indexes import IndexMethod
from piccolo.table import Table

from djangobot.db.engine.columns import SerialOnce

ID = "2026-11-23T10:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Muted senders, and when a person is told of a held message"

COMMON: dict[str, Any] = {
    "null": False,
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}
KEY: dict[str, Any] = {**COMMON, "primary_key": True}


class Account(Table, tablename="account", schema=None):
    id = SerialOnce(**KEY)


class Chat(Table, tablename="chat", schema=None):
    id = BigInt(default=0, **KEY)


REFERENCE: dict[str, Any] = {
    **COMMON,
    "default": None,
    "on_delete": OnDelete.cascade,
    "on_update": OnUpdate.cascade,
    "target_column": None,
}
COLUMNS: tuple[tuple[str, type, dict[str, Any]], ...] = (
    ("id", BigSerial, KEY),
    ("chat", ForeignKey, {**REFERENCE, "references": Chat}),
    ("account", ForeignKey, {**REFERENCE, "references": Account}),
    ("until", Timestamptz, {**COMMON, "default": None}),
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    manager.add_table(class_name="Mute", tablename="mute", schema=None, columns=None)
    columns = [
        *(("Mute", "mute", *column) for column in COLUMNS),
        ("Message", "message", "held_until", Timestamptz, {**COMMON, "default": None, "null": True}),
    ]
    for class_name, table, column, column_class, params in columns:
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

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import BigInt, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod

from djangobot.db.engine.columns import SerialOnce

ID = "2026-11-23T12:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Broadcasts, and their messages"

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
MAYBE: dict[str, Any] = {"default": None, "null": True}
COLUMNS: tuple[tuple[str, type, dict[str, Any]], ...] = (
    ("id", SerialOnce, {"default": 0, "primary_key": True}),
    ("author", BigInt, {"default": 0}),
    ("text", Text, {"default": ""}),
    ("audience", Text, {"default": "{}"}),
    ("status", Varchar, {"length": 16, "default": "draft"}),
    ("total", Integer, {"default": 0}),
    ("reached", BigInt, {"default": 0}),
    ("card", Integer, {"default": 0}),
    ("created", Timestamptz, {"default": TimestamptzNow()}),
    ("started", Timestamptz, MAYBE),
    ("ended", Timestamptz, MAYBE),
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    manager.add_table(class_name="Broadcast", tablename="broadcast", schema=None, columns=None)
    columns = [
        *(("Broadcast", "broadcast", *column) for column in COLUMNS),
        ("Message", "message", "broadcast", BigInt, MAYBE),
    ]
    for class_name, table, column, column_class, params in columns:
        manager.add_column(
            table_class_name=class_name,
            tablename=table,
            column_name=column,
            db_column_name=column,
            column_class_name=column_class.__name__,
            column_class=column_class,
            params={**COMMON, **params},
            schema=None,
        )
    return manager

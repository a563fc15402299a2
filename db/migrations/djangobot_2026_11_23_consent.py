from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Boolean, Integer, Text, Timestamptz, Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T10:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What a person lets each token do, and what they were asked"

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
COLUMNS: tuple[tuple[str, str, str, type, dict[str, Any]], ...] = (
    ("BotToken", "bot_token", "paused", Timestamptz, {}),
    ("BotToken", "bot_token", "limit_minute", Integer, {}),
    ("BotToken", "bot_token", "refuses_urgent", Boolean, {"default": False, "null": False}),
    ("Chat", "chat", "asked", Text, {}),
    ("Chat", "chat", "asked_at", Timestamptz, {}),
    ("Code", "code", "name", Varchar, {"length": 64}),
    ("Code", "code", "message", Integer, {}),
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    for class_name, table, column, column_class, params in COLUMNS:
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

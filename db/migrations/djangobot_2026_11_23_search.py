from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.column_types import BigInt, ForeignKey, Text
from piccolo.columns.indexes import IndexMethod
from piccolo.table import Table

from djangobot.db.engine.columns import SerialOnce

ID = "2026-11-23T10:42:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What people looked for"

KEY: dict[str, Any] = {
    "null": False,
    "primary_key": True,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}
PLAIN: dict[str, Any] = {**KEY, "primary_key": False}


class Chat(Table, tablename="chat", schema=None):
    id = BigInt(default=0, **KEY)


REFERENCE: dict[str, Any] = {
    **PLAIN,
    "index": True,
    "default": None,
    "references": Chat,
    "on_delete": OnDelete.cascade,
    "on_update": OnUpdate.cascade,
    "target_column": None,
}
COLUMNS = (
    ("id", SerialOnce, KEY),
    ("chat", ForeignKey, REFERENCE),
    ("words", Text, {**PLAIN, "default": ""}),
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    manager.add_table(class_name="Search", tablename="search", schema=None, columns=None)
    for name, kind, params in COLUMNS:
        manager.add_column(
            table_class_name="Search",
            tablename="search",
            column_name=name,
            db_column_name=name,
            column_class_name=kind.__name__,
            column_class=kind,
            params=params,
            schema=None,
        )
    return manager

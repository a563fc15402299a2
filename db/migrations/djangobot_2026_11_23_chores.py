from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.column_types import BigInt, BigSerial, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.indexes import IndexMethod
from piccolo.table import Table

from djangobot.db.engine.columns import SerialOnce

ID = "2026-11-23T10:21:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What is to be done in chats later, and where tokens are used from"

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


class Chat(Table, tablename="chat", schema=None):
    id = BigInt(default=0, **KEY)


class BotToken(Table, tablename="bot_token", schema=None):
    id = SerialOnce(**KEY)


PLAIN: dict[str, Any] = {**KEY, "primary_key": False}
REFERENCE: dict[str, Any] = {
    **PLAIN,
    "default": None,
    "on_delete": OnDelete.cascade,
    "on_update": OnUpdate.cascade,
    "target_column": None,
}
TABLES = (
    (
        "ScheduledJobRow",
        "chore",
        (
            ("id", BigSerial, KEY),
            ("chat", ForeignKey, {**REFERENCE, "references": Chat}),
            ("kind", Varchar, {**PLAIN, "length": 32, "default": ""}),
            ("message", BigInt, {**PLAIN, "default": 0}),
            ("argument", Text, {**PLAIN, "default": ""}),
            ("due", Timestamptz, {**PLAIN, "default": None, "index": True}),
        ),
    ),
    (
        "TokenNetwork",
        "token_network",
        (
            ("id", BigSerial, KEY),
            ("token", ForeignKey, {**REFERENCE, "references": BotToken}),
            ("network", Varchar, {**PLAIN, "length": 64, "default": ""}),
            ("first_used", Timestamptz, {**PLAIN, "default": None}),
        ),
    ),
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    for class_name, table, columns in TABLES:
        manager.add_table(class_name=class_name, tablename=table, schema=None, columns=None)
        for column, column_class, params in columns:
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

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.column_types import (
    BigInt,
    BigSerial,
    ForeignKey,
    Integer,
    Timestamptz,
    Varchar,
)
from piccolo.columns.indexes import IndexMethod
from piccolo.table import Table

from djangobot.db.engine.columns import SerialOnce

ID = "2026-11-26T04:37:17:000000"
VERSION = "1.38.0"
DESCRIPTION = "Networks of accounts, wrong codes, the length of codes, invites"

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


class Account(Table, tablename="account", schema=None):
    id = SerialOnce(**KEY)


PLAIN: dict[str, Any] = {**KEY, "primary_key": False}
MOMENT: dict[str, Any] = {**PLAIN, "default": None}
MAYBE: dict[str, Any] = {**MOMENT, "null": True}
ACCOUNT: dict[str, Any] = {
    **PLAIN,
    "default": None,
    "references": Account,
    "on_delete": OnDelete.cascade,
    "on_update": OnUpdate.cascade,
    "target_column": None,
}
TABLES = (
    (
        "AccountNetwork",
        "account_network",
        (
            ("id", BigSerial, KEY),
            ("account", ForeignKey, ACCOUNT),
            ("network", Varchar, {**PLAIN, "length": 64, "default": ""}),
            ("last_used", Timestamptz, MOMENT),
        ),
    ),
    (
        "WrongCode",
        "wrong_code",
        (
            ("id", BigSerial, KEY),
            ("time", Timestamptz, {**MOMENT, "index": True}),
            ("cost", Integer, {**PLAIN, "default": 0}),
            ("account", BigInt, {**MAYBE, "index": True}),
            ("network", Varchar, {**PLAIN, "length": 64, "default": "", "index": True}),
        ),
    ),
    (
        "Invite",
        "invite",
        (
            ("id", SerialOnce, KEY),
            ("digest", Varchar, {**PLAIN, "length": 64, "default": "", "unique": True, "secret": True}),
            ("created", Timestamptz, MOMENT),
            ("expires", Timestamptz, MOMENT),
            ("used", Timestamptz, MAYBE),
            ("account", BigInt, MAYBE),
            ("revoked", Timestamptz, MAYBE),
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
    manager.add_column(
        table_class_name="Code",
        tablename="code",
        column_name="length",
        db_column_name="length",
        column_class_name="Integer",
        column_class=Integer,
        params={**PLAIN, "default": 10},
        schema=None,
    )
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Boolean, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T10:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Urgent messages, messages that expire, and the service's own state"

COMMON = {
    "null": False,
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}
STATE = (
    ("name", Varchar, {"length": 64, "default": "", "primary_key": True}),
    ("value", Text, {"default": ""}),
    ("changed", Timestamptz, {"default": TimestamptzNow()}),
)
MESSAGE = (
    ("urgent", Boolean, {"default": False}),
    ("expires", Timestamptz, {"default": None, "null": True}),
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    manager.add_table(class_name="State", tablename="service_state", schema=None, columns=None)
    for table, tablename, columns in (
        ("State", "service_state", STATE),
        ("Message", "message", MESSAGE),
    ):
        for name, column_class, params in columns:
            manager.add_column(
                table_class_name=table,
                tablename=tablename,
                column_name=name,
                db_column_name=name,
                column_class_name=column_class.__name__,
                column_class=column_class,
                params={**COMMON, **params},
                schema=None,
            )
    return manager

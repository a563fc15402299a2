from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import BigInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod

from djangobot.db.engine.columns import SerialOnce

ID = "2026-11-23T12:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Admins, and what they did"

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
ADMIN = (
    ("chat", BigInt, {"default": 0, "primary_key": True}),
    ("appointed_by", BigInt, {"default": 0}),
    ("appointed", Timestamptz, {"default": TimestamptzNow()}),
)
AUDIT = (
    ("id", SerialOnce, {"default": 0, "primary_key": True}),
    ("time", Timestamptz, {"default": TimestamptzNow()}),
    ("who", BigInt, {"default": 0}),
    ("action", Varchar, {"length": 64, "default": ""}),
    ("target", Varchar, {"length": 256, "default": ""}),
    ("before", Text, {"default": ""}),
    ("after", Text, {"default": ""}),
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    for table, tablename, columns in (("Admin", "admin", ADMIN), ("Audit", "audit", AUDIT)):
        manager.add_table(class_name=table, tablename=tablename, schema=None, columns=None)
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

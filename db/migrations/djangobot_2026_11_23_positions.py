from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import BigInt, Integer
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T07:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "How far the inbox has been read"

COMMON = {
    "default": 0,
    "null": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    manager.add_table(
        class_name="UpdateStateRow", tablename="inbox_position", schema=None, columns=None
    )
    for name, column_class, primary_key in (
        ("bot", BigInt, True),
        ("pts", Integer, False),
        ("qts", Integer, False),
        ("date", Integer, False),
    ):
        manager.add_column(
            table_class_name="UpdateStateRow",
            tablename="inbox_position",
            column_name=name,
            db_column_name=name,
            column_class_name=column_class.__name__,
            column_class=column_class,
            params={**COMMON, "primary_key": primary_key},
            schema=None,
        )
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import BigInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T11:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The sealed session with Telegram"

COMMON = {
    "null": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)
    manager.add_table(
        class_name="TelegramSession", tablename="telegram_session", schema=None, columns=None
    )
    for name, column_class, params in (
        ("bot", BigInt, {"default": 0, "primary_key": True, "secret": False}),
        ("sealed", Text, {"default": "", "primary_key": False, "secret": True}),
        ("changed", Timestamptz, {"default": TimestamptzNow(), "primary_key": False, "secret": False}),
    ):
        manager.add_column(
            table_class_name="TelegramSession",
            tablename="telegram_session",
            column_name=name,
            db_column_name=name,
            column_class_name=column_class.__name__,
            column_class=column_class,
            params={**COMMON, **params},
            schema=None,
        )
    return manager

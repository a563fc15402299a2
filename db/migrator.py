"""Runs migrations by Piccolo's manager. Imported only when there are any to run, because Piccolo's part for
migrations is large."""

import contextlib
import io
import sys
from typing import Any

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from djangobot.db.engine import current
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.piccolo_app import APP_CONFIG, APP_NAME


class Migrator(ForwardsMigrationManager):
    """Piccolo's manager, without its search for a configuration by environment variable."""

    def __init__(self) -> None:
        super().__init__(app_name=APP_NAME)

    def get_app_config(self, app_name: str) -> AppConfig:
        config: AppConfig = APP_CONFIG
        return config

    async def create_migration_table(self) -> bool:
        """In the schema we use. Piccolo's own looks for a table of that name in all of them."""
        await Migration.create_table(if_not_exists=True)
        return True

    def get_migration_modules(self, folder_path: str) -> dict[str, Any]:
        """Points the tables of the migrations at the database in use. A table keeps the first engine it has
        used, and with it the column types of what refers to it. These may be those of another kind of
        database."""
        modules = super().get_migration_modules(folder_path)
        engine: Any = current()
        sys.path.remove(folder_path)  # Piccolo put it there
        for module in modules.values():
            for thing in vars(module).values():
                if isinstance(thing, type) and issubclass(thing, Table) and thing is not Table:
                    thing._meta._db = engine
        return modules


async def run_all() -> None:
    """Runs the migrations that have not run. Raises DatabaseUnavailable when one of them fails."""
    with contextlib.redirect_stdout(io.StringIO()):  # Piccolo reports with print
        result = await Migrator().run()
    if not result.success:
        raise DatabaseUnavailable from RuntimeError(result.message)

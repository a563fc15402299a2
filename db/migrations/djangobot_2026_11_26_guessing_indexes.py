from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-26T04:37:18:000000"
VERSION = "1.38.0"
DESCRIPTION = "Each network of an account once; living codes are counted by their end"

# Frozen here: what the tables' files say later must not change what this migration did.
INDEXES = (
    "CREATE UNIQUE INDEX network_of_account ON account_network (account, network)",
    "CREATE INDEX code_by_end ON code (expires)",
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)

    async def add_indexes():
        # Made here: a table keeps the first engine it has seen, and a process may migrate two databases.
        class Code(Table, tablename="code", schema=None):
            """For raw statements."""

        for statement in INDEXES:
            await Code.raw(statement)

    manager.add_raw(add_indexes)
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T10:22:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "One chore of a kind for a message; each network of a token once"

# Frozen here: what db/chores.py and db/networks.py say later must not change what this migration did.
INDEXES = (
    "CREATE UNIQUE INDEX chore_of_message ON chore (chat, kind, message)",
    "CREATE UNIQUE INDEX network_of_token ON token_network (token, network)",
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)

    async def add_indexes():
        # Made here: a table keeps the first engine it has seen, and a process may migrate two databases.
        class Chore(Table, tablename="chore", schema=None):
            """For raw statements."""

        for statement in INDEXES:
            await Chore.raw(statement)

    manager.add_raw(add_indexes)
    return manager

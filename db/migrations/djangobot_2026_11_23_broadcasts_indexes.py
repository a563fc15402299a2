from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T12:53:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "One message of a broadcast for each chat, and how many by what became of them"

# Frozen here: what db/broadcasts.py says later must not change what this migration did.
INDEXES = (
    "CREATE UNIQUE INDEX message_of_broadcast ON message (broadcast, chat) WHERE broadcast IS NOT NULL",
    "CREATE INDEX message_of_broadcast_by_status ON message (broadcast, status) WHERE broadcast IS NOT NULL",
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)

    async def add_indexes():
        # Made here: a table keeps the first engine it has seen, and a process may migrate two databases.
        class Message(Table, tablename="message", schema=None):
            """For raw statements."""

        for statement in INDEXES:
            await Message.raw(statement)

    manager.add_raw(add_indexes)
    return manager

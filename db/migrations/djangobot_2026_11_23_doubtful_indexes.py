from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T10:12:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What an admin may decide about"

# Frozen here: what db/messages.py says later must not change what this migration did.
INDEXES = (
    "CREATE INDEX message_doubtful ON message (status, id) WHERE status IN ('failed', 'uncertain')",
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

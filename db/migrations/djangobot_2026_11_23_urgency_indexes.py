from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T10:11:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Where urgent messages wait, and what expires when"

# Frozen here: what db/messages.py says later must not change what this migration did.
INDEXES = (
    "CREATE INDEX message_urgent ON message (chat) WHERE urgent AND status IN ('queued', 'sending')",
    "CREATE INDEX message_expires ON message (expires) WHERE expires IS NOT NULL AND status = 'queued'",
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

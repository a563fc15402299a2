from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-26T04:24:31:070090"
VERSION = "1.38.0"
DESCRIPTION = "Each statement of the queue has one index that fits, and no other"

# Frozen here: what db/messages.py says later must not change what this migration did.
INDEXES = (
    "DROP INDEX message_sending",
    "CREATE UNIQUE INDEX message_sending ON message (chat) WHERE CASE status WHEN 'sending' THEN 1 END = 1",
    "DROP INDEX message_urgent",
    "CREATE INDEX message_urgent ON message (chat)"
    " WHERE CASE WHEN urgent THEN status END IN ('queued', 'sending')",
    "DROP INDEX message_expires",
    "CREATE INDEX message_expires ON message (expires)"
    " WHERE CASE WHEN expires IS NOT NULL THEN status END = 'queued'",
    "DROP INDEX message_held",
    "CREATE INDEX message_held ON message (held_until)"
    " WHERE CASE WHEN held_until IS NOT NULL THEN kind END = 'message'",
    "CREATE INDEX message_of_broadcast_unsettled ON message (broadcast)"
    " WHERE CASE WHEN broadcast IS NOT NULL THEN status END IN ('queued', 'sending')",
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)

    async def change_indexes():
        # Made here: a table keeps the first engine it has seen, and a process may migrate two databases.
        class Message(Table, tablename="message", schema=None):
            """For raw statements."""

        for statement in INDEXES:
            await Message.raw(statement)

    manager.add_raw(change_indexes)
    return manager

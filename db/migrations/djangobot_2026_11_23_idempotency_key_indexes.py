from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T07:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "One message for one key of one token"

# Frozen here: what db/messages.py says later must not change what this migration did.
INDEXES = (
    "CREATE UNIQUE INDEX message_key ON message (token, idempotency_key) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX message_key_age ON message (created) WHERE idempotency_key IS NOT NULL",
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

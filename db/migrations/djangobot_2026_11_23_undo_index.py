from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T10:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What a revoked token has had canceled, found at once"

# Frozen here: what db/messages.py says later must not change what this migration did.
INDEX = "CREATE INDEX message_canceled ON message (token) WHERE status = 'canceled'"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)

    async def add_index():
        # Made here: a table keeps the first engine it has seen, and a process may migrate two databases.
        class Message(Table, tablename="message", schema=None):
            """For raw statements."""

        await Message.raw(INDEX)

    manager.add_raw(add_index)
    return manager

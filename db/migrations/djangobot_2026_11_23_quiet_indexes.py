from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T10:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "One mute of an account in a chat; held messages by when they are told of"

# Frozen here: what db/quiet.py and db/messages.py say later must not change what this migration did.
INDEXES = (
    "CREATE UNIQUE INDEX mute_of_account ON mute (chat, account)",
    "CREATE INDEX message_held ON message (held_until, chat) WHERE held_until IS NOT NULL",
    "CREATE INDEX message_held_of_chat ON message (chat, held_until) WHERE held_until IS NOT NULL",
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

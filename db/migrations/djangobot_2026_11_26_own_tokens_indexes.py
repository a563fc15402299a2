from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-26T04:41:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "One mute of a chat's own token; one token of a message that asked for it"

# Frozen here: what db/quiet.py and db/tokens.py say later must not change what this migration did.
INDEXES = (
    "CREATE UNIQUE INDEX mute_of_token ON mute (chat, token) WHERE token IS NOT NULL",
    "CREATE UNIQUE INDEX bot_token_origin ON bot_token (chat, origin) WHERE origin IS NOT NULL",
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)

    async def add_indexes():
        # Made here: a table keeps the first engine it has seen, and a process may migrate two databases.
        class Mute(Table, tablename="mute", schema=None):
            """For raw statements."""

        for statement in INDEXES:
            await Mute.raw(statement)

    manager.add_raw(add_indexes)
    return manager

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T10:43:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The index of words"

# Frozen here: what db/search.py says later must not change what this migration did.
STATEMENTS = {
    "sqlite": (
        """CREATE VIRTUAL TABLE message_search USING fts5(chat, text, content='', tokenize='unicode61 remove_diacritics 2')""",
        """CREATE TRIGGER message_not_found AFTER DELETE ON message WHEN EXISTS (SELECT 1 FROM message_search_docsize WHERE id = old.id) BEGIN INSERT INTO message_search (message_search, rowid, chat, text) VALUES ('delete', old.id, 'c' || old.chat, replace(replace(old.text, 'ё', 'е'), 'Ё', 'Е')); END""",
    ),
    "postgres": (
        """CREATE TABLE message_words (message bigint PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE, chat bigint NOT NULL, words tsvector NOT NULL)""",
        """CREATE INDEX message_words_of_chat ON message_words (chat, message)""",
        """CREATE INDEX message_words_found ON message_words USING gin (words)""",
    ),
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description=DESCRIPTION)

    async def add_index():
        # Made here: a table keeps the first engine it has seen, and a process may migrate two databases.
        class Message(Table, tablename="message", schema=None):
            """For raw statements."""

        for statement in STATEMENTS[Message._meta.db.engine_type]:
            await Message.raw(statement)

    manager.add_raw(add_index)
    return manager

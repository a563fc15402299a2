"""Purge: deleted data is removed from the files too, within a minute, and so from later backups.

A deleted row is not gone at once. A full-text index keeps its words in segments until they are merged.
SQLite's log keeps old pages. PostgreSQL keeps dead rows, and samples of living ones in its statistics. Code
that deletes what people wrote calls `note` in the same transaction. `keep_up` does the rest, in any process,
also after a restart.
"""

import asyncio
from typing import Any, cast

import asyncpg
import structlog

from djangobot.db import state
from djangobot.db.clock import utc_now
from djangobot.db.engine import current
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.periodic import repeat

log = structlog.get_logger(__name__)

DELETED = "purge"
"""The name of the state that says when something was deleted that is not purged yet."""
CHECK_EVERY = 5.0
"""Seconds between two checks."""
PAUSE = 0.05
"""Seconds between two merges, so that others can write."""
MERGED_AT_ONCE = 200
"""The pages of the full-text index that are written in one transaction."""
SHRUNK_AT_ONCE = 200
"""The free pages that are given back to the disk in one transaction."""
MERGE = "INSERT INTO message_search (message_search, rank) VALUES ('merge', {pages})"
PURGE_LOCK = 0x446A616E676F4572
"""PostgreSQL advisory lock of the process that purges: "DjangoEr" in ASCII."""
OWN_TABLES = """
SELECT quote_ident(tablename) AS name FROM pg_tables
WHERE schemaname = current_schema() AND tableowner = current_user ORDER BY tablename
"""
# Words that no row contains any more stay in their index until it is rebuilt. The free space of PostgreSQL's
# files keeps data that no query, index or dump shows.
REBUILD = (
    "DROP INDEX CONCURRENTLY IF EXISTS message_words_by_word_ccnew",  # left by a rebuild that was interrupted
    "REINDEX INDEX CONCURRENTLY message_words_by_word",
    "DROP INDEX CONCURRENTLY IF EXISTS message_tag_of_chat_ccnew",
    "REINDEX INDEX CONCURRENTLY message_tag_of_chat",
    "DROP INDEX CONCURRENTLY IF EXISTS message_tag_of_message_ccnew",
    "REINDEX INDEX CONCURRENTLY message_tag_of_message",
)
# ANALYZE leaves the samples of a table that has become empty. A change of a column's type drops them, even to
# the same type.
SAMPLES_OF_NOTHING = """
SELECT format('ALTER TABLE %I ALTER COLUMN %I TYPE %s', c.relname, a.attname,
              format_type(a.atttypid, a.atttypmod)) AS statement
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_stats s ON s.schemaname = current_schema() AND s.tablename = c.relname AND s.attname = a.attname
WHERE c.relnamespace = current_schema()::regnamespace AND pg_get_userbyid(c.relowner) = current_user
AND c.reltuples = 0 AND (t.typcategory = 'S' OR t.typname IN ('tsvector', 'bytea'))
"""
LOCK_WITHIN = "SET lock_timeout = '1s'"
DONE = "DELETE FROM state WHERE name = $1 AND changed = $2"


async def note() -> None:
    """Records that something was deleted that must not stay anywhere. Call it in the transaction that
    deletes."""
    now = utc_now()
    await state.put(DELETED, now, now)


async def keep_up() -> None:
    """Purges what is noted, for ever."""
    await repeat(lambda _: run(), CHECK_EVERY)


async def run() -> bool:
    """Purges what was deleted until now. Returns whether that is done; False also when another process does
    it."""
    rows = await current().fetch("SELECT changed FROM state WHERE name = $1", DELETED)
    if not rows:
        return True
    engine = current()
    if isinstance(engine, SQLiteEngine):
        done = await _in_sqlite(engine)
    else:
        done = await _in_postgresql(cast(PostgresEngine, engine))
    if done:
        # If more was deleted meanwhile, the note has another time and stays.
        await engine.execute(DONE, DELETED, rows[0]["changed"])
        log.info("deleted data purged")
    return done


async def _in_sqlite(engine: SQLiteEngine) -> bool:
    """Merges the full-text index into one segment that has no deleted words. Free pages hold zeros
    (`secure_delete`), most are given back to the disk, and the log starts again."""
    pages = -MERGED_AT_ONCE  # negative: merge everything, not only what is due to be merged
    while await engine.count_changes(MERGE.format(pages=pages)) > 1:
        pages = MERGED_AT_ONCE
        await asyncio.sleep(PAUSE)
    while await engine.shrink(SHRUNK_AT_ONCE):  # noqa: ASYNC110 - each call does a part
        await asyncio.sleep(PAUSE)
    return await engine.restart_log()


async def _in_postgresql(engine: PostgresEngine) -> bool:
    connection = await engine.get_new_connection()
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", PURGE_LOCK):
            return False
        await _vacuum(connection)
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as exc:
        log.warning("purge failed", reason=str(exc))
        return False
    finally:
        connection.terminate()
    return True


async def _vacuum(connection: Any) -> None:
    """Removes dead rows, and the samples of them in the statistics."""
    tables = [row["name"] for row in await connection.fetch(OWN_TABLES)]
    await connection.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
    for statement in REBUILD:
        await connection.execute(statement)
    await connection.execute(LOCK_WITHIN)
    for row in await connection.fetch(SAMPLES_OF_NOTHING):
        await connection.execute(row["statement"])

"""Erasure: what was deleted is gone from the files too, within a minute, and so from later backups.

A deleted row is not gone at once: an index of words keeps its words in parts that are merged some day,
SQLite's log keeps old pages, PostgreSQL keeps dead rows, and samples of living ones in its statistics. Who
deletes what people wrote notes it in the same transaction; `keep_up` does the rest, in whatever process, also
after a restart.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import structlog

from djangobot.db import state
from djangobot.db.engine import PostgresEngine, SQLiteEngine, current
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

DELETED = "erase"
"""The service's state that says when something was deleted that is not erased yet."""
LOOK_EVERY = 5.0
"""Seconds."""
PAUSE = 0.05
"""Seconds between two merges, so that others write."""
MERGED_AT_ONCE = 200
"""Pages of the index of words written in one transaction."""
MERGE = "INSERT INTO message_search (message_search, rank) VALUES ('merge', {pages})"
ERASURE_LOCK = 0x446A616E676F4572
"""PostgreSQL advisory lock of the process that erases: "DjangoEr" in ASCII."""
# Dead rows, and what statistics sampled of them; words that nobody has any more stay in their index until it
# is made anew. In the free room of its files PostgreSQL keeps what no query, index or dump shows.
IN_POSTGRESQL = (
    "DROP INDEX CONCURRENTLY IF EXISTS message_words_found_ccnew",  # of one that did not come to its end
    "VACUUM (ANALYZE) message, message_words, bot_token, token_network, chat, account, code, chore, mute,"
    " search",
    "REINDEX INDEX CONCURRENTLY message_words_found",
)
DONE = "DELETE FROM service_state WHERE name = $1 AND changed = $2"


async def note() -> None:
    """Something was deleted that must not stay anywhere. In the transaction that deletes."""
    now = datetime.now(UTC)
    await state.put(DELETED, now, now)


@contextlib.asynccontextmanager
async def kept_up() -> AsyncIterator[None]:
    """Within, what is noted is erased."""
    task = asyncio.create_task(keep_up())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def keep_up() -> None:
    """Erases what is noted, for ever."""
    while True:
        with contextlib.suppress(DatabaseUnavailable):  # others say so
            await run()
        await asyncio.sleep(LOOK_EVERY)


async def run() -> bool:
    """Erases what was deleted until now. Whether that is done; False also when another process does it."""
    rows = await current().fetch("SELECT changed FROM service_state WHERE name = $1", DELETED)
    if not rows:
        return True
    engine = current()
    done = await (_in_sqlite(engine) if isinstance(engine, SQLiteEngine) else _in_postgresql(engine))
    if done:
        # Unless more was deleted meanwhile: then it is noted with another time.
        await engine.execute(DONE, DELETED, rows[0]["changed"])
        log.info("deleted data erased")
    return done


async def _in_sqlite(engine: SQLiteEngine) -> bool:
    """One part of words is left, in which no deleted ones are; pages that are free hold zeros
    (`secure_delete`), and the log begins anew."""
    pages = -MERGED_AT_ONCE  # negative: whatever there is, not only what is due to be merged
    while await engine.changed_by(MERGE.format(pages=pages)) > 1:
        pages = MERGED_AT_ONCE
        await asyncio.sleep(PAUSE)
    return await engine.start_log_anew()


async def _in_postgresql(engine: PostgresEngine) -> bool:
    connection = await engine.get_new_connection()
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", ERASURE_LOCK):
            return False
        for statement in IN_POSTGRESQL:
            await connection.execute(statement)
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as exc:
        log.warning("not erased yet", reason=str(exc))
        return False
    finally:
        connection.terminate()
    return True

"""Removal: messages that are settled are deleted a few at a time, so that no other write waits long.

A message goes together with its edits. Retention deletes what is old enough this way. What goes with an
account or a person is first deleted this way. The rest of it goes in the one transaction that ends the
account or forgets the person.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from djangobot.db import purge, state
from djangobot.db.engine import current

NOT_PURGED = "erased"
"""The name of the state that says that something was deleted of which the files are to be purged. A purge in
the middle of many deletions would have to be done again."""
STEP = 100
"""The most messages that are deleted in one transaction, beside their edits."""
READ = 1000
"""Rows read at once."""

PAGE_OF_ACCOUNT = """
SELECT id, kind, created, replaces FROM message WHERE account = $1 AND (kind, id) > ($2::varchar, $3::bigint)
ORDER BY kind, id LIMIT $4
"""
PAGE_OF_CHAT = """
SELECT id, created FROM message
WHERE kind = 'message' AND chat = $1 AND created < $2 AND (created, id) > ($3, $4)
ORDER BY created, id LIMIT $5
"""
SETTLED = "{m}.status || '' NOT IN ('scheduled', 'queued', 'sending')"
NOTHING_TO_DO = """
({m}.status || '' IN ('sent', 'failed', 'expired', 'canceled', 'replaced')
 OR ({m}.status || '' = 'held' AND {m}.held_until IS NULL))
AND ({m}.delete_asked IS NULL OR {m}.deleted IS NOT NULL)
"""
"""Of a settled message, that neither an admin nor a digest nor a job has anything to do about it."""
# Whoever is about to edit one of them waits, and then finds it gone.
LOCK = """
SELECT m.id AS id FROM $each1 b JOIN message m ON m.id = b.value
WHERE m.replaces IS NULL AND {settled} FOR NO KEY UPDATE OF m SKIP LOCKED
"""
LOCK_EDITS = """
SELECT e.id AS id FROM $each1 b JOIN message e ON e.replaces = b.value FOR NO KEY UPDATE OF e
"""
REMOVABLE = """
SELECT m.id AS id FROM $each1 b JOIN message m ON m.id = b.value
WHERE NOT EXISTS (SELECT 1 FROM message e WHERE e.replaces = m.id AND (e.created >= $2 OR NOT ({settled})))
  AND NOT EXISTS (SELECT 1 FROM broadcast r WHERE r.id = m.broadcast AND r.status IN ('running', 'paused'))
"""
DELETE_EDITS = "DELETE FROM message WHERE replaces IN (SELECT b.value FROM $each1 b)"
DELETE = "DELETE FROM message WHERE id IN (SELECT b.value FROM $each1 b)"

Page = Sequence[int]


async def of_account(account_id: int, now: datetime) -> int:
    """Deletes the settled messages of an account. Returns how many."""
    return await pages(_page_of_account(account_id, now), now, settled=SETTLED)


async def of_chat(chat_id: int, now: datetime) -> int:
    """Deletes the settled messages of a chat. Returns how many."""
    return await pages(page_of_chat(chat_id, now), now, settled=SETTLED)


async def have_purged(now: datetime) -> None:
    """Has the files purged of all that was deleted. Call it in a transaction."""
    await purge.note()
    if await state.get(NOT_PURGED):
        await state.put(NOT_PURGED, None, now)


async def pages(found: AsyncIterator[Page], limit: datetime, *, settled: str, pause: float = 0.0) -> int:
    """Deletes the messages of these pages that are settled and have no edit since `limit`. Returns how many.
    `pause`: seconds between two transactions."""
    removed = 0
    async for ids in found:
        for start in range(0, len(ids), STEP):
            many = await _remove(ids[start : start + STEP], limit, settled)
            removed += many
            if many:
                await asyncio.sleep(pause)
    return removed


async def page_of_chat(chat_id: int, limit: datetime) -> AsyncIterator[Page]:
    """The messages of a chat that are older, oldest first."""
    created, last = datetime(1970, 1, 1, tzinfo=UTC), 0
    while rows := await current().fetch(PAGE_OF_CHAT, chat_id, limit, created, last, READ):
        yield [row["id"] for row in rows]
        created, last = rows[-1]["created"], rows[-1]["id"]


async def _page_of_account(account_id: int, limit: datetime) -> AsyncIterator[Page]:
    """The same for an account, with the notices about it."""
    kind, last = "", 0
    while rows := await current().fetch(PAGE_OF_ACCOUNT, account_id, kind, last, READ):
        yield [row["id"] for row in rows if row["created"] < limit and row["replaces"] is None]
        kind, last = rows[-1]["kind"], rows[-1]["id"]


async def _remove(ids: Page, limit: datetime, settled: str) -> int:
    engine = current()
    async with engine.write():
        lock = LOCK.format(settled=settled.format(m="m"))
        locked = engine.each(sorted(row["id"] for row in await engine.fetch(lock, engine.each(ids))))
        await engine.fetch(LOCK_EDITS, locked)
        removable = REMOVABLE.format(settled=settled.format(m="e"))
        found = [row["id"] for row in await engine.fetch(removable, locked, limit)]
        if found:
            await engine.execute(DELETE_EDITS, engine.each(found))
            await engine.execute(DELETE, engine.each(found))
            await state.put(NOT_PURGED, True, limit)
    return len(found)

"""Retention: the history is kept for as many days as the settings say, and a person may want fewer.

Older messages are erased a few at a time, so that nobody waits for that. What waits, is uncertain or is still
to be done stays. A message that changes is as old as its last edit, and goes together with its edits.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, time, timedelta

import structlog

from djangobot.db import purge, state
from djangobot.db.engine import current
from djangobot.db.people import chat_settings
from djangobot.db.periodic import repeat

log = structlog.get_logger(__name__)

SWEEP_EVERY = 3600.0
"""Seconds between two sweeps."""
NOT_PURGED = "erased"
"""The name of the state that says that something was erased of which the files are to be purged. That is done
once, at the end of a sweep: a purge in the middle of it would have to be done again."""
STEP = 50
"""The most messages that are erased in one transaction, beside their edits."""
PAUSE = 0.1
"""Seconds between two transactions, for the writes of others."""
READ = 1000
"""Rows read at once."""

# ruff: noqa: S608 - the statements below are put together from constants.
PAGE = "SELECT id, created FROM message WHERE id > $1 ORDER BY id LIMIT $2"
PAGE_OF_CHAT = """
SELECT id, created FROM message
WHERE kind = 'message' AND chat = $1 AND created < $2 AND (created, id) > ($3, $4)
ORDER BY created, id LIMIT $5
"""
PEOPLE = "SELECT id, settings FROM chat WHERE id > $1 AND settings LIKE '%\"keep\":%' ORDER BY id LIMIT $2"
IS_SETTLED = """
({m}.status || '' IN ('sent', 'failed', 'expired', 'canceled', 'replaced')
 OR ({m}.status || '' = 'held' AND {m}.held_until IS NULL))
AND ({m}.delete_asked IS NULL OR {m}.deleted IS NOT NULL)
"""
# Whoever is about to edit one of them waits, and then finds it gone.
LOCK = f"""
SELECT m.id AS id FROM $each1 b JOIN message m ON m.id = b.value
WHERE m.replaces IS NULL AND {IS_SETTLED.format(m="m")} FOR NO KEY UPDATE OF m SKIP LOCKED
"""
LOCK_EDITS = """
SELECT e.id AS id FROM $each1 b JOIN message e ON e.replaces = b.value FOR NO KEY UPDATE OF e
"""
ERASABLE = f"""
SELECT m.id AS id FROM $each1 b JOIN message m ON m.id = b.value
WHERE NOT EXISTS (SELECT 1 FROM message e WHERE e.replaces = m.id
                  AND (e.created >= $2 OR NOT ({IS_SETTLED.format(m="e")})))
  AND NOT EXISTS (SELECT 1 FROM broadcast r WHERE r.id = m.broadcast AND r.status IN ('running', 'paused'))
"""
ERASE_EDITS = "DELETE FROM message WHERE replaces IN (SELECT b.value FROM $each1 b)"
ERASE = "DELETE FROM message WHERE id IN (SELECT b.value FROM $each1 b)"

Page = Sequence[int]


async def keep_up(days: int) -> None:
    """Erases what is older than so many days, for ever; 0 for what people want erased alone."""
    await repeat(lambda now: sweep(now, days), SWEEP_EVERY)


async def sweep(now: datetime, days: int) -> int:
    """Erases what has been kept for long enough by now. Returns how many messages that were."""
    erased = 0
    if days:
        limit = kept_since(now, days)
        erased += await _erase_all(_older(limit), limit)
    async for chat_id, own in _people():
        if not days or own < days:
            limit = kept_since(now, own)
            erased += await _erase_all(_older_of_chat(chat_id, limit), limit)
    await _have_purged(now)
    if erased:
        log.info("old messages erased", count=erased)
    return erased


async def _have_purged(now: datetime) -> None:
    """Has the files purged of what this sweep has erased, and one before it that did not come to its end."""
    if await state.get(NOT_PURGED):
        async with current().write():
            await purge.note()
            await state.put(NOT_PURGED, None, now)


def kept_since(now: datetime, days: int) -> datetime:
    """The time since when messages are kept: a midnight in UTC. So there is something to do once a day."""
    return datetime.combine(now.date() - timedelta(days=days), time(), now.tzinfo)


async def _people() -> AsyncIterator[tuple[int, int]]:
    """The people who have chosen for how many days their history is kept, and these days."""
    last = 0
    while rows := await current().fetch(PEOPLE, last, READ):
        for row in rows:
            if keep := chat_settings.read(row["settings"]).keep:
                yield row["id"], keep
        last = rows[-1]["id"]


async def _older(limit: datetime) -> AsyncIterator[Page]:
    """All that is older, oldest first. Ids grow with time, so no index by time is needed."""
    last = 0
    while rows := await current().fetch(PAGE, last, READ):
        older = [row["id"] for row in rows if row["created"] < limit]
        if not older:
            return
        yield older
        last = rows[-1]["id"]


async def _older_of_chat(chat_id: int, limit: datetime) -> AsyncIterator[Page]:
    """The messages of a chat that are older, oldest first."""
    created, last = datetime(1970, 1, 1, tzinfo=limit.tzinfo), 0
    while rows := await current().fetch(PAGE_OF_CHAT, chat_id, limit, created, last, READ):
        yield [row["id"] for row in rows]
        created, last = rows[-1]["created"], rows[-1]["id"]


async def _erase_all(pages: AsyncIterator[Page], limit: datetime) -> int:
    erased = 0
    async for ids in pages:
        for start in range(0, len(ids), STEP):
            found = await _erase(ids[start : start + STEP], limit)
            erased += found
            if found:
                await asyncio.sleep(PAUSE)
    return erased


async def _erase(ids: Page, limit: datetime) -> int:
    """Erases those of the messages that are settled and have no edit that must stay."""
    engine = current()
    async with engine.write():
        locked = engine.each(sorted(row["id"] for row in await engine.fetch(LOCK, engine.each(ids))))
        await engine.fetch(LOCK_EDITS, locked)
        found = [row["id"] for row in await engine.fetch(ERASABLE, locked, limit)]
        if found:
            await engine.execute(ERASE_EDITS, engine.each(found))
            await engine.execute(ERASE, engine.each(found))
            await state.put(NOT_PURGED, True, limit)
    return len(found)

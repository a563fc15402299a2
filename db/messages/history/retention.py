"""Retention: the history is kept for as many days as the settings say, and a person may want fewer.

Older messages are erased a few at a time, so that nobody waits for that. What waits, is uncertain or is still
to be done stays. A message that changes is as old as its last edit, and goes together with its edits.
"""

from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta

import structlog

from djangobot.db import state
from djangobot.db.delivery import removal
from djangobot.db.engine import current
from djangobot.db.people import chat_settings
from djangobot.db.periodic import repeat

log = structlog.get_logger(__name__)

SWEEP_EVERY = 3600.0
"""Seconds between two sweeps."""
PAUSE = 0.1
"""Seconds between two transactions, for the writes of others."""
PAGE = "SELECT id, created FROM message WHERE id > $1 ORDER BY id LIMIT $2"
PEOPLE = "SELECT id, settings FROM chat WHERE id > $1 AND settings LIKE '%\"keep\":%' ORDER BY id LIMIT $2"


async def keep_up(days: int) -> None:
    """Erases what is older than so many days, for ever; 0 for what people want erased alone."""
    await repeat(lambda now: sweep(now, days), SWEEP_EVERY)


async def sweep(now: datetime, days: int) -> int:
    """Erases what has been kept for long enough by now. Returns how many messages that were."""
    erased = 0
    if days:
        limit = kept_since(now, days)
        erased += await _remove(_older(limit), limit)
    async for chat_id, own in _people():
        if not days or own < days:
            limit = kept_since(now, own)
            erased += await _remove(removal.page_of_chat(chat_id, limit), limit)
    await _have_purged(now)
    if erased:
        log.info("old messages erased", count=erased)
    return erased


async def _remove(pages: AsyncIterator[removal.Page], limit: datetime) -> int:
    return await removal.pages(pages, limit, settled=removal.NOTHING_TO_DO, pause=PAUSE)


async def _have_purged(now: datetime) -> None:
    """Has the files purged of what this sweep has erased, and of what was deleted before it by something that
    did not come to its end."""
    if await state.get(removal.NOT_PURGED):
        async with current().write():
            await removal.have_purged(now)


def kept_since(now: datetime, days: int) -> datetime:
    """The time since when messages are kept: a midnight in UTC. So there is something to do once a day."""
    return datetime.combine(now.date() - timedelta(days=days), time(), now.tzinfo)


async def _people() -> AsyncIterator[tuple[int, int]]:
    """The people who have chosen for how many days their history is kept, and these days."""
    last = 0
    while rows := await current().fetch(PEOPLE, last, removal.READ):
        for row in rows:
            if keep := chat_settings.read(row["settings"]).keep:
                yield row["id"], keep
        last = rows[-1]["id"]


async def _older(limit: datetime) -> AsyncIterator[removal.Page]:
    """All that is older, oldest first. Ids grow with time, so no index by time is needed."""
    last = 0
    while rows := await current().fetch(PAGE, last, removal.READ):
        older = [row["id"] for row in rows if row["created"] < limit]
        if not older:
            return
        yield older
        last = rows[-1]["id"]

"""Scheduled messages: they wait for their time with the status `scheduled`. Then they are queued like any
other message.

The queue does not see them before. At its time a message takes its place behind everything that its chat
waits for. So an early `id` does not let it overtake. Messages that fell due while nobody delivered are sent
in the order of their times.
"""

from datetime import datetime

import structlog

from djangobot.db.delivery.pubsub import pubsub, wakeups
from djangobot.db.delivery.pubsub.pubsub import Topic
from djangobot.db.engine import current
from djangobot.db.engine.events import LoopFreeEvent

log = structlog.get_logger(__name__)

QUEUE_MOST = 500
"""The most messages that are queued in one transaction."""

# ruff: noqa: S608 - the statements are put together from constants of this file.
BY_TIME = "CASE WHEN send_at IS NOT NULL THEN status END = 'scheduled'"
# No index has this condition. The row is looked up, and its status is compared.
IS_SCHEDULED = "status || '' = 'scheduled'"
DUE = f"SELECT id FROM message WHERE {BY_TIME} AND send_at <= $1 ORDER BY send_at LIMIT $2"
NEXT = f"SELECT send_at FROM message WHERE {BY_TIME} ORDER BY send_at LIMIT 1"
QUEUED = """
status = 'queued', next_attempt = {now}, place = (SELECT MAX(n.id) FROM message n) * 2 + 1
"""
QUEUE = f"""
UPDATE message SET {QUEUED.format(now="$1")}
WHERE id IN (SELECT b.value FROM $each2 b) AND {IS_SCHEDULED}
RETURNING chat, urgent
"""
RESTORED = "CASE WHEN send_at > {now} AND place IS NULL THEN 'scheduled' ELSE 'queued' END"
"""The status of a canceled message that is to be sent after all."""

SCHEDULED: Topic[bool] = Topic("djangobot_scheduled", bool)
"""A message was scheduled. It may be the next to fall due."""
_changed = LoopFreeEvent()


async def queue_due(now: datetime) -> datetime | None:
    """Queues the messages whose time has come, those with the earliest time first. Returns when the next one
    falls due. Only the leader calls this."""
    while (following := await _next()) is not None and following <= now:
        ids = [row["id"] for row in await current().fetch(DUE, now, QUEUE_MOST)]
        rows = await current().execute(QUEUE, now, current().each(ids))
        log.debug("scheduled messages queued", count=len(rows))
        for row in rows:
            wakeups.notify_new(row["chat"], urgent=row["urgent"])
    return following


async def _next() -> datetime | None:
    rows = await current().fetch(NEXT)
    return rows[0]["send_at"] if rows else None


def notify() -> None:
    """Tells the leader, in whatever process it is, that a message was scheduled."""
    SCHEDULED.publish(True)


async def wait(seconds: float) -> None:
    """Waits until a message is scheduled, `seconds` at most."""
    await _changed.wait_at_most(seconds)
    _changed.clear()


async def _missed(_: datetime) -> None:
    _changed.set()


SCHEDULED.subscribe(lambda _: _changed.set())
pubsub.when_listening(_missed)

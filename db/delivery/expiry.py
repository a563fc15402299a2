"""Expiry: a message is not sent after the time that its sender allowed for it (`ttl`)."""

from datetime import datetime

import structlog

from djangobot.db import metrics
from djangobot.db.delivery.heads import IS_QUEUED
from djangobot.db.delivery.outcomes import EXPIRED_IN_DOUBT
from djangobot.db.delivery.pubsub import waiters, wakeups
from djangobot.db.engine import current

log = structlog.get_logger(__name__)

EXPIRE_MOST = 1000
"""The most messages that expire in one transaction."""

# ruff: noqa: S608 - the statements below are put together from constants.
PERISHABLE = "CASE WHEN expires IS NOT NULL THEN status END = 'queued'"
# A lost answer may mean that the message is in the chat. Then nobody can say that it expired unsent.
EXPIRE = f"""
UPDATE message SET status = CASE WHEN first_attempt IS NULL THEN 'expired' ELSE 'uncertain' END,
                   failure = CASE WHEN first_attempt IS NULL THEN NULL ELSE $2 END, parts = NULL
WHERE id IN (SELECT b.value FROM $each3 b) AND {IS_QUEUED} AND expires <= $1
RETURNING public_id, chat, status, failure
"""
EXPIRING = f"""
SELECT id FROM message WHERE {PERISHABLE} AND expires <= $1
ORDER BY expires LIMIT $2
"""


async def expire(now: datetime) -> int:
    """Ends waiting messages whose time is over, whatever they wait for: a blocked chat, Telegram, or earlier
    messages. Returns their number. The next call continues where this one stopped."""
    rows = await current().fetch(EXPIRING, now, EXPIRE_MOST)
    if not rows:
        return 0
    ids = current().each([row["id"] for row in rows])
    ended = await current().execute(EXPIRE, now, EXPIRED_IN_DOUBT, ids)
    for row in ended:
        waiters.notify_settled(str(row["public_id"]), row["status"], row["failure"])
        wakeups.notify_due(row["chat"])
        metrics.count_end(row["status"])
        log.warning("message " + row["status"], id=str(row["public_id"]), chat=row["chat"])
    return len(ended)

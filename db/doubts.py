"""Doubts: messages that ended `uncertain` or `failed`, and what an admin decides about them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
import structlog

from djangobot.db import bells, credentials
from djangobot.db.engine import current

log = structlog.get_logger(__name__)

BULK = 200
"""Messages decided about at the same moment."""

DOUBTFUL = """
SELECT m.id AS id, m.public_id AS public_id, m.chat AS chat_id, COALESCE(a.name, '') AS sender,
       m.created AS created, m.status AS status, m.failure AS failure, m.attempts AS attempts
FROM message m LEFT JOIN account a ON a.id = m.account
WHERE m.status = $1::varchar AND m.kind = 'message' AND m.id > $2 ORDER BY m.id LIMIT $3
"""
# As if it had just been accepted; but not for a sender the person has shown the door. A new random_id: under
# the old one Telegram might take it for the message it has, or not.
ANEW = """
UPDATE message SET status = 'queued', random_id = $3, attempts = 0, first_attempt = NULL, next_attempt = $4,
                   failure = NULL, expires = NULL
WHERE id = $1 AND status = $2::varchar
  AND NOT EXISTS (SELECT 1 FROM bot_token t WHERE t.id = message.token AND t.revoked IS NOT NULL)
RETURNING public_id, chat
"""
DROP = """
UPDATE message SET status = 'canceled', failure = 'dropped' WHERE id = $1 AND status = 'uncertain'
RETURNING public_id
"""


class Doubtful(msgspec.Struct, frozen=True):
    """A message that ended `uncertain` or `failed`: what an admin sees of it before deciding."""

    id: int
    public_id: str
    chat_id: int
    sender: str
    created: datetime
    status: str
    failure: str | None
    attempts: int


async def uncertain(limit: int, *, after: int = 0) -> list[Doubtful]:
    """What nobody knows to have arrived or not, oldest first; `after` the id of the page's last."""
    return await _doubtful("uncertain", limit, after)


async def failed(limit: int, *, after: int = 0) -> list[Doubtful]:
    """What Telegram refused, oldest first."""
    return await _doubtful("failed", limit, after)


async def resend(message_id: int, now: datetime) -> bool:
    """Sends an uncertain message anew, under a new random_id. If it had arrived after all, the person has it
    twice: whoever asks for this must know. False: it is not uncertain, or its token was revoked."""
    return await _anew(message_id, "uncertain", now)


async def retry(message_id: int, now: datetime) -> bool:
    """Sends a failed message anew; it is not in the chat, unless it had several parts. False as in
    `resend`."""
    return await _anew(message_id, "failed", now)


async def drop(message_id: int, now: datetime) -> bool:
    """Gives an uncertain message up: it ends as canceled. False: it is not uncertain."""
    rows = await current().execute(DROP, message_id)
    for row in rows:
        log.info("message dropped", id=str(row["public_id"]), at=now.isoformat())
    return bool(rows)


async def resend_all(now: datetime) -> int:
    """Every uncertain message, as `resend` does. How many these are."""
    return await _each("uncertain", lambda found: resend(found.id, now))


async def retry_all(now: datetime, reason: str | None = None) -> int:
    """Every failed message, or those that failed for this reason. How many these are."""
    return await _each("failed", lambda found: retry(found.id, now), reason)


async def drop_all(now: datetime) -> int:
    """Every uncertain message, as `drop` does. How many these are."""
    return await _each("uncertain", lambda found: drop(found.id, now))


async def _doubtful(status: str, limit: int, after: int) -> list[Doubtful]:
    rows = await current().fetch(DOUBTFUL, status, after, limit)
    return [Doubtful(**{**row, "public_id": str(row["public_id"])}) for row in rows]


async def _each(status: str, act: Callable[[Doubtful], Awaitable[bool]], reason: str | None = None) -> int:
    done, after = 0, 0
    while found := await _doubtful(status, BULK, after):
        chosen = [one for one in found if reason is None or one.failure == reason]
        done += sum(await asyncio.gather(*map(act, chosen)))
        after = found[-1].id
    return done


async def _anew(message_id: int, status: str, now: datetime) -> bool:
    rows = await current().execute(ANEW, message_id, status, credentials.new_random_id(), now)
    for row in rows:
        log.info("message sent anew", id=str(row["public_id"]), chat=row["chat"], was=status)
        bells.ring(row["chat"])
    return bool(rows)

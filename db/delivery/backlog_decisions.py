"""What an admin decides about messages that are `uncertain`, `failed` or waiting."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import structlog

from djangobot.db import audit, credentials
from djangobot.db.delivery import wakeups
from djangobot.db.engine import Row, current

log = structlog.get_logger(__name__)

BULK = 200
"""The number of messages that are changed at the same time."""

UNDECIDED = """
SELECT id, failure FROM message
WHERE status = $1::varchar AND kind = 'message' AND id > $2 ORDER BY id LIMIT $3
"""
# The message is queued as if it had just been accepted, unless its sender was revoked. It gets a new
# random_id. Under the old one Telegram might take it for the message it already has, or might not.
ANEW = """
UPDATE message SET status = 'queued', random_id = $3, attempts = 0, first_attempt = NULL, next_attempt = $4,
                   failure = NULL, expires = NULL, parts = NULL
WHERE id = $1 AND status = $2::varchar
  AND NOT EXISTS (SELECT 1 FROM bot_token t WHERE t.id = message.token AND t.revoked IS NOT NULL)
RETURNING public_id, chat, status
"""
RETRY_NOW = """
UPDATE message SET next_attempt = $2 WHERE id = $1 AND status = 'queued' AND next_attempt > $2
RETURNING public_id, chat, status
"""
DROP = """
UPDATE message SET status = 'canceled', failure = 'dropped'
WHERE id = $1 AND status IN ('uncertain', 'queued') RETURNING public_id, chat, status
"""
STATUS = "SELECT status FROM message WHERE id = $1"
Verb = Literal["hasten", "retry", "resend", "drop"]


async def apply(verb: Verb, message_id: int, by: int, now: datetime) -> bool:
    """Applies an admin's decision to one message, and records it in the audit.

    `hasten`: a postponed message becomes due now; a flood wait still holds it. `retry`: a failed message is
    sent again; it is not in the chat, unless it had several parts. `resend`: an uncertain message is sent
    again under a new random_id; if it had arrived after all, the person gets it twice, so the admin must know
    this. `drop`: an uncertain or waiting message ends as canceled. Returns False when the message is no
    longer in a state that allows this, or its token was revoked.
    """
    engine = current()
    async with engine.write():
        before = await engine.fetch(STATUS, message_id)
        rows = await _do(verb, message_id, now)
        for row in rows:
            target = f"message {row['public_id']}"
            await audit.record(by, verb, target, before[0]["status"], row["status"], now)
    _notify(verb, rows)
    return bool(rows)


async def resend_all(now: datetime) -> int:
    """Resends every uncertain message, as `apply` does. Returns their number."""
    return await _each("resend", "uncertain", now)


async def retry_all(now: datetime, reason: str | None = None) -> int:
    """Retries every failed message, or those that failed for this reason. Returns their number."""
    return await _each("retry", "failed", now, reason)


async def drop_all(now: datetime) -> int:
    """Drops every uncertain message. Returns their number."""
    return await _each("drop", "uncertain", now)


async def _each(verb: Verb, status: str, now: datetime, reason: str | None = None) -> int:
    done, after = 0, 0
    while found := await current().fetch(UNDECIDED, status, after, BULK):
        chosen = [row["id"] for row in found if reason is None or row["failure"] == reason]
        for rows in await asyncio.gather(*(_do(verb, message_id, now) for message_id in chosen)):
            _notify(verb, rows)
            done += len(rows)
        after = found[-1]["id"]
    return done


async def _do(verb: Verb, message_id: int, now: datetime) -> list[Row]:
    match verb:
        case "hasten":
            return await current().execute(RETRY_NOW, message_id, now)
        case "drop":
            return await current().execute(DROP, message_id)
        case "retry" | "resend":
            status = "failed" if verb == "retry" else "uncertain"
            return await current().execute(ANEW, message_id, status, credentials.new_random_id(), now)


def _notify(verb: Verb, rows: Sequence[Row]) -> None:
    """Logs the decision and sends wakeups. Call it after the commit."""
    for row in rows:
        public_id = str(row["public_id"])
        log.info("an admin decided about a message", id=public_id, chat=row["chat"], verb=verb)
        if row["status"] == "canceled":
            wakeups.notify_settled(public_id, "canceled", "dropped")
        wakeups.notify_due(row["chat"])

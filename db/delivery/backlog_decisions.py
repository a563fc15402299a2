"""Doubts: messages that ended `uncertain` or `failed`, or wait, and what an admin decides about them."""

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
"""Messages decided about at the same moment."""

UNDECIDED = """
SELECT id, failure FROM message
WHERE status = $1::varchar AND kind = 'message' AND id > $2 ORDER BY id LIMIT $3
"""
# As if it had just been accepted; but not for a sender the person has shown the door. A new random_id: under
# the old one Telegram might take it for the message it has, or not.
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
    """What an admin decides about one message, with its line in the audit.

    `hasten`: what was postponed is due now (a FLOOD_WAIT holds all the same). `retry`: what failed is sent
    anew; it is not in the chat, unless it had several parts. `resend`: what is uncertain is sent anew, under
    a new random_id; if it had arrived after all, the person has it twice: whoever asks for this must know.
    `drop`: what is uncertain or waits ends as canceled. False: it is in no state for that by now, or its
    token was revoked.
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
    """Every uncertain message, as `decide` does. How many these are."""
    return await _each("resend", "uncertain", now)


async def retry_all(now: datetime, reason: str | None = None) -> int:
    """Every failed message, or those that failed for this reason. How many these are."""
    return await _each("retry", "failed", now, reason)


async def drop_all(now: datetime) -> int:
    """Every uncertain message. How many these are."""
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
    """Once it is on disk."""
    for row in rows:
        public_id = str(row["public_id"])
        log.info("an admin decided about a message", id=public_id, chat=row["chat"], verb=verb)
        if row["status"] == "canceled":
            wakeups.notify_settled(public_id, "canceled", "dropped")
        wakeups.notify_due(row["chat"])

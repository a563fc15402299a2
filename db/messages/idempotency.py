"""Idempotency: a message with the sender's own key is accepted once, however often it is repeated."""

from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count

import structlog

from djangobot.db.delivery.outcomes import SETTLED
from djangobot.db.delivery.pubsub import waiters
from djangobot.db.engine import Row, current
from djangobot.db.errors import DatabaseUnavailable, KeyReused
from djangobot.db.messages import content as contents
from djangobot.db.messages.files import files
from djangobot.db.messages.new_message import Accepted, NewMessage

log = structlog.get_logger(__name__)

KEY_KEPT = timedelta(hours=24)
"""How long an idempotency key stands for its message, and longer while that message waits."""
SWEEP_EVERY, SWEEP_MOST = 100, 200
"""One of every hundred messages with a key deletes up to two hundred expired keys. So they never pile up."""

OF_KEY = """
SELECT m.id AS seq, m.public_id AS id, m.text AS text, m.rich AS rich, m.type AS type, m.status AS status,
       m.failure AS failure, m.created AS created, m.urgent AS urgent, m.expires AS expires,
       m.send_at AS send_at, t.refuses_urgent AS refuses_urgent, m.request AS request
FROM bot_token t JOIN message m ON m.token = t.id AND m.idempotency_key = $2
     AND (m.created > $4 OR m.status IN ('scheduled', 'queued', 'sending'))
LEFT JOIN account a ON a.id = t.account
WHERE t.digest = $1 AND a.banned IS NULL AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $3)
"""
RELEASE = """
UPDATE message SET idempotency_key = NULL
WHERE token = (SELECT id FROM bot_token WHERE digest = $1) AND idempotency_key = $2 AND created <= $3
  AND status NOT IN ('scheduled', 'queued', 'sending')
"""
SWEEP = """
UPDATE message SET idempotency_key = NULL WHERE id IN (
    SELECT id FROM message
    WHERE CASE WHEN idempotency_key IS NOT NULL THEN status END NOT IN ('scheduled', 'queued', 'sending')
      AND created <= $1 ORDER BY created LIMIT $2)
"""


async def repeated(digest: str, message: NewMessage, now: datetime) -> Accepted | None:
    """The message that this key stands for, as it is now or after the wait. None for a message without a key,
    and for a new key. Raises KeyReused."""
    before = await _of_key(digest, message.key, now)
    if before is None:
        return None
    if not await _is_the_same(message, before):
        raise KeyReused(str(before["id"]), before["status"])
    log.debug("message asked for again", id=str(before["id"]), status=before["status"])
    if message.wait <= 0 or before["status"] == "scheduled":
        return _as_it_is(before)
    public_id = str(before["id"])
    settled = waiters.add_waiter(public_id)
    try:  # it may have been settled before the waiter was added
        latest = await _of_key(digest, message.key, now)
        if latest is None or latest["status"] in SETTLED:
            return _as_it_is(latest or before)
        status, failure = await waiters.wait_settled(public_id, settled, message.wait)
    finally:
        waiters.remove_waiter(public_id, settled)
    return Accepted(public_id, status, failure, repeated=True)


async def release(digest: str, key: str, now: datetime) -> None:
    """Takes an expired key from its message, so that it may stand for another one."""
    await current().execute(RELEASE, digest, key, now - KEY_KEPT)


_with_key = count()


async def sweep(now: datetime) -> None:
    """Deletes expired keys, at one of SWEEP_EVERY calls."""
    if next(_with_key) % SWEEP_EVERY:
        return
    with suppress(DatabaseUnavailable):  # a failed sweep refuses nobody
        await current().execute(SWEEP, now - KEY_KEPT, SWEEP_MOST)


async def _of_key(digest: str, key: str | None, now: datetime) -> Row | None:
    if key is None:
        return None
    rows = await current().fetch(OF_KEY, digest, key, now, now - KEY_KEPT)
    return rows[0] if rows else None


async def _is_the_same(message: NewMessage, row: Row) -> bool:
    """Whether that row was made from the same request. Files are the same when their names, types and bytes
    are; a repeat stores them anew."""
    if message.request != row["request"]:
        return False
    urgent = message.urgent and not row["refuses_urgent"]
    rich, before = message.rich, row["rich"]
    if message.files:
        rich, before = contents.without_file_ids(rich), contents.without_file_ids(before)
    asked = (message.text, rich, message.type, urgent, message.expires(row["created"]))
    if message.request is None and asked != (
        row["text"],
        before,
        row["type"],
        bool(row["urgent"]),
        row["expires"],
    ):
        return False
    if message.sends(row["created"]) != row["send_at"]:
        return False
    digests = [file.digest for file in message.files]
    return not digests or digests == [file.digest for file in await files.of_message(row["seq"])]


def _as_it_is(row: Row) -> Accepted:
    return Accepted(str(row["id"]), row["status"], row["failure"], repeated=True)

"""Settlement: what became of claimed messages is recorded, and everybody who waits for it is told."""

import contextlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from djangobot.db import metrics
from djangobot.db.delivery import outcomes, scheduled
from djangobot.db.delivery.claims import BACK, CLAIMED
from djangobot.db.delivery.heads import COMING_EDITS, IS_SENDING
from djangobot.db.delivery.outcomes import (
    Expired,
    Failed,
    Held,
    Postponed,
    Sent,
    SentAnew,
    Settled,
    Uncertain,
    status_of,
)
from djangobot.db.delivery.pubsub import changes, waiters, wakeups
from djangobot.db.engine import current
from djangobot.db.errors import DatabaseUnavailable

FAILURE_LENGTH = 200

# ruff: noqa: S608 - the statements below are put together from constants.
# CLAIMED is the condition of those for one row: it is still in flight, under this random_id.
# All rows are updated at once. Row by row, the writing thread would wait for Python's lock once a row. The
# text of a notice is erased: it may quote something that is deleted later, and once it is in the chat, nobody
# reads it here.
SENT = f"""
UPDATE message SET status = 'sent', telegram_id = r.telegram_id, sent = $1, failure = NULL,
                   parts = NULL,
                   text = CASE WHEN kind IN ('message', 'edit') THEN text ELSE '' END
FROM $rows2 r(id, random_id, telegram_id)
WHERE message.id = r.id AND message.random_id = r.random_id AND message.{IS_SENDING}
"""
KEEP_IDS = "UPDATE message SET telegram_ids = $3 WHERE id = $1 AND random_id = $2 AND status = 'sent'"
# The edited message shows now what the edit says. This runs before SENT, which would end the edit.
# Not materialized, SQLite would read the whole table first.
EDITED = f"""
WITH edit (root, text, rich) AS MATERIALIZED (
    SELECT e.replaces, e.text, COALESCE(r.rich, e.rich)
    FROM $rows1 r(id, random_id, rich::text) JOIN $lookup(message e: e.id = r.id)
    WHERE e.random_id = r.random_id AND e.{IS_SENDING}
)
UPDATE message SET edits = message.edits + 1, text = edit.text, rich = edit.rich
FROM edit WHERE message.id = edit.root
"""
# The edit takes the replace key and the edits that wait from the message that it can't edit.
ITS_MESSAGE = f"(SELECT e.replaces FROM message e WHERE e.id = $1 AND e.random_id = $2 AND e.{IS_SENDING})"
GIVE_UP_KEY = f"UPDATE message SET replace_key = NULL WHERE id = {ITS_MESSAGE}"
# A newer message has taken the replace key while the edit was under way.
END_OVERTAKEN = f"""
UPDATE message SET status = 'replaced', failure = NULL, parts = NULL {CLAIMED}
  AND EXISTS (
    SELECT 1 FROM message n WHERE n.token = message.token AND n.replace_key = message.replace_key
    AND CASE WHEN n.replace_key IS NOT NULL THEN n.kind END = 'message' AND n.id <> message.id)
"""
# Its sender wants the message that it would have changed deleted.
END_UNWANTED = f"""
UPDATE message SET status = 'canceled', failure = '{outcomes.CANCELED_BY_SENDER}', parts = NULL {CLAIMED}
  AND EXISTS (SELECT 1 FROM message r WHERE r.id = message.replaces AND r.delete_asked IS NOT NULL)
"""
GIVE_UP_EDITS = f"""
UPDATE message SET replaces = $1 WHERE {COMING_EDITS} {ITS_MESSAGE}
"""
DROP_TAGS = f"DELETE FROM message_tag WHERE message = {ITS_MESSAGE}"
ADD_TAGS = f"""
INSERT INTO message_tag (chat, tag, message)
SELECT e.chat, r.tag, {{message}} FROM $rows3 r(tag::varchar)
JOIN message e ON e.id = $1 AND e.random_id = $2 AND e.{IS_SENDING}
"""
ADD_OWN_TAGS = ADD_TAGS.format(message="e.id")
ADD_TAGS_TO_EDITED = ADD_TAGS.format(message="e.replaces")
SEND_ANEW = f"""
UPDATE message SET {BACK.format(failure="$4")}, next_attempt = $3, kind = 'message', is_edit = false,
                   supersedes = CASE WHEN $5::boolean THEN replaces END, replaces = NULL, attempts = 0,
                   first_attempt = NULL, parts = NULL {CLAIMED}
"""
# A message that could not be edited becomes an earlier form of the message that supersedes it.
SUPERSEDING = (
    "EXISTS (SELECT 1 FROM message n WHERE n.id = $2 AND n.supersedes = $1 AND n.status || '' = 'sent')"
)
MOVE_EDITS = f"UPDATE message SET replaces = $2 WHERE replaces = $1 AND {SUPERSEDING}"
DELETE_SUPERSEDED = f"""
INSERT INTO scheduled_job (chat, kind, message, argument, due)
SELECT m.chat, '{scheduled.DELETION}', m.id, CAST(m.id AS text), $3::timestamptz FROM message m
WHERE m.id = $1 AND {SUPERSEDING} ON CONFLICT (chat, kind, message) DO NOTHING
"""
SUPERSEDE = f"""
UPDATE message SET kind = 'edit', is_edit = true, replaces = $2, delete_asked = $3
WHERE id = $1 AND {SUPERSEDING}
"""
SUPERSEDED = """
UPDATE message SET supersedes = NULL, edits = edits + 1 + (SELECT o.edits FROM message o WHERE o.id = $1)
WHERE id = $2 AND supersedes = $1 AND status || '' = 'sent'
"""
END = f"""
UPDATE message SET status = $3, failure = $4, parts = NULL {CLAIMED}
"""
# Sending never started.
HOLD = f"""
UPDATE message SET status = 'held', held_until = $3, attempts = 0, first_attempt = NULL, failure = NULL,
                   parts = NULL {CLAIMED}
"""
# BACK sets the status: queued again, or canceled with its account, or as its broadcast.
POSTPONE = f"""
UPDATE message SET {BACK.format(failure="$4")}, next_attempt = $3 {CLAIMED}
"""
POSTPONE_NOT_DONE = f"""
UPDATE message SET {BACK.format(failure="$4")}, next_attempt = $3, first_attempt = $5 {CLAIMED}
"""
PUT_BACK = f"""
UPDATE message SET {BACK.format(failure="$4")}, next_attempt = $3, first_attempt = $5, parts = $6 {CLAIMED}
"""
ENDED = """
SELECT m.public_id AS public_id, m.status AS status, m.failure AS failure
FROM $each1 b JOIN message m ON m.id = b.value WHERE m.status IN ('canceled', 'replaced')
"""

WATCHED = """
SELECT r.public_id AS public_id FROM $each1 b JOIN message e ON e.id = b.value
JOIN message r ON r.id = e.replaces
"""


async def settle(results: Sequence[Settled], now: datetime) -> None:
    """Records outcomes in one transaction. Rows that were deleted or canceled meanwhile are left alone.

    Wakes the worker for the chats, because their next messages can be claimed now.
    """
    await current().execute_all(list(_statements(results, now).items()))
    if changes.anybody_waits():
        for result in results:
            _notify(result)
    await _notify_edited([result.message.id for result in results if result.message.is_edit])
    await _notify_ended([result for result in results if isinstance(result, Postponed | SentAnew)])
    if any(isinstance(result, Sent) and result.message.supersedes is not None for result in results):
        scheduled.notify()
    for result in results:
        wakeups.notify_due(result.message.chat_id, urgent=result.message.has_urgent)
    _count([result for result in results if result.message.kind == "message"], now)


def _statements(results: Sequence[Settled], now: datetime) -> dict[str, list[Sequence[object]]]:
    """The statements that record the outcomes, in their order, each with its rows."""
    statements: dict[str, list[Sequence[object]]] = {}
    sent = [result for result in results if isinstance(result, Sent)]
    _add_edits(statements, [result for result in sent if result.message.is_edit])
    if sent:
        rows = [(result.message.id, result.message.random_id, result.telegram_id) for result in sent]
        statements[SENT] = [(now, msgspec.json.encode(rows).decode())]
    for one in sent:
        if one.telegram_ids:
            ids = msgspec.json.encode(one.telegram_ids).decode()
            statements.setdefault(KEEP_IDS, []).append((one.message.id, one.message.random_id, ids))
        if one.message.supersedes is not None:
            both = (one.message.supersedes, one.message.id)
            statements.setdefault(MOVE_EDITS, []).append(both)
            statements.setdefault(DELETE_SUPERSEDED, []).append((*both, now))
            statements.setdefault(SUPERSEDE, []).append((*both, now))
            statements.setdefault(SUPERSEDED, []).append(both)
    for result in results:
        if isinstance(result, SentAnew):
            _add_anew(statements, result)
        elif not isinstance(result, Sent):
            sql, args = _statement(result)
            statements.setdefault(sql, []).append(args)
    return statements


def _add_edits(statements: dict[str, list[Sequence[object]]], edits: Sequence[Sent]) -> None:
    rows = [(result.message.id, result.message.random_id, result.rich) for result in edits]
    if rows:
        statements[EDITED] = [(msgspec.json.encode(rows).decode(),)]
    for result in edits:
        row = (result.message.id, result.message.random_id)
        if result.tags is not None:
            statements.setdefault(DROP_TAGS, []).append(row)
            statements.setdefault(ADD_TAGS_TO_EDITED, []).append((*row, _as_rows(result.tags)))


def _add_anew(statements: dict[str, list[Sequence[object]]], result: SentAnew) -> None:
    row = (result.message.id, result.message.random_id)
    for sql in (GIVE_UP_KEY, END_OVERTAKEN, END_UNWANTED, GIVE_UP_EDITS):
        statements.setdefault(sql, []).append(row)
    if result.tags:
        statements.setdefault(ADD_OWN_TAGS, []).append((*row, _as_rows(result.tags)))
    reason = result.reason[:FAILURE_LENGTH]
    statements.setdefault(SEND_ANEW, []).append((*row, result.until, reason, result.supersedes))


def _as_rows(tags: Sequence[str]) -> str:
    return msgspec.json.encode([[tag] for tag in tags]).decode()


def _statement(result: Held | Failed | Uncertain | Expired | Postponed) -> tuple[str, Sequence[object]]:
    row = (result.message.id, result.message.random_id)
    reason = None if result.reason is None else result.reason[:FAILURE_LENGTH]
    if isinstance(result, Postponed):
        if result.untried:
            parts = None if result.message.fixed else result.message.parts
            return PUT_BACK, (*row, result.until, reason, result.message.first_attempt, parts)
        if result.not_done:
            return POSTPONE_NOT_DONE, (*row, result.until, reason, result.message.first_attempt)
        return POSTPONE, (*row, result.until, reason)
    if isinstance(result, Held):
        return HOLD, (*row, result.until)
    return END, (*row, status_of(result), reason)


def _count(results: Sequence[Settled], now: datetime) -> None:
    """Counts outcomes for /metrics. Postponed messages are counted where they are postponed, because the
    reason is known there."""
    metrics.sent.inc(sum(isinstance(result, Sent) for result in results))
    for result in results:
        if isinstance(result, Sent):
            metrics.send_seconds.observe(max(0.0, (now - result.message.meant_for).total_seconds()))
        elif isinstance(result, Failed):
            metrics.count_failed(result.reason)
        elif not isinstance(result, Postponed | SentAnew):
            metrics.count_end(status_of(result))


async def _notify_ended(postponed: Sequence[Postponed | SentAnew]) -> None:
    """Notifies waiters of messages that were to be put back and have ended: their sender was banned
    meanwhile, or a newer message has replaced them."""
    if not postponed or not changes.anybody_waits():
        return
    ids = current().each([result.message.id for result in postponed])
    with contextlib.suppress(DatabaseUnavailable):
        for row in await current().fetch(ENDED, ids):
            waiters.notify_settled(str(row["public_id"]), row["status"], row["failure"])


async def _notify_edited(edits: Sequence[int]) -> None:
    """Tells those who watch a message that an edit has changed it."""
    if not edits or not changes.anybody_waits():
        return
    with contextlib.suppress(DatabaseUnavailable):
        for row in await current().fetch(WATCHED, current().each(edits)):
            changes.notify(str(row["public_id"]))


def _notify(result: Settled) -> None:
    if not isinstance(result, Postponed | SentAnew):
        reason = None if isinstance(result, Sent) else result.reason
        waiters.notify_settled(result.message.public_id, status_of(result), reason)

"""Claims: the worker takes messages from the outbox and marks them `sending`."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import msgspec

from djangobot.db.delivery import urgent
from djangobot.db.delivery.heads import FROM_HEADS, HEADS, HEADS_OF, IS_SENDING, SENDING, WAITING
from djangobot.db.delivery.outcomes import ACCOUNT_BANNED, Claimed
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.delivery.urgent import HAS_URGENT, RANKED
from djangobot.db.engine import Ask, current
from djangobot.db.engine.errors import is_unique_violation
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DatabaseUnavailable

CHANGING = 0.05
"""Seconds after which a message that another transaction had locked is tried again."""
_ids = msgspec.json.Decoder(frozenset[int])
Fix = Callable[[Claimed], str | None]
"""Fixes the parts of a message that are sent. None: they are fixed later, before the message is sent."""

# ruff: noqa: S608 - the statements below are put together from constants.
DUE = f"""
SELECT m.id AS id, CAST(m.public_id AS text) AS public_id, m.kind AS kind, m.chat AS chat_id,
       c.access_hash AS access_hash, c.language AS language, m.type AS type,
       CASE WHEN m.broadcast IS NULL THEN m.text
            ELSE (SELECT b.text FROM broadcast b WHERE b.id = m.broadcast) END AS text,
       CASE WHEN m.broadcast IS NULL THEN 0 ELSE 1 END AS broadcast, m.random_id AS random_id,
       m.attempts + 1 AS attempts, m.first_attempt AS first_attempt, m.created AS created,
       COALESCE(a.name, t.name, '') AS sender, m.token AS token_id, COALESCE(t.name, '') AS token_name,
       COALESCE(t.prefix, '') AS token_prefix, m.urgent AS urgent, m.expires AS expires,
       m.account AS account_id, m.parts AS parts, m.rich AS rich, m.send_at AS send_at,
       c.settings AS settings,
       CASE WHEN m.replaces IS NOT NULL
            THEN (SELECT r.telegram_id FROM message r WHERE r.id = m.replaces) END AS edited_id,
       CASE WHEN m.replaces IS NOT NULL
            THEN (SELECT r.telegram_ids FROM message r WHERE r.id = m.replaces) END AS edited_ids,
       CASE WHEN m.replaces IS NOT NULL
            THEN (SELECT r.rich FROM message r WHERE r.id = m.replaces) END AS edited_rich,
       m.supersedes AS supersedes,
       CASE WHEN m.reply_to IS NOT NULL
            THEN (SELECT r.telegram_id FROM message r WHERE r.id = m.reply_to) END AS reply_to,
       m.replace_key AS replace_key, u.until AS muted_until, {HAS_URGENT} AS has_urgent
{FROM_HEADS}
LEFT JOIN $lookup(account a: a.id = m.account) LEFT JOIN $lookup(bot_token t: t.id = m.token)
LEFT JOIN $lookup(mute u: u.chat = m.chat AND u.until > $1
     AND CASE WHEN m.account IS NULL THEN u.token = m.token ELSE u.account = m.account END)
WHERE {WAITING} AND m.next_attempt <= $1
ORDER BY {RANKED}, m.next_attempt, m.id LIMIT $2
"""
DUE_ANYWHERE = HEADS + DUE
DUE_IN_CHATS = HEADS_OF + DUE
FREE = """
FROM $rows2 b(id, parts::text) JOIN $lookup(message m: m.id = b.id FOR NO KEY UPDATE OF m SKIP LOCKED)
WHERE m.status = 'queued' AND m.next_attempt <= $1
"""
# The parts that are sent are on disk before Telegram is called, and they do not change afterwards.
MARK_SENDING = f"""
WITH free (id, parts) AS (SELECT m.id, b.parts {FREE})
UPDATE message SET status = 'sending', attempts = attempts + 1, first_attempt = COALESCE(first_attempt, $1),
                   parts = COALESCE(message.parts, free.parts)
FROM free WHERE message.id = free.id
"""
MARK_IF_ALL_ARE_FREE = f"{MARK_SENDING} AND (SELECT COUNT(*) FROM free) = $3"
RETURN_MARKED = "RETURNING message.id AS id"
FREE_AT_ONCE = f"SELECT json_group_array(m.id) AS ids {FREE}"
# The random_id is compared too. Whatever happens to ids, an outcome then belongs to this very message.
CLAIMED = f"WHERE id = $1 AND random_id = $2 AND {IS_SENDING}"
FIX = f"UPDATE message SET parts = $3 {CLAIMED} RETURNING id"
# A message in flight is not found by a ban, a pause or the end of a broadcast. When it comes back, its status
# follows from them.
OF_BANNED = "EXISTS (SELECT 1 FROM account a WHERE a.id = message.account AND a.banned IS NOT NULL)"
BACK = f"""status = CASE WHEN {OF_BANNED} THEN 'canceled' ELSE COALESCE((
               SELECT b.status FROM broadcast b
               WHERE b.id = message.broadcast AND b.status IN ('paused', 'canceled')), 'queued') END,
           failure = CASE WHEN {OF_BANNED} THEN '{ACCOUNT_BANNED}' ELSE {{failure}} END"""
RECLAIM = f"""
UPDATE message SET {BACK.format(failure="failure")}, next_attempt = $1
WHERE {SENDING.replace("s.", "")} RETURNING id
"""


async def reclaim(now: datetime) -> int:
    """Puts back what a dead process had in flight, under the same random_ids. Returns the number of messages.

    Only the leader calls this, at its start.
    """
    return len(await current().execute(RECLAIM, now))


def _unfixed(message: Claimed) -> str | None:
    """Leaves the parts open. They are fixed before the message is sent."""
    return None


async def claim(
    now: datetime,
    *,
    limit: int,
    chats: Sequence[int] | None = None,
    fix: Fix = _unfixed,
) -> list[Claimed]:
    """Claims the next messages to send: at most the oldest of each chat, and none of a chat that has one in
    flight. With `chats`, only messages of those chats are claimed; the chats get a new wakeup when the
    database does not answer.

    When this returns, it is on disk that they are `sending` and that an attempt was made. Parts that were not
    fixed before are on disk as `fix` returned them.
    """
    try:
        return await _claim(now, limit, chats, fix)
    except DatabaseUnavailable:
        for chat_id in chats or ():
            wakeups.notify_due(chat_id)
        raise


async def _claim(now: datetime, limit: int, chats: Sequence[int] | None, fix: Fix) -> list[Claimed]:
    engine = current()
    if chats is None:
        found = await engine.fetch_as(Claimed, DUE_ANYWHERE, now, limit)
    else:
        found = await engine.fetch_as(Claimed, DUE_IN_CHATS, now, limit, engine.each(chats))
    if not found:
        return []
    for message in found:
        _fix(message, fix, now)
    try:
        marked = await _mark(found, now)
    except Exception as exc:
        if not is_unique_violation(exc):  # another process has just started to send to one of these chats
            raise
        return await _claim(now, limit, chats, fix)
    for message in found:
        if message.id not in marked:  # another transaction is changing it: try again after it
            asyncio.get_running_loop().call_later(CHANGING, wakeups.notify_due, message.chat_id)
    claimed = [message for message in found if message.id in marked]
    urgent.unmark(message.chat_id for message in claimed if message.urgent)
    return claimed


async def _mark(found: Sequence[Claimed], now: datetime) -> frozenset[int]:
    """Marks those of the messages as `sending` that are still queued. Returns their ids."""
    engine, rows = current(), _with_parts(found)
    if not isinstance(engine, SQLiteEngine):
        return frozenset(row["id"] for row in await engine.execute(MARK_SENDING + RETURN_MARKED, now, rows))
    # SQLite returns rows one by one. In a busy process its thread would wait for Python's lock at each row.
    if await engine.count_changes(MARK_IF_ALL_ARE_FREE, now, rows, len(found)):
        return frozenset(message.id for message in found)
    return await engine.together(partial(_mark_in_commit, rows, now), lambda marked: None)


def _mark_in_commit(rows: str, now: datetime, ask: Ask) -> frozenset[int]:
    """Marks those that are free. Nobody else writes between the two statements."""
    free: str = ask(FREE_AT_ONCE, now, rows)[0]["ids"]
    ask(MARK_SENDING, now, rows)
    return _ids.decode(free)


def claim_in_commit(chat_id: int, now: datetime, fix: Fix, ask: Ask) -> Claimed | None:
    """Claims the due message of this chat by `ask`, in the commit that it belongs to. SQLite only."""
    due = ask(DUE_IN_CHATS, now, 1, f"[{chat_id}]")
    if not due:
        return None
    claimed = msgspec.convert(due[0], Claimed, strict=False)
    _fix(claimed, fix, now)
    ask(MARK_SENDING, now, _with_parts([claimed]))
    return claimed


def _fix(found: Claimed, fix: Fix, now: datetime) -> None:
    """Fixes the parts of a message that was just read and that nobody else has yet."""
    if found.parts is None:
        msgspec.structs.force_setattr(found, "parts", fix(found))
        msgspec.structs.force_setattr(found, "fixed", now)


def _with_parts(claimed: Sequence[Claimed]) -> str:
    return msgspec.json.encode([(message.id, message.parts) for message in claimed]).decode()


async def fix(message: Claimed, parts: str) -> bool:
    """Fixes the parts of a message in flight. Returns False when it is no longer in flight."""
    return bool(await current().execute(FIX, message.id, message.random_id, parts))

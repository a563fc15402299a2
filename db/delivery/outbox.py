"""The outbox: messages that are due, their claims by the worker, and their outcomes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import msgspec
import structlog
import uuid_utils

from djangobot.db import credentials, metrics, state
from djangobot.db.delivery import wakeups
from djangobot.db.engine import Ask, Row, current
from djangobot.db.engine.errors import is_unique_violation
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chat_settings

log = structlog.get_logger(__name__)

SETTLED = ("sent", "held", "failed", "expired", "canceled", "uncertain")
FAILURE_LENGTH = 200
RECALL = "recall"
"""The name of the state that changes when the worker must check its messages in flight again."""
ACCOUNT_BANNED = "account banned"
"""The failure of a message that a ban canceled."""
FORGOTTEN = "forgotten"
ACCOUNT_DELETED = "account deleted"
DELETED_BY_ADMIN = "deleted by an admin"
"""The failures of messages that were canceled because they, or what they belong to, were deleted."""
EXPIRED_IN_DOUBT = "expired; the answer to an attempt before that was lost"
CHANGING = 0.05
"""Seconds after which a message that another transaction had locked is tried again."""
EXPIRE_MOST = 1000
"""The most messages that expire in one transaction."""


class Claimed(msgspec.Struct, frozen=True):
    """A claimed message, with everything that is needed to send it."""

    id: int
    public_id: str
    kind: str
    chat_id: int
    access_hash: int
    language: str
    text: str
    type: str
    random_id: int
    attempts: int
    first_attempt: datetime | None
    created: datetime
    sender: str
    token_id: int | None
    token_name: str
    token_prefix: str
    urgent: bool
    broadcast: bool
    """Whether it belongs to a broadcast. All other messages are sent first."""
    has_urgent: bool
    """Whether this message, or a later one of its chat, is urgent."""
    expires: datetime | None
    settings: chat_settings.ChatSettings = chat_settings.DEFAULT
    muted_until: datetime | None = None
    account_id: int | None = None
    parts: str | None = None
    """What is sent under its random_id."""
    fixed: datetime | None = None
    """When this claim fixed its parts. None when they had been fixed before."""

    @property
    def sender_id(self) -> int | None:
        """The account's id, or the id of a chat's own token with a minus. None for a notice."""
        if self.account_id is None and self.token_id is not None:
            return -self.token_id
        return self.account_id

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and now >= self.expires


class Sent(msgspec.Struct, frozen=True):
    """The message is in the chat."""

    message: Claimed
    telegram_id: int


class Held(msgspec.Struct, frozen=True):
    """The message is kept and not shown. The person gets a digest at `until`."""

    message: Claimed
    until: datetime
    reason: str | None = None


class Failed(msgspec.Struct, frozen=True):
    """The message will never be in the chat."""

    message: Claimed
    reason: str


class Uncertain(msgspec.Struct, frozen=True):
    """Nobody knows whether the message is in the chat, and a repeat is not safe."""

    message: Claimed
    reason: str


class Expired(msgspec.Struct, frozen=True):
    """The message expired before it was sent, so it will never be sent."""

    message: Claimed
    reason: str | None = None


class Postponed(msgspec.Struct, frozen=True):
    """The message goes back to the queue. `not_done`: Telegram refused this attempt or was not called, so the
    attempt does not count against a repeat. An earlier attempt whose answer was lost still counts. `untried`:
    Telegram was not called; if this claim fixed the parts, the next claim fixes them again."""

    message: Claimed
    until: datetime
    reason: str
    not_done: bool = False
    untried: bool = False


Fix = Callable[[Claimed], str | None]
"""Fixes the parts of a message that are sent. None: they are fixed later, before the message is sent."""
Settled = Sent | Held | Failed | Uncertain | Expired | Postponed


class LocalWorker(Protocol):
    """The worker of this process."""

    lease: timedelta

    @property
    def free(self) -> bool:
        """Whether the worker would start to send at once."""
        ...

    def take(self, claimed: Sequence[Claimed]) -> None:
        """Receives claimed messages, to send them or put them back."""


def _unfixed(message: Claimed) -> str | None:
    """Leaves the parts open. They are fixed before the message is sent."""
    return None


async def _nothing() -> None:
    """Does nothing, because this process has no worker."""


_local_worker: LocalWorker | None = None
_fix: Fix = _unfixed
_obey: Callable[[], Awaitable[None]] = _nothing

# ruff: noqa: S608 - the statements below are put together from constants of this file.
# The form of these statements limits their cost to the rows they touch, whatever the planner believes about
# the table. Its statistics may be from before the queue was full. Each partial index has a condition that is
# spelled differently, so no other index is used instead. Rows are looked up one by one (`$lookup`). A range
# of one chat in the index's order allows only that index. A scalar subquery runs for each row.
UNSETTLED = "m.status IN ('queued', 'sending')"
SENDING = "CASE s.status WHEN 'sending' THEN 1 END = 1"
URGENT_UNSETTLED = "CASE WHEN m.urgent THEN m.status END IN ('queued', 'sending')"
PERISHABLE = "CASE WHEN expires IS NOT NULL THEN status END = 'queued'"
# No index has these conditions. The row is looked up, and its status is compared.
IS_SENDING, IS_QUEUED = "status || '' = 'sending'", "status || '' = 'queued'"
OLDEST = f"""
SELECT m.id FROM message m WHERE m.chat BETWEEN {{chat}} AND {{chat}} AND {UNSETTLED}
ORDER BY m.chat, m.id LIMIT 1
"""
# Finds the chats that have unsettled messages, by skipping along the partial index from chat to chat, and the
# oldest message of each. It costs a few steps per chat with a backlog, however long the backlog and the
# history are. Every person's id is more than 0.
HEADS = f"""
WITH RECURSIVE backlog (chat) AS (
    SELECT 0::bigint
    UNION ALL
    SELECT (SELECT m.chat FROM message m WHERE {UNSETTLED} AND m.chat > b.chat ORDER BY m.chat, m.id LIMIT 1)
    FROM backlog b WHERE b.chat IS NOT NULL
), heads (id) AS (
    SELECT ({OLDEST.format(chat="b.chat")}) FROM backlog b WHERE b.chat IS NOT NULL
)
"""
# An urgent message makes its whole chat urgent, because earlier messages of the chat must be sent first.
HAS_URGENT = f"(SELECT 1 FROM message m WHERE m.chat = c.id AND {URGENT_UNSETTLED} LIMIT 1) IS NOT NULL"
# The message that is being sent need not be the oldest of its chat: PostgreSQL gives ids out before the
# commit.
WAITING = f"""m.status = 'queued' AND c.blocked IS NULL AND c.banned IS NULL
  AND (SELECT 1 FROM message s WHERE s.chat = m.chat AND {SENDING} LIMIT 1) IS NULL"""
FROM_HEADS = "FROM heads h JOIN $lookup(message m: m.id = h.id) JOIN $lookup(chat c: c.id = m.chat)"
# Does the same for given chats only. It runs each time a message of one of them was sent or accepted.
HEADS_OF = f"""
WITH heads (id) AS (
    SELECT ({OLDEST.format(chat="b.value")}) FROM $each3 b
)
"""
DUE = f"""
SELECT m.id AS id, m.public_id AS public_id, m.kind AS kind, m.chat AS chat_id, c.access_hash AS access_hash,
       c.language AS language, m.type AS type,
       CASE WHEN m.broadcast IS NULL THEN m.text
            ELSE (SELECT b.text FROM broadcast b WHERE b.id = m.broadcast) END AS text,
       CASE WHEN m.broadcast IS NULL THEN 0 ELSE 1 END AS broadcast, m.random_id AS random_id,
       m.attempts + 1 AS attempts, m.first_attempt AS first_attempt, m.created AS created,
       COALESCE(a.name, t.name, '') AS sender, m.token AS token_id, COALESCE(t.name, '') AS token_name,
       COALESCE(t.prefix, '') AS token_prefix, m.urgent AS urgent, m.expires AS expires,
       m.account AS account_id, m.parts AS parts, c.settings AS settings, u.until AS muted_until,
       {HAS_URGENT} AS has_urgent
{FROM_HEADS}
LEFT JOIN $lookup(account a: a.id = m.account) LEFT JOIN $lookup(bot_token t: t.id = m.token)
LEFT JOIN $lookup(mute u: u.chat = m.chat AND u.until > $1
     AND CASE WHEN m.account IS NULL THEN u.token = m.token ELSE u.account = m.account END)
WHERE {WAITING} AND m.next_attempt <= $1
ORDER BY has_urgent DESC, broadcast, m.next_attempt, m.id LIMIT $2
"""
DUE_ANYWHERE = HEADS + DUE
DUE_IN_CHATS = HEADS_OF + DUE
OLDEST_DUE = f"""
{HEADS}
SELECT m.next_attempt AS due {FROM_HEADS}
WHERE (m.status = 'sending' OR {WAITING}) AND m.next_attempt <= $1 ORDER BY m.next_attempt LIMIT 1
"""
WAITING_CHATS = f"""
{HEADS}
SELECT m.chat AS chat, m.next_attempt AS due, {HAS_URGENT} AS has_urgent
{FROM_HEADS}
WHERE {WAITING} ORDER BY m.next_attempt, m.id
"""
# The parts that are sent are on disk before Telegram is called, and they do not change afterwards.
TAKE = """
WITH free (id, parts) AS (
    SELECT m.id, b.parts FROM $rows3 b(id, parts::text)
    JOIN $lookup(message m: m.id = b.id FOR NO KEY UPDATE OF m SKIP LOCKED)
    WHERE m.status = 'queued' AND m.next_attempt <= $1
)
UPDATE message SET status = 'sending', attempts = attempts + 1, first_attempt = COALESCE(first_attempt, $1),
                   lease_until = $2, parts = COALESCE(message.parts, free.parts)
FROM free WHERE message.id = free.id RETURNING message.id AS id
"""
# The random_id is compared too. Whatever happens to ids, an outcome then belongs to this very message.
CLAIMED = f"WHERE id = $1 AND random_id = $2 AND {IS_SENDING}"
FIX = f"UPDATE message SET parts = $3 {CLAIMED} RETURNING id"
# All rows are updated at once. Row by row, the writing thread would wait for Python's lock once a row. The
# text of a notice is erased: it may quote something that is deleted later, and once it is in the chat, nobody
# reads it here.
SENT = f"""
UPDATE message SET status = 'sent', telegram_id = r.telegram_id, sent = $1, failure = NULL,
                   lease_until = NULL, parts = NULL, text = CASE kind WHEN 'message' THEN text ELSE '' END
FROM $rows2 r(id, random_id, telegram_id)
WHERE message.id = r.id AND message.random_id = r.random_id AND message.{IS_SENDING}
"""
END = f"""
UPDATE message SET status = $3, failure = $4, lease_until = NULL, parts = NULL {CLAIMED}
"""
# Sending never started.
HOLD = f"""
UPDATE message SET status = 'held', held_until = $3, attempts = 0, first_attempt = NULL, failure = NULL,
                   lease_until = NULL, parts = NULL {CLAIMED}
"""
# A message in flight is not found by a ban, a pause or the end of a broadcast. When it comes back, its status
# follows from them.
OF_BANNED = "EXISTS (SELECT 1 FROM account a WHERE a.id = message.account AND a.banned IS NOT NULL)"
BACK = f"""lease_until = NULL,
           status = CASE WHEN {OF_BANNED} THEN 'canceled' ELSE COALESCE((
               SELECT b.status FROM broadcast b
               WHERE b.id = message.broadcast AND b.status IN ('paused', 'canceled')), 'queued') END,
           failure = CASE WHEN {OF_BANNED} THEN '{ACCOUNT_BANNED}' ELSE {{failure}} END"""
POSTPONE = f"""
UPDATE message SET {BACK.format(failure="$4")}, next_attempt = $3 {CLAIMED}
"""
POSTPONE_NOT_DONE = f"""
UPDATE message SET {BACK.format(failure="$4")}, next_attempt = $3, first_attempt = $5 {CLAIMED}
"""
PUT_BACK = f"""
UPDATE message SET {BACK.format(failure="$4")}, next_attempt = $3, first_attempt = $5, parts = $6 {CLAIMED}
"""
RECLAIM = f"""
UPDATE message SET {BACK.format(failure="failure")}, next_attempt = $1
WHERE {SENDING.replace("s.", "")} RETURNING id
"""
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
DUE_NOW = f"""
UPDATE message SET next_attempt = $1 WHERE {UNSETTLED.replace("m.", "")} AND {IS_QUEUED} AND next_attempt > $1
RETURNING chat
"""
DEPTH = f"SELECT COUNT(*) AS unsettled FROM message m WHERE {UNSETTLED}"
CANCELED = """
SELECT m.public_id AS public_id, m.failure AS failure FROM $each1 b JOIN message m ON m.id = b.value
WHERE m.status = 'canceled'
"""
NOTICE = """
INSERT INTO message (public_id, kind, account, token, chat, created, type, text, status, random_id, attempts,
                     next_attempt)
VALUES ($1, $2, $3, $4, $5, $6, 'Text', $7, 'queued', $8, 0, $6)
"""


async def reclaim(now: datetime) -> int:
    """Puts back what a dead process had in flight, under the same random_ids. Returns the number of messages.

    Only the leader calls this, at its start.
    """
    return len(await current().execute(RECLAIM, now))


def register_worker(
    hands: LocalWorker | None, *, fix: Fix = _unfixed, obey: Callable[[], Awaitable[None]] = _nothing
) -> None:
    """Registers the worker of this process. New messages may be handed to it at once. `fix` fixes the parts
    that are sent. `obey` applies a pause or a recall to the messages in flight."""
    global _local_worker, _fix, _obey
    _local_worker, _fix, _obey = hands, fix, obey


async def recall(now: datetime) -> None:
    """Records that the worker must check its messages in flight again. Call it in a transaction, and call
    `obey` after the commit."""
    await state.put(RECALL, now, now)


async def obey() -> None:
    """Applies a pause or a recall. It is in effect in this process when this returns, and a moment later in
    another process that delivers."""
    if _local_worker is not None:
        await _obey()
    elif wakeups.pubsub is not None:
        wakeups.pubsub.say_recalled()


async def obey_here() -> None:
    """Applies a pause or a recall that another process published."""
    await _obey()


async def add(now: datetime, accepted: Callable[[Row], None], sql: str, *args: object) -> list[Row]:
    """Commits a message by a statement that returns its chat and whether it is urgent. Calls `accepted`, and
    has the message delivered.

    When the worker of this process is idle, the due message of the chat is claimed in the same commit. This
    saves one commit and one change of threads before the message is sent. It is done on SQLite only, where no
    other process delivers. On PostgreSQL each statement is a round trip anyway.
    """
    hands, engine = _local_worker, current()
    if hands is None or not hands.free or not isinstance(engine, SQLiteEngine):
        rows = await engine.execute(sql, *args)
        notify_added(rows, accepted)
        return rows
    rows, claimed = await engine.together(partial(_add_and_claim, now, hands.lease, _fix, sql, args))
    if claimed is None:
        notify_added(rows, accepted)
    else:
        accepted(rows[0])
        await _hand_over(hands, claimed, now)
    return rows


def notify_added(rows: Sequence[Row], accepted: Callable[[Row], None]) -> None:
    """Calls `accepted` for each new message and wakes the worker. Call it after the commit."""
    for row in rows:
        accepted(row)
        if row["urgent"]:
            wakeups.mark_urgent(row["chat"])
        wakeups.notify_due(row["chat"])


def _add_and_claim(
    now: datetime, lease: timedelta, fix: Fix, sql: str, args: Sequence[object], ask: Ask
) -> tuple[list[Row], Claimed | None]:
    added = ask(sql, *args)
    if not added:
        return added, None
    due = ask(DUE_IN_CHATS, now, 1, f"[{added[0]['chat']}]")
    if not due:
        return added, None
    claimed = _claimed(due[0], fix, now)
    ask(TAKE, now, now + lease, _with_parts([claimed]))
    return added, claimed


async def _hand_over(hands: LocalWorker, claimed: Claimed, now: datetime) -> None:
    """Hands the message to the worker for which it was claimed, or puts it back when that worker has stopped
    since."""
    wakeups.clear_urgent([claimed.chat_id] if claimed.urgent else [])
    if hands is _local_worker:
        hands.take([claimed])
    else:
        await settle([put_back(claimed, now)], now)


async def claim(
    now: datetime,
    *,
    limit: int,
    lease: timedelta,
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
        return await _claim(now, limit, lease, chats, fix)
    except DatabaseUnavailable:
        for chat_id in chats or ():
            wakeups.notify_due(chat_id)
        raise


async def _claim(
    now: datetime, limit: int, lease: timedelta, chats: Sequence[int] | None, fix: Fix
) -> list[Claimed]:
    engine = current()
    if chats is None:
        rows = await engine.fetch_at_once(DUE_ANYWHERE, now, limit)
    else:
        rows = await engine.fetch_at_once(DUE_IN_CHATS, now, limit, engine.each(chats))
    if not rows:
        return []
    found = [_claimed(row, fix, now) for row in rows]
    try:
        taken = {row["id"] for row in await engine.execute(TAKE, now, now + lease, _with_parts(found))}
    except Exception as exc:
        if not is_unique_violation(exc):  # another process has just started to send to one of these chats
            raise
        return await _claim(now, limit, lease, chats, fix)
    for message in found:
        if message.id not in taken:  # another transaction is changing it: try again after it
            asyncio.get_running_loop().call_later(CHANGING, wakeups.notify_due, message.chat_id)
    claimed = [message for message in found if message.id in taken]
    wakeups.clear_urgent(message.chat_id for message in claimed if message.urgent)
    return claimed


def _claimed(row: Row, fix: Fix, now: datetime) -> Claimed:
    settings = chat_settings.read(row["settings"])
    language = settings.language or row["language"]
    values = {**row, "public_id": str(row["public_id"]), "settings": settings, "language": language}
    found = msgspec.convert(values, Claimed, strict=False)
    if found.parts is not None:
        return found
    return msgspec.structs.replace(found, parts=fix(found), fixed=now)


def _with_parts(claimed: Sequence[Claimed]) -> str:
    return msgspec.json.encode([(message.id, message.parts) for message in claimed]).decode()


async def fix(message: Claimed, parts: str) -> bool:
    """Fixes the parts of a message in flight. Returns False when it is no longer in flight."""
    return bool(await current().execute(FIX, message.id, message.random_id, parts))


def put_back(message: Claimed, now: datetime) -> Postponed:
    """The outcome of a message in flight that was not started."""
    return Postponed(message, now, "put back before it was sent", not_done=True, untried=True)


async def settle(results: Sequence[Settled], now: datetime) -> None:
    """Records outcomes in one transaction. Rows that were deleted or canceled meanwhile are left alone.

    Wakes the worker for the chats, because their next messages can be claimed now.
    """
    statements: dict[str, list[Sequence[object]]] = {}
    sent = [
        (result.message.id, result.message.random_id, result.telegram_id)
        for result in results
        if isinstance(result, Sent)
    ]
    if sent:
        statements[SENT] = [(now, msgspec.json.encode(sent).decode())]
    for result in results:
        if not isinstance(result, Sent):
            sql, args = _statement(result)
            statements.setdefault(sql, []).append(args)
    await current().execute_all(list(statements.items()))
    for result in results:
        _notify(result)
    await _tell_canceled([result for result in results if isinstance(result, Postponed)])
    for result in results:
        wakeups.notify_due(result.message.chat_id, urgent=result.message.has_urgent)
    _count([result for result in results if result.message.kind == "message"], now)


async def poll(now: datetime) -> datetime | None:
    """Wakes the worker for every chat that has something due, the longest waiting first. Returns when the
    next message falls due."""
    for row in await current().fetch(WAITING_CHATS):
        due: datetime = row["due"]
        if due > now:
            return due
        wakeups.notify_due(row["chat"], urgent=bool(row["has_urgent"]))
    return None


async def expire(now: datetime) -> int:
    """Ends waiting messages whose time is over, whatever they wait for: a blocked chat, Telegram, or earlier
    messages. Returns their number. The next call continues where this one stopped."""
    rows = await current().fetch(EXPIRING, now, EXPIRE_MOST)
    if not rows:
        return 0
    ids = current().each([row["id"] for row in rows])
    ended = await current().execute(EXPIRE, now, EXPIRED_IN_DOUBT, ids)
    for row in ended:
        wakeups.notify_settled(str(row["public_id"]), row["status"], row["failure"])
        wakeups.notify_due(row["chat"])
        metrics.count_end(row["status"])
        log.warning("message " + row["status"], id=str(row["public_id"]), chat=row["chat"])
    return len(ended)


async def due_now(now: datetime) -> int:
    """Makes all postponed messages due at once. Used when the clock stepped back and nobody knows how long
    they would wait. Returns their number."""
    rows = await current().execute(
        DUE_NOW,
        now,
    )
    for row in rows:
        wakeups.notify_due(row["chat"])
    return len(rows)


async def oldest_due(now: datetime) -> datetime | None:
    """Since when the longest waiting message has been due. None when nothing is due."""
    rows = await current().fetch(OLDEST_DUE, now)
    return rows[0]["due"] if rows else None


async def depth() -> int:
    """The number of messages and notices that are not settled yet. Reads the partial index of just these."""
    rows = await current().fetch(DEPTH)
    depth: int = rows[0]["unsettled"]
    return depth


async def add_notice(
    kind: str,
    chat_id: int,
    now: datetime,
    *,
    text: str = "",
    account_id: int | None = None,
    token_id: int | None = None,
) -> None:
    """Queues a notice, which is sent once, like any message. Call `wakeups.notify_due` after the commit."""
    random_id = credentials.new_random_id()
    public_id = str(uuid_utils.uuid7())
    await current().execute(NOTICE, public_id, kind, account_id, token_id, chat_id, now, text, random_id)


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
    return END, (*row, _status(result), reason)


def _count(results: Sequence[Settled], now: datetime) -> None:
    """Counts outcomes for /metrics. Postponed messages are counted where they are postponed, because the
    reason is known there."""
    metrics.sent.inc(sum(isinstance(result, Sent) for result in results))
    for result in results:
        if isinstance(result, Sent):
            metrics.send_seconds.observe(max(0.0, (now - result.message.created).total_seconds()))
        elif isinstance(result, Failed):
            metrics.count_failed(result.reason)
        elif not isinstance(result, Postponed):
            metrics.count_end(_status(result))


def _status(result: Settled) -> str:
    return {
        Sent: "sent",
        Held: "held",
        Failed: "failed",
        Uncertain: "uncertain",
        Expired: "expired",
        Postponed: "queued",
    }[type(result)]


async def _tell_canceled(postponed: Sequence[Postponed]) -> None:
    """Tells waiters of messages that were put back and canceled, because their sender was banned
    meanwhile."""
    if not postponed or (wakeups.pubsub is None and not wakeups.awaited_ids()):
        return
    ids = current().each([result.message.id for result in postponed])
    with contextlib.suppress(DatabaseUnavailable):
        for row in await current().fetch(CANCELED, ids):
            wakeups.notify_settled(str(row["public_id"]), "canceled", row["failure"])


def _notify(result: Settled) -> None:
    if not isinstance(result, Postponed):
        reason = None if isinstance(result, Sent) else result.reason
        wakeups.notify_settled(result.message.public_id, _status(result), reason)

"""The outbox: messages that are due, claimed by the one deliverer, and what came of each."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
import structlog
import uuid_utils

from djangobot.db import credentials, metrics, preferences
from djangobot.db.engine import Row, current, is_unique_violation
from djangobot.db.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from djangobot.db.signals import Wire

log = structlog.get_logger(__name__)

SETTLED = ("sent", "held", "failed", "expired", "canceled", "uncertain")
FAILURE_LENGTH = 200
EXPIRED_IN_DOUBT = "expired; the answer to an attempt before that was lost"
BULK = 200
"""Messages decided about at the same moment."""
CHANGING = 0.05
"""Seconds after which a message that was locked by another transaction is tried again."""
EXPIRE_MOST = 1000
"""Messages that end as expired in one transaction."""
RUNG_MOST = 100_000
"""Chats that may be rung for at once; `look` finds the others. A process without a deliverer answers none."""


class Claimed(msgspec.Struct, frozen=True):
    """A message in the deliverer's hand, with all it takes to send it."""

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
    hurries: bool
    """Itself, or another of its chat behind it, is urgent."""
    expires: datetime | None
    settings: preferences.ChatSettings = preferences.DEFAULT
    muted_until: datetime | None = None

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and now >= self.expires


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


class Sent(msgspec.Struct, frozen=True):
    """It is in the chat."""

    message: Claimed
    telegram_id: int


class Held(msgspec.Struct, frozen=True):
    """Kept and not shown; its person is told of it at `until`."""

    message: Claimed
    until: datetime
    reason: str | None = None


class Failed(msgspec.Struct, frozen=True):
    """It will never be in the chat."""

    message: Claimed
    reason: str


class Uncertain(msgspec.Struct, frozen=True):
    """Nobody knows, and a repeat is not safe."""

    message: Claimed
    reason: str


class Expired(msgspec.Struct, frozen=True):
    """Its time was over before it was sent, so it never will be."""

    message: Claimed
    reason: str | None = None


class Postponed(msgspec.Struct, frozen=True):
    """Back to the queue. `not_done`: Telegram said so, or was not asked: the attempt does not count against
    repeating it. One before it, whose answer was lost, still does."""

    message: Claimed
    until: datetime
    reason: str
    not_done: bool = False


Settled = Sent | Held | Failed | Uncertain | Expired | Postponed

# ruff: noqa: S608 - the statements below are put together from constants of this file.
UNSETTLED = "m.status IN ('queued', 'sending')"
# The chats that have something unsettled, by skipping along the partial index from chat to chat; of each the
# oldest message. Costs a few steps per chat with a backlog, however long the backlog and the history are.
HEADS = f"""
WITH RECURSIVE backlog (chat) AS (
    SELECT MIN(m.chat) FROM message m WHERE {UNSETTLED}
    UNION ALL
    SELECT (SELECT MIN(m.chat) FROM message m WHERE {UNSETTLED} AND m.chat > b.chat)
    FROM backlog b WHERE b.chat IS NOT NULL
), heads (id) AS (
    SELECT (SELECT m.id FROM message m WHERE m.chat = b.chat AND {UNSETTLED} ORDER BY m.chat, m.id LIMIT 1)
    FROM backlog b WHERE b.chat IS NOT NULL
)
"""
# An urgent message makes its whole chat hurry: what stands before it there must go first.
HURRIES = f"EXISTS (SELECT 1 FROM message m WHERE m.chat = c.id AND m.urgent AND {UNSETTLED})"
# Somebody of the chat being sent need not be the oldest: PostgreSQL gives ids out before the commit.
WAITING = """m.status = 'queued' AND c.blocked IS NULL AND c.banned IS NULL
  AND NOT EXISTS (SELECT 1 FROM message s WHERE s.chat = m.chat AND s.status = 'sending')"""
# The same of given chats alone: what is asked each time one of them has had something sent or accepted.
HEADS_OF = f"""
WITH heads (id) AS (
    SELECT (SELECT m.id FROM message m WHERE m.chat = b.value AND {UNSETTLED} ORDER BY m.chat, m.id LIMIT 1)
    FROM $each3 b
)
"""
DUE = f"""
SELECT m.id AS id, m.public_id AS public_id, m.kind AS kind, m.chat AS chat_id, c.access_hash AS access_hash,
       c.language AS language, m.text AS text, m.type AS type, m.random_id AS random_id,
       m.attempts + 1 AS attempts, m.first_attempt AS first_attempt, m.created AS created,
       COALESCE(a.name, '') AS sender, m.token AS token_id, COALESCE(t.name, '') AS token_name,
       COALESCE(t.prefix, '') AS token_prefix, m.urgent AS urgent, m.expires AS expires,
       c.settings AS settings, u.until AS muted_until, {HURRIES} AS hurries
FROM heads h JOIN message m ON m.id = h.id JOIN chat c ON c.id = m.chat
LEFT JOIN account a ON a.id = m.account LEFT JOIN bot_token t ON t.id = m.token
LEFT JOIN mute u ON u.chat = m.chat AND u.account = m.account AND u.until > $1
WHERE {WAITING} AND m.next_attempt <= $1
ORDER BY hurries DESC, m.next_attempt, m.id LIMIT $2
"""
DUE_ANYWHERE = HEADS + DUE
DUE_IN_CHATS = HEADS_OF + DUE
OLDEST_DUE = f"""
{HEADS}
SELECT m.next_attempt AS due FROM heads h JOIN message m ON m.id = h.id JOIN chat c ON c.id = m.chat
WHERE (m.status = 'sending' OR {WAITING}) AND m.next_attempt <= $1 ORDER BY m.next_attempt LIMIT 1
"""
WAITING_CHATS = f"""
{HEADS}
SELECT m.chat AS chat, m.next_attempt AS due, {HURRIES} AS hurries
FROM heads h JOIN message m ON m.id = h.id JOIN chat c ON c.id = m.chat
WHERE {WAITING} ORDER BY m.next_attempt, m.id
"""
TAKE = """
UPDATE message SET status = 'sending', attempts = attempts + 1, first_attempt = COALESCE(first_attempt, $1),
                   lease_until = $2
WHERE id IN (
    SELECT m.id FROM $each3 b JOIN message m ON m.id = b.value
    WHERE m.status = 'queued' AND m.next_attempt <= $1 FOR NO KEY UPDATE OF m SKIP LOCKED
) RETURNING id
"""
# The random_id too: whatever happens to ids, an outcome is this very message's.
CLAIMED = "WHERE id = $1 AND random_id = $2 AND status = 'sending'"
# All at once: row by row, the writing thread would wait for Python's lock once a row.
SENT = """
UPDATE message SET status = 'sent', telegram_id = r.telegram_id, sent = $1, failure = NULL, lease_until = NULL
FROM $rows2 r(id, random_id, telegram_id)
WHERE message.id = r.id AND message.random_id = r.random_id AND message.status = 'sending'
"""
END = f"""
UPDATE message SET status = $3, failure = $4, lease_until = NULL {CLAIMED}
"""
# It was never begun to be sent.
HOLD = f"""
UPDATE message SET status = 'held', held_until = $3, attempts = 0, first_attempt = NULL, failure = NULL,
                   lease_until = NULL {CLAIMED}
"""
POSTPONE = f"""
UPDATE message SET status = 'queued', next_attempt = $3, failure = $4, lease_until = NULL {CLAIMED}
"""
POSTPONE_NOT_DONE = f"""
UPDATE message SET status = 'queued', next_attempt = $3, failure = $4, lease_until = NULL,
                   first_attempt = $5 {CLAIMED}
"""
# A lost answer may mean that it is in the chat: then nobody can say that it expired unsent.
EXPIRE = """
UPDATE message SET status = CASE WHEN first_attempt IS NULL THEN 'expired' ELSE 'uncertain' END,
                   failure = CASE WHEN first_attempt IS NULL THEN NULL ELSE $2 END
WHERE id IN (SELECT b.value FROM $each3 b) AND status = 'queued' AND expires <= $1
RETURNING public_id, chat, status, failure
"""
EXPIRING = """
SELECT id FROM message WHERE status = 'queued' AND expires IS NOT NULL AND expires <= $1
ORDER BY expires LIMIT $2
"""
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
NOTICE = """
INSERT INTO message (public_id, kind, account, token, chat, created, type, text, status, random_id, attempts,
                     next_attempt)
VALUES ($1, $2, $3, $4, $5, $6, 'Text', $7, 'queued', $8, 0, $6)
"""


async def reclaim(now: datetime) -> int:
    """Takes up what a process that is gone had in hand, under the same random_ids. How many these are.

    For the one deliverer, at its start.
    """
    rows = await current().execute(
        "UPDATE message SET status = 'queued', next_attempt = $1, lease_until = NULL"
        " WHERE status = 'sending' RETURNING id",
        now,
    )
    return len(rows)


async def claim(
    now: datetime, *, limit: int, lease: timedelta, chats: Sequence[int] | None = None
) -> list[Claimed]:
    """The next messages to send: of each chat at most its oldest, and none while another of that chat is
    being sent. With `chats`, of those alone; they are rung for again when the database does not answer.

    They are `sending`, and counted as attempted, on disk when this returns.
    """
    try:
        return await _claim(now, limit, lease, chats)
    except DatabaseUnavailable:
        for chat_id in chats or ():
            ring(chat_id)
        raise


async def _claim(now: datetime, limit: int, lease: timedelta, chats: Sequence[int] | None) -> list[Claimed]:
    engine = current()
    if chats is None:
        rows = await engine.fetch(DUE_ANYWHERE, now, limit)
    else:
        rows = await engine.fetch(DUE_IN_CHATS, now, limit, engine.each(chats))
    if not rows:
        return []
    ids = engine.each([row["id"] for row in rows])
    try:
        taken = {row["id"] for row in await engine.execute(TAKE, now, now + lease, ids)}
    except Exception as exc:
        if not is_unique_violation(exc):  # another process has just begun to send to one of these chats
            raise
        return await _claim(now, limit, lease, chats)
    for row in rows:
        if row["id"] not in taken:  # somebody is just changing it: it is looked at again when that is over
            asyncio.get_running_loop().call_later(CHANGING, ring, row["chat_id"])
    claimed = [_claimed(row) for row in rows if row["id"] in taken]
    _hurrying.difference_update(message.chat_id for message in claimed if message.urgent)
    return claimed


def _claimed(row: Row) -> Claimed:
    settings = preferences.read(row["settings"])
    return Claimed(
        **{
            **row,
            "settings": settings,
            "language": settings.language or row["language"],
            "public_id": str(row["public_id"]),
            "urgent": bool(row["urgent"]),
            "hurries": bool(row["hurries"]),
        }
    )


async def settle(results: Sequence[Settled], now: datetime) -> None:
    """Records outcomes in one transaction; rows deleted or canceled meanwhile are left alone.

    Rings for the chats, whose next messages can be claimed now.
    """
    statements: dict[str, list[Sequence[object]]] = {}
    sent = [
        (result.message.id, result.message.random_id, result.telegram_id)
        for result in results
        if isinstance(result, Sent)
    ]
    if sent:
        statements[SENT] = [(now, json.dumps(sent))]
    for result in results:
        if not isinstance(result, Sent):
            sql, args = _statement(result)
            statements.setdefault(sql, []).append(args)
    await current().execute_all(list(statements.items()))
    for result in results:
        _tell(result)
        ring(result.message.chat_id, urgent=result.message.hurries)
    _count([result for result in results if result.message.kind == "message"], now)


async def look(now: datetime) -> datetime | None:
    """Rings for every chat that has something due, the longest waiting first. When the next one falls due."""
    for row in await current().fetch(WAITING_CHATS):
        due: datetime = row["due"]
        if due > now:
            return due
        ring(row["chat"], urgent=bool(row["hurries"]))
    return None


async def expire(now: datetime) -> int:
    """Ends what waits and will not be sent any more, whatever it waits for: a blocked chat, Telegram, its
    turn. How many these were; asked again, it goes on where it stopped."""
    rows = await current().fetch(EXPIRING, now, EXPIRE_MOST)
    if not rows:
        return 0
    ids = current().each([row["id"] for row in rows])
    ended = await current().execute(EXPIRE, now, EXPIRED_IN_DOUBT, ids)
    for row in ended:
        tell(str(row["public_id"]), row["status"], row["failure"])
        ring(row["chat"])
        metrics.count_end(row["status"])
        log.warning("message " + row["status"], id=str(row["public_id"]), chat=row["chat"])
    return len(ended)


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
        ring(row["chat"])
    return bool(rows)


async def due_now(now: datetime) -> int:
    """What was put off until later is due at once: the clock stepped back, and nobody knows for how long
    these would wait. How many these are."""
    rows = await current().execute(
        "UPDATE message SET next_attempt = $1 WHERE status = 'queued' AND next_attempt > $1 RETURNING chat",
        now,
    )
    for row in rows:
        ring(row["chat"])
    return len(rows)


async def oldest_due(now: datetime) -> datetime | None:
    """Since when the longest waiting message could have been sent; None when nothing is due."""
    rows = await current().fetch(OLDEST_DUE, now)
    return rows[0]["due"] if rows else None


async def depth() -> int:
    """Messages and notices that are not settled yet. Reads the partial index of just these."""
    rows = await current().fetch(f"SELECT COUNT(*) AS unsettled FROM message m WHERE {UNSETTLED}")
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
    """Something people should be told by us, once, like any message. Call `ring` after the commit."""
    random_id = credentials.new_random_id()
    public_id = str(uuid_utils.uuid7())
    await current().execute(NOTICE, public_id, kind, account_id, token_id, chat_id, now, text, random_id)


def _statement(result: Held | Failed | Uncertain | Expired | Postponed) -> tuple[str, Sequence[object]]:
    row = (result.message.id, result.message.random_id)
    reason = None if result.reason is None else result.reason[:FAILURE_LENGTH]
    if isinstance(result, Postponed):
        if result.not_done:
            return POSTPONE_NOT_DONE, (*row, result.until, reason, result.message.first_attempt)
        return POSTPONE, (*row, result.until, reason)
    if isinstance(result, Held):
        return HOLD, (*row, result.until)
    return END, (*row, _status(result), reason)


def _count(results: Sequence[Settled], now: datetime) -> None:
    """For /metrics. What is put off is counted by who puts it off, and knows why."""
    for result in results:
        if isinstance(result, Sent):
            metrics.sent.inc()
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


# Who waits for a message to arrive in the outbox, and who for one to be settled: in this process, and over
# the wire in others.


class Bell:
    """An event that belongs to no event loop, unlike asyncio's."""

    def __init__(self) -> None:
        self._is_set = False
        self._sleepers: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        self._is_set = True
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        if self._is_set:
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            self._sleepers.discard(sleeper)


_bell = Bell()
_urgent_bell = Bell()
_rung: dict[int, None] = {}
_rung_urgently: dict[int, None] = {}
_hurrying: set[int] = set()
"""Chats in which something urgent was accepted that nobody has claimed yet."""
Outcome = asyncio.Future[tuple[str, str | None]]
_expected: dict[str, list[Outcome]] = {}
"""By public_id; several wait for one message when its sender asked again under the same key."""
wire: "Wire | None" = None
"""To the other processes on this database; `signals.connected` sets it."""
_delivered_here = False


def hurry(chat_id: int) -> None:
    """Something urgent was accepted in this chat: until it is claimed, each ring for it is urgent."""
    if len(_hurrying) < RUNG_MOST:
        _hurrying.add(chat_id)


def deliver_here(yes: bool) -> None:
    """Whether the deliverer is in this process: nobody else needs to hear of what is due then."""
    global _delivered_here
    _delivered_here = yes


def ring(chat_id: int, *, urgent: bool = False) -> None:
    """Something may be due in this chat: wakes the deliverer, wherever it is."""
    if wire is not None and not _delivered_here:
        wire.say_due(chat_id, urgent or chat_id in _hurrying)
        _hurrying.discard(chat_id)
        return
    ring_here(chat_id, urgent=urgent)


def ring_here(chat_id: int, *, urgent: bool = False) -> None:
    """Wakes the deliverer of this process."""
    if urgent or chat_id in _hurrying:
        if len(_rung_urgently) < RUNG_MOST:
            _rung_urgently.setdefault(chat_id)
            _rung.pop(chat_id, None)
        _urgent_bell.set()
    elif len(_rung) < RUNG_MOST:
        _rung.setdefault(chat_id)
    _bell.set()


def rung(most: int) -> list[int]:
    """Up to `most` chats that were rung for and not answered for yet, first come first."""
    chats = list(islice(_rung, most))
    for chat_id in chats:
        del _rung[chat_id]
    _hush()
    return chats


def rung_urgently(most: int) -> list[int]:
    """The same of those in which something urgent waits."""
    chats = list(islice(_rung_urgently, most))
    for chat_id in chats:
        del _rung_urgently[chat_id]
    _hush()
    return chats


def _hush() -> None:
    if not _rung_urgently:
        _urgent_bell.clear()
        if not _rung:
            _bell.clear()


async def wait_for_urgent_ring() -> None:
    """Until somebody rings for a chat in which something urgent waits."""
    await _urgent_bell.wait()


async def wait_for_ring(seconds: float) -> None:
    """Until somebody rings, `seconds` at most."""
    try:
        async with asyncio.timeout(seconds):
            await _bell.wait()
    except TimeoutError:
        return


def expect(public_id: str) -> Outcome:
    """To be resolved by `settle` with status and failure; `forget` it, or wait in `settled_within`."""
    future: Outcome = asyncio.get_running_loop().create_future()
    _expected.setdefault(public_id, []).append(future)
    return future


async def settled_within(public_id: str, future: Outcome, seconds: float) -> tuple[str, str | None]:
    """Status and failure; `queued` when nothing final came in that time."""
    try:
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        return "queued", None
    finally:
        forget(public_id, future)


def forget(public_id: str, future: Outcome) -> None:
    """This one waits no more."""
    waiting = [other for other in _expected.pop(public_id, ()) if other is not future]
    if waiting:
        _expected[public_id] = waiting


def stop_waiting() -> None:
    """The process ends: whoever waits hears `queued`, and the next start delivers."""
    for public_id in _expected:
        tell_here(public_id, "queued", None)


def expected() -> list[str]:
    """The public_ids of messages that somebody in this process waits for."""
    return list(_expected)


def tell(public_id: str, status: str, failure: str | None) -> None:
    """A message has ended: wakes whoever waits for that, in any process."""
    tell_here(public_id, status, failure)
    if wire is not None:
        wire.say_settled(public_id, status, failure)


def tell_here(public_id: str, status: str, failure: str | None) -> None:
    """Wakes whoever waits in this process."""
    for future in _expected.get(public_id, ()):
        if not future.done():
            future.set_result((status, failure))


def _tell(result: Settled) -> None:
    if not isinstance(result, Postponed):
        tell(result.message.public_id, _status(result), None if isinstance(result, Sent) else result.reason)

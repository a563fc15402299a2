"""Messages: each row is an entry of the history and of the outbox at the same time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Literal

import msgspec
import structlog
import uuid_utils
from piccolo.columns import UUID, BigInt, Boolean, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db import credentials, metrics
from djangobot.db.delivery import outbox, outcomes, quotas, wakeups
from djangobot.db.engine import Row, current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.errors import (
    AccountBanned,
    ChatBanned,
    ChatBlocked,
    DatabaseUnavailable,
    DiskNearlyFull,
    FieldsInvalid,
    KeyReused,
    MessageNotFound,
    TextTooLong,
    TokenInvalid,
    TokenLimited,
    TokenPaused,
    TooMuchWaiting,
)
from djangobot.db.fields import blank, check_idempotency_key, unstorable
from djangobot.db.people.chats import Chat
from djangobot.db.programs import token_networks, tokens
from djangobot.db.programs.accounts import Account
from djangobot.db.programs.tokens import BotToken

log = structlog.get_logger(__name__)

TEXT_LIMIT = 4096
"""Characters; Telegram's limit for one message. The sender's name does not count. It moves to a part of its
own when it does not fit."""
NEWER_THAN_ALL = 2**63 - 1
MINUTE = timedelta(minutes=1)
"""The period of a token's limit."""
DIGEST = 5
"""The position of the token's digest among the arguments of INSERT."""
KEY_KEPT = timedelta(hours=24)
"""How long an idempotency key stands for its message."""
SWEEP_EVERY, SWEEP_MOST = 100, 200
"""One of every hundred messages with a key deletes up to two hundred expired keys. So they never pile up."""
TTL_MOST = 30 * 24 * 60 * 60
"""Seconds: thirty days. A sender who allows more time than that needs no expiry."""
MessageType = Literal["Text", "Document", "File"]
TYPES: tuple[MessageType, ...] = ("Text", "Document", "File")


class Message(Table, tablename="message"):
    """`id` is for paging, `public_id` (UUIDv7) for senders, `random_id` for Telegram.

    `kind`: a `message`, or a notice of ours (`linked`, `account_removed`, `tokens_revoked`, `broadcast`). No
    history shows notices.
    `status`: queued → sending → sent | held | failed | expired | canceled | uncertain; `paused` together with
    its broadcast.
    """

    id = SerialOnce(primary_key=True)
    public_id = UUID(unique=True)
    kind = Varchar(length=32, default="message")
    account = ForeignKey(references=Account, null=True, default=None, on_delete=OnDelete.cascade)
    token = ForeignKey(references=BotToken, null=True, default=None, on_delete=OnDelete.set_null)
    chat = ForeignKey(references=Chat, null=False, on_delete=OnDelete.cascade)
    created = Timestamptz()
    type = Varchar(length=16, default="Text")
    text = Text()
    status = Varchar(length=16, default="queued")
    telegram_id = Integer(null=True, default=None)
    random_id = BigInt()
    attempts = Integer(default=0)
    first_attempt = Timestamptz(null=True, default=None)
    next_attempt = Timestamptz()
    lease_until = Timestamptz(null=True, default=None)
    failure = Varchar(length=200, null=True, default=None)
    sent = Timestamptz(null=True, default=None)
    idempotency_key = Varchar(length=255, null=True, default=None)
    """The sender's key. It is kept for KEY_KEPT."""
    urgent = Boolean(default=False)
    expires = Timestamptz(null=True, default=None)
    """The message is not sent after this time."""
    held_until = Timestamptz(null=True, default=None)
    """When a digest must tell the person of this message. None after the digest, and for a message that is
    not held."""
    broadcast = BigInt(null=True, default=None)
    """The broadcast this message belongs to. The broadcast holds the text."""
    parts = Text(null=True, default=None)
    """What is sent under its random_id (bot/delivery/parts.py). It is set before the first attempt and
    cleared when the attempt has ended."""


INDEXES = (
    "CREATE INDEX message_unsettled ON message (chat, id) WHERE status IN ('queued', 'sending')",
    "CREATE UNIQUE INDEX message_sending ON message (chat) WHERE CASE status WHEN 'sending' THEN 1 END = 1",
    "CREATE INDEX message_of_chat ON message (chat, created, id) WHERE kind = 'message'",
    "CREATE INDEX message_of_token ON message (token, id)",
    "CREATE INDEX message_of_account ON message (account, id)",
    "CREATE UNIQUE INDEX message_idempotency_key ON message (token, idempotency_key)"
    " WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX message_idempotency_key_age ON message (created) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX message_urgent ON message (chat)"
    " WHERE CASE WHEN urgent THEN status END IN ('queued', 'sending')",
    "CREATE INDEX message_failed_or_uncertain ON message (status, id)"
    " WHERE status IN ('failed', 'uncertain')",
    "CREATE INDEX message_canceled ON message (token) WHERE status = 'canceled'",
    "CREATE INDEX message_expires ON message (expires)"
    " WHERE CASE WHEN expires IS NOT NULL THEN status END = 'queued'",
    "CREATE INDEX message_held ON message (held_until)"
    " WHERE CASE WHEN held_until IS NOT NULL THEN kind END = 'message'",
    "CREATE INDEX message_held_of_chat ON message (chat, held_until) WHERE held_until IS NOT NULL",
)
"""Indexes that Piccolo's columns can't express. The outbox's index holds only unsettled messages. The
history's index holds no notices. One message of a chat is being sent at a time. One key of a token stands for
one message. Other indexes find the urgent messages, those that expire next, and those an admin may decide
about. The conditions are spelled so that a statement of the queue (db/delivery/heads.py) implies only one of
them."""


class Accepted(msgspec.Struct, frozen=True):
    """What became of a message by the time the sender is answered. `repeated`: it was accepted before, under
    the same key."""

    id: str
    status: str
    failure: str | None = None
    repeated: bool = False
    token_id: int | None = None


class Entry(msgspec.Struct, frozen=True):
    """A message in a history. Pages are cut by `seq`."""

    seq: int
    id: str
    time: datetime
    text: str
    type: str
    status: str
    failure: str | None
    sender: str
    token: str | None
    chat: int


class Page(msgspec.Struct, frozen=True):
    """Newest first. `next` is the `before` of the older page; None at the end."""

    messages: list[Entry]
    next: int | None


# One statement: a token revoked or a person banned in the meantime can't slip through. PostgreSQL also locks
# the token and its account until the commit. A revocation, a ban or a removal waits for it, and sees the
# message.
INSERT = """
INSERT INTO message (public_id, kind, account, token, chat, created, type, text, status, random_id, attempts,
                     next_attempt, urgent, expires{column})
SELECT $1::uuid, 'message', t.account, t.id, t.chat, $2::timestamptz, $3::varchar, $4::text, 'queued',
$5::bigint, 0,
       $2::timestamptz, $7::boolean AND NOT t.refuses_urgent, $8::timestamptz{value}
FROM bot_token t JOIN chat c ON c.id = t.chat
WHERE t.digest = $6 AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2::timestamptz)
  AND t.paused IS NULL {limit} AND c.blocked IS NULL AND c.banned IS NULL
  AND (t.account IS NULL OR EXISTS (
      SELECT 1 FROM account a WHERE a.id = t.account AND a.banned IS NULL FOR SHARE OF a))
FOR SHARE OF t {once}
RETURNING token, chat, urgent
"""
ONCE = {
    "column": ", idempotency_key",
    "value": ", $9::varchar",
    "once": "ON CONFLICT (token, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING",
}
ANY = {"column": "", "value": "", "once": ""}
# A token with a limit uses another statement. Tokens without one don't pay for it.
FREE = "AND t.limit_minute IS NULL"
ACCEPT, ACCEPT_ONCE = (INSERT.format(**way, limit=FREE) for way in (ANY, ONCE))
ACCEPT_LIMITED, ACCEPT_LIMITED_ONCE = (INSERT.format(**way, limit="") for way in (ANY, ONCE))
# Locks the token's row. Of several senders at the same moment, each sees what the one before has sent.
LIMIT = """
UPDATE bot_token SET limit_minute = limit_minute WHERE digest = $1 AND limit_minute IS NOT NULL
RETURNING id, limit_minute
"""
# Forces the index of the token's messages, whatever the statistics say. A range of one token leaves no other
# order to follow. `IS TRUE` leaves no other index.
LATEST = """
SELECT created FROM message
WHERE token BETWEEN $1 AND $1 AND (kind = 'message' AND created <= $2) IS TRUE
ORDER BY token DESC, id DESC LIMIT 1 OFFSET $3
"""
OF_KEY = """
SELECT m.public_id AS id, m.text AS text, m.type AS type, m.status AS status, m.failure AS failure,
       m.created AS created, m.urgent AS urgent, m.expires AS expires, t.refuses_urgent AS refuses_urgent
FROM bot_token t JOIN message m ON m.token = t.id AND m.idempotency_key = $2 AND m.created > $4
LEFT JOIN account a ON a.id = t.account
WHERE t.digest = $1 AND a.banned IS NULL AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $3)
"""
LET_GO = """
UPDATE message SET idempotency_key = NULL
WHERE token = (SELECT id FROM bot_token WHERE digest = $1) AND idempotency_key = $2 AND created <= $3
"""
SWEEP = """
UPDATE message SET idempotency_key = NULL WHERE id IN (
    SELECT id FROM message WHERE idempotency_key IS NOT NULL AND created <= $1 ORDER BY created LIMIT $2)
"""
WHY_NOT = """
SELECT c.blocked IS NOT NULL AS blocked, c.banned IS NOT NULL AS banned, t.paused IS NOT NULL AS paused,
       a.banned IS NOT NULL AS account_banned
FROM bot_token t JOIN chat c ON c.id = t.chat LEFT JOIN account a ON a.id = t.account
WHERE t.digest = $1 AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2)
"""
WHY = (
    ("account_banned", AccountBanned),
    ("banned", ChatBanned),
    ("blocked", ChatBlocked),
    ("paused", TokenPaused),
)
ENTRY = """
SELECT m.id AS seq, m.public_id AS id, m.created AS time, m.text AS text, m.type AS type, m.status AS status,
       m.failure AS failure, COALESCE(a.name, t.name) AS sender, t.name AS token, m.chat AS chat
FROM message m LEFT JOIN account a ON a.id = m.account LEFT JOIN bot_token t ON t.id = m.token
WHERE m.kind = 'message'
"""


class Draft(msgspec.Struct, frozen=True):
    """What a sender asks for. `ttl`: seconds after which the message is not sent any more."""

    text: str
    type: str
    urgent: bool
    ttl: int | None

    def expires(self, accepted: datetime) -> datetime | None:
        return None if self.ttl is None else accepted + timedelta(seconds=self.ttl)

    def is_what_was_asked(self, row: Row) -> bool:
        """Whether that row was made from the same request."""
        urgent = self.urgent and not row["refuses_urgent"]
        asked = (self.text, self.type, urgent, self.expires(row["created"]))
        return asked == (row["text"], row["type"], bool(row["urgent"]), row["expires"])


async def accept(
    token: str,
    text: str,
    type: str,
    now: datetime,
    *,
    wait: float = 0,
    key: str | None = None,
    urgent: bool = False,
    ttl: int | None = None,
    network: str | None = None,
) -> Accepted:
    """Commits a message to the database, to be delivered. With `wait`, waits up to that many seconds until
    the message is settled. With `key`, the sender's own name for this message, it is accepted once, however
    often it is repeated. An `urgent` message is sent before others. After `ttl` seconds the message is not
    sent any more. `network` is the sender's network; the person is told of a new one.

    Raises TokenInvalid, TokenPaused, TokenLimited, TooMuchWaiting, DiskNearlyFull, AccountBanned,
    ChatBlocked, ChatBanned, FieldsInvalid, TextTooLong, KeyReused, DatabaseUnavailable.
    """
    check_text(text, type, ttl)
    digest = credentials.digest_token(token)
    draft = Draft(text, type, urgent, ttl)
    try:
        await quotas.check(digest, len(text.encode()))
    except (TooMuchWaiting, DiskNearlyFull):
        before = await _repeated(digest, draft, now, wait, key) if key is not None else None
        if before is not None:
            return before
        raise
    if key is None:
        accepted = await _put(ACCEPT, digest, draft, now, wait)
    else:
        accepted = await _put_once(ACCEPT_ONCE, digest, draft, now, wait, key)
    if accepted is None:
        accepted = await _put_limited(digest, draft, now, wait, key)
    if network is not None and accepted.token_id:
        token_networks.note(accepted.token_id, network, now)
    return accepted


async def _put_limited(digest: str, draft: Draft, now: datetime, wait: float, key: str | None) -> Accepted:
    """Accepts a message that only the token's limit may refuse."""
    await _refuse(digest, now)
    if key is None:
        accepted = await _put(ACCEPT_LIMITED, digest, draft, now, wait)
    else:
        accepted = await _put_once(ACCEPT_LIMITED_ONCE, digest, draft, now, wait, key)
    if accepted is None:
        raise TokenInvalid  # revoked since the check
    return accepted


async def _put(
    sql: str, digest: str, draft: Draft, now: datetime, wait: float, *key: object
) -> Accepted | None:
    """None when no row was inserted. Raises TokenLimited."""
    public_id = str(uuid_utils.uuid7())
    random_id = credentials.new_random_id()
    settled = wakeups.add_waiter(public_id) if wait > 0 else None  # before a worker can see the message
    rows: list[Row] = []
    try:
        add = _within_limit if sql in (ACCEPT_LIMITED, ACCEPT_LIMITED_ONCE) else outbox.add
        adding = add(
            now,
            partial(_note, public_id, now),
            sql,
            public_id,
            now,
            draft.type,
            draft.text,
            random_id,
            digest,
            draft.urgent,
            draft.expires(now),
            *key,
        )
        # Runs to its end even if the sender hangs up: a message claimed at once must reach the worker.
        rows = await asyncio.shield(asyncio.create_task(adding))
    finally:
        if not rows and settled is not None:
            wakeups.remove_waiter(public_id, settled)
    if not rows:
        return None
    token_id = rows[0]["token"]
    if settled is None:
        return Accepted(public_id, "queued", token_id=token_id)
    status, failure = await wakeups.wait_settled(public_id, settled, wait)
    return Accepted(public_id, status, failure, token_id=token_id)


def _note(public_id: str, now: datetime, row: Row) -> None:
    metrics.accepted.inc()
    log.debug("message accepted", id=public_id, chat=row["chat"])
    tokens.note_use(row["token"], now)


async def _within_limit(now: datetime, accepted: Callable[[Row], None], sql: str, *args: Any) -> list[Row]:
    """The database counts, so the limit holds in every process. Raises TokenLimited."""
    engine = current()
    async with engine.write():
        for token in await engine.execute(LIMIT, args[DIGEST]):
            latest = await engine.fetch(LATEST, token["id"], now, token["limit_minute"] - 1)
            if latest and latest[0]["created"] > now - MINUTE:
                raise TokenLimited((latest[0]["created"] + MINUTE - now).total_seconds())
        rows = await engine.execute(sql, *args)
    outbox.notify_added(rows, accepted)
    return rows


async def _put_once(
    sql: str, digest: str, draft: Draft, now: datetime, wait: float, key: str
) -> Accepted | None:
    """The database decides which of several requests at the same moment is the first. The others find its
    message. The second round is for a key that had expired and was deleted. None: the sender is refused."""
    check_idempotency_key(key)
    await _sweep(now)
    for _ in range(2):
        accepted = await _put(sql, digest, draft, now, wait, key)
        if accepted is None:
            accepted = await _repeated(digest, draft, now, wait, key)
        if accepted is not None:
            return accepted
        await current().execute(LET_GO, digest, key, now - KEY_KEPT)
    return None


async def _repeated(digest: str, draft: Draft, now: datetime, wait: float, key: str) -> Accepted | None:
    """The message this key stands for, if any, as it is now or after the wait. Raises KeyReused."""
    before = await _of_key(digest, key, now)
    if before is None:
        return None
    if not draft.is_what_was_asked(before):
        raise KeyReused
    log.debug("message asked for again", id=str(before["id"]), status=before["status"])
    if wait <= 0:
        return _as_it_is(before)
    public_id = str(before["id"])
    settled = wakeups.add_waiter(public_id)
    try:  # it may have been settled before the waiter was added
        latest = await _of_key(digest, key, now)
        if latest is None or latest["status"] in outcomes.SETTLED:
            return _as_it_is(latest or before)
        status, failure = await wakeups.wait_settled(public_id, settled, wait)
    finally:
        wakeups.remove_waiter(public_id, settled)
    return Accepted(public_id, status, failure, repeated=True)


def _as_it_is(row: Row) -> Accepted:
    return Accepted(str(row["id"]), row["status"], row["failure"], repeated=True)


async def _of_key(digest: str, key: str, now: datetime) -> Row | None:
    rows = await current().fetch(OF_KEY, digest, key, now, now - KEY_KEPT)
    return rows[0] if rows else None


_with_key = count()


async def _sweep(now: datetime) -> None:
    if next(_with_key) % SWEEP_EVERY:
        return
    with suppress(DatabaseUnavailable):  # a failed sweep refuses nobody
        await current().execute(SWEEP, now - KEY_KEPT, SWEEP_MOST)


def check_text(text: str, type: str, ttl: int | None = None) -> None:
    """Raises FieldsInvalid, TextTooLong."""
    details = {}
    if type not in TYPES:
        details["type"] = f"must be one of: {', '.join(TYPES)}"
    if wrong := unstorable(text) or blank(text):
        details["text"] = wrong
    if ttl is not None and not 1 <= ttl <= TTL_MOST:
        details["ttl"] = f"must be a whole number from 1 to {TTL_MOST}"
    if details:
        raise FieldsInvalid(details)
    if len(text) > TEXT_LIMIT:
        raise TextTooLong


async def page(
    account_id: int, *, limit: int = 50, before: int | None = None, chat: int | None = None
) -> Page:
    """An account's messages. `before`: only those with a lower sequential id. Reads one row more than the
    page; that row says whether there is another page."""
    before = NEWER_THAN_ALL if before is None else before
    if chat is None:
        sql = f"{ENTRY} AND m.account = $1 AND m.id < $2 ORDER BY m.id DESC LIMIT {limit + 1}"
        rows = await current().fetch(sql, account_id, before)
    else:
        rows = await _rows_to_chat(account_id, chat, limit + 1, before)
    entries = [entry_of(row) for row in rows[:limit]]
    return Page(entries, next=entries[-1].seq if len(rows) > limit else None)


async def _rows_to_chat(account_id: int, chat: int, limit: int, before: int) -> list[Row]:
    """An account's newest messages to one chat. Merges the newest messages of each of its tokens for that
    chat. So an index gives them, however many others write to the chat and however many chats the account
    writes to."""
    sql = "SELECT id FROM bot_token WHERE account = $1 AND chat = $2"
    tokens_there = [row["id"] for row in await current().fetch(sql, account_id, chat)]
    rows: list[Row] = []
    for token in tokens_there:
        sql = f"{ENTRY} AND m.token = $1 AND m.id < $2 ORDER BY m.id DESC LIMIT {limit}"
        rows += await current().fetch(sql, token, before)
    return sorted(rows, key=lambda row: -row["seq"])[:limit]


async def of_token(public_id: str, token: str, now: datetime) -> Entry:
    """One message, for the holder of a valid token it was sent with. Raises TokenInvalid, AccountBanned,
    MessageNotFound."""
    row = await tokens.resolve(token, now)
    if not _is_uuid(public_id):
        raise MessageNotFound
    found = await current().fetch(f"{ENTRY} AND m.public_id = $1::uuid AND m.token = $2", public_id, row.id)
    if not found:
        raise MessageNotFound
    return entry_of(found[0])


async def _refuse(digest: str, now: datetime) -> None:
    """Raises the reason why a token can't send. Raises nothing when it can send within its limit."""
    rows = await current().fetch(WHY_NOT, digest, now)
    if not rows:
        raise TokenInvalid
    for reason, error in WHY:
        if rows[0][reason]:
            raise error


def entry_of(row: Row) -> Entry:
    """Turns a row of ENTRY into an Entry."""
    values: dict[str, Any] = {**row, "id": str(row["id"]), "sender": row["sender"] or ""}
    return Entry(**values)


def _is_uuid(text: str) -> bool:
    try:
        uuid_utils.UUID(text)
    except ValueError:
        return False
    return len(text) == 36


__all__ = ["Accepted", "Entry", "Message", "Page", "accept", "check_text", "entry_of", "of_token", "page"]

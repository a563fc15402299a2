"""Acceptance: a sender's message is checked and committed to the database, to be delivered.

Read from the top: `accept` checks the message and reserves its room; one statement inserts it; the rest says
why nothing was inserted.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec
import structlog
import uuid_utils

from djangobot.db import metrics
from djangobot.db.delivery import outbox, scheduled_messages
from djangobot.db.delivery.limits import quotas
from djangobot.db.delivery.pubsub import waiters
from djangobot.db.delivery.random_ids import new_random_id
from djangobot.db.engine import Insert, Row, current
from djangobot.db.errors import (
    AccountBanned,
    ChatBanned,
    ChatBlocked,
    DiskNearlyFull,
    FieldsInvalid,
    TokenInvalid,
    TokenPaused,
    TooMuchWaiting,
)
from djangobot.db.messages import idempotency, send_time, tags, token_limit
from djangobot.db.messages.edits import Replacing
from djangobot.db.messages.files import files
from djangobot.db.messages.new_message import Accepted, NewMessage
from djangobot.db.messages.sender import Sender
from djangobot.db.programs import token_networks, tokens

log = structlog.get_logger(__name__)


class NewRow(msgspec.Struct, frozen=True):
    """The parameters of INSERT, which names them in braces. `limit_checked`: the message is within the
    token's limit."""

    public_id: str
    random_id: int
    digest: str
    now: datetime
    type: str
    text: str
    urgent: bool
    expires: datetime | None
    key: str | None
    rich: str | None
    send_at: datetime | None
    limit_checked: bool

    @property
    def scheduled(self) -> bool:
        """Whether it is to be sent later."""
        return self.send_at is not None and self.send_at > self.now

    @classmethod
    def of(cls, message: NewMessage, digest: str, now: datetime, *, limit_checked: bool = False) -> "NewRow":
        """A row for this message, with new ids, of the token with this digest."""
        return cls(
            public_id=str(uuid_utils.uuid7()),
            random_id=new_random_id(),
            digest=digest,
            now=now,
            type=message.type,
            text=message.text,
            urgent=message.urgent,
            expires=message.expires(now),
            key=message.key,
            rich=message.rich,
            send_at=message.sends(now),
            limit_checked=limit_checked,
        )


# One statement: a token revoked or a person banned in the meantime can't slip through. PostgreSQL also locks
# the token and its account until the commit. A revocation, a ban or a removal waits for it, and sees the
# message. The database decides which of several requests under one key at the same moment is the first.
# db/engine/sql.py says what `$inserted`, `$rows1` and `$lookup` are.
FORM = """
INSERT INTO message (public_id, kind, account, token, chat, created, type, text, status, random_id, attempts,
                     next_attempt, urgent, expires, idempotency_key, rich, send_at)
SELECT {public_id}::uuid, 'message', t.account, t.id, t.chat, {now}::timestamptz, {type}::varchar,
       {text}::text, CASE WHEN {send_at}::timestamptz > {now}::timestamptz THEN 'scheduled' ELSE 'queued' END,
       {random_id}::bigint, 0, {now}::timestamptz,
       {urgent}::boolean AND NOT t.refuses_urgent, {expires}::timestamptz, {key}::varchar, {rich}::text,
       {send_at}::timestamptz
FROM {senders}
WHERE t.digest = {digest} AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > {now}::timestamptz)
  AND t.paused IS NULL AND (t.limit_minute IS NULL OR {limit_checked}::boolean)
  AND c.blocked IS NULL AND c.banned IS NULL
  AND (t.account IS NULL OR EXISTS (
      SELECT 1 FROM account a WHERE a.id = t.account AND a.banned IS NULL FOR SHARE OF a{skip_locked}))
{order_or_lock}
{on_conflict}
{returned}
"""
FIELDS = NewRow.__struct_fields__
ON_CONFLICT = "ON CONFLICT (token, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"
ONE = FORM.format(
    senders="bot_token t JOIN chat c ON c.id = t.chat",
    skip_locked="",
    order_or_lock="FOR SHARE OF t",
    on_conflict=ON_CONFLICT,
    returned="$inserted(message: id, token, chat, urgent)",
    **{name: f"${number}" for number, name in enumerate(FIELDS, start=1)},
)
# Many messages wait for no lock, because all their senders would wait. A message whose token or account is
# locked is left out, and is inserted alone. The order of their ids is that in which they came.
MANY = partial(
    FORM.format,
    senders="""
$rows1 r(public_id::uuid, random_id, digest::text, now::timestamptz, type::text, text::text, urgent::boolean,
         expires::timestamptz, key::text, rich::text, send_at::timestamptz, limit_checked::boolean)
JOIN $lookup(bot_token t: t.digest = r.digest FOR SHARE OF t SKIP LOCKED)
JOIN $lookup(chat c: c.id = t.chat)""",
    skip_locked=" SKIP LOCKED",
    order_or_lock="ORDER BY r.public_id",
    returned="RETURNING public_id::text AS key, id, token, chat, urgent",
    **{name: f"r.{name}" for name in FIELDS},
)
INSERT = Insert(ONE, MANY(on_conflict=""))
INSERT_ONCE = Insert(ONE, MANY(on_conflict=ON_CONFLICT))
"""For messages with a key. They wait for another process that is inserting one with the same key, and no
message without a key waits with them."""
WHY_NOT = """
SELECT c.blocked IS NOT NULL AS blocked, c.banned IS NOT NULL AS banned, t.paused IS NOT NULL AS paused,
       a.banned IS NOT NULL AS account_banned, t.id AS token, t.chat AS chat, t.account AS account
FROM bot_token t JOIN chat c ON c.id = t.chat LEFT JOIN account a ON a.id = t.account
WHERE t.digest = $1 AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2)
"""
WHY = (
    ("account_banned", AccountBanned),
    ("banned", ChatBanned),
    ("blocked", ChatBlocked),
    ("paused", TokenPaused),
)


async def sender(token: str, now: datetime) -> Sender:
    """Who sends with this token, before there is a message. Raises TokenInvalid, TokenPaused, AccountBanned,
    ChatBlocked, ChatBanned."""
    row = await _refuse(await tokens.digest_of(token), now)
    return Sender(row["token"], row["chat"], row["account"])


async def accept(token: str, message: NewMessage, now: datetime) -> Accepted:
    """Commits a message to the database, to be delivered.

    Raises TokenInvalid, TokenPaused, TokenLimited, TooMuchWaiting, DiskNearlyFull, AccountBanned,
    ChatBlocked, ChatBanned, FieldsInvalid, TextTooLong, KeyReused, FilesUnavailable, DatabaseUnavailable.
    """
    message.check()
    message = await message.formatted()
    digest = await tokens.digest_of(token)
    try:
        send_time.check_bounds(message.send_at, now)
        await quotas.check(digest, len(message.text.encode()) + len((message.rich or "").encode()))
    except (FieldsInvalid, TooMuchWaiting, DiskNearlyFull):
        if (before := await idempotency.repeated(digest, message, now)) is not None:
            return before
        raise
    if message.key is not None:
        await idempotency.sweep(now)
    accepted = await _insert(digest, message, now)
    if accepted is None:
        accepted = await _insert_after_all(digest, message, now)
    if message.network is not None and accepted.token_id:
        token_networks.note(accepted.token_id, message.network, now)
    return accepted


async def _insert(
    digest: str, message: NewMessage, now: datetime, *, limit_checked: bool = False
) -> Accepted | None:
    """Commits the row, and waits for its outcome if that is asked for. None when no row was inserted."""
    row = NewRow.of(message, digest, now, limit_checked=limit_checked)
    waits = message.wait > 0 and not row.scheduled
    settled = waiters.add_waiter(row.public_id) if waits else None  # before a worker can see it
    rows: list[Row] = []
    try:
        # Runs to its end even if the sender hangs up: a message claimed at once must reach the worker.
        if message.is_plain and not limit_checked:
            note: Callable[[Row], None] = partial(_note, row.public_id, now)
            statement = INSERT if row.key is None else INSERT_ONCE
            rows = await outbox.add(now, note, statement, msgspec.structs.astuple(row))
        else:
            rows = await asyncio.shield(asyncio.create_task(_commit(row, message)))
    finally:
        if not rows and settled is not None:
            waiters.remove_waiter(row.public_id, settled)
    if not rows:
        return None
    token_id = rows[0]["token"]
    if row.scheduled:
        scheduled_messages.notify()
        return Accepted(row.public_id, "scheduled", token_id=token_id)
    if settled is None:
        return Accepted(row.public_id, "queued", token_id=token_id)
    status, failure = await waiters.wait_settled(row.public_id, settled, message.wait)
    return Accepted(row.public_id, status, failure, token_id=token_id)


async def _commit(row: NewRow, message: NewMessage) -> list[Row]:
    """Commits the row, and what belongs to it in other tables."""
    engine, replacing = current(), Replacing(message)
    async with engine.write():
        await replacing.find(row.digest)
        if row.limit_checked and not replacing.is_edit:
            await token_limit.check(row.digest, row.now)
        row = msgspec.structs.replace(row, limit_checked=row.limit_checked or replacing.is_edit)
        rows = await engine.execute(ONE, *msgspec.structs.astuple(row))
        for added in rows:
            await files.attach(added["id"], message.files)
            await replacing.insert(added["id"])
            if not replacing.is_edit:
                await tags.add(added["id"], added["chat"], message.tags)
    replacing.notify()
    outbox.notify_added(partial(_note, row.public_id, row.now), rows)
    return rows


def _note(public_id: str, now: datetime, row: Row) -> None:
    metrics.accepted.inc()
    # Without `bind`, a logger of structlog is searched for each time (structlog.org, performance).
    log.bind().debug("message accepted", id=public_id, chat=row["chat"])
    tokens.note_use(row["token"], now)


async def _insert_after_all(digest: str, message: NewMessage, now: datetime) -> Accepted:
    """Nothing was inserted: the key was used before, the sender is refused, or the token has a limit, which
    is counted only now. Tokens without one don't pay for it."""
    if (before := await idempotency.repeated(digest, message, now)) is not None:
        return before
    await _refuse(digest, now)
    if message.key is not None:
        await idempotency.release(digest, message.key, now)
    accepted = await _insert(digest, message, now, limit_checked=True)
    if accepted is None:  # another request under this key was the first
        accepted = await idempotency.repeated(digest, message, now)
    if accepted is None:
        raise TokenInvalid  # revoked since the check
    return accepted


async def _refuse(digest: str, now: datetime) -> Row:
    """Raises the reason why a token can't send. Returns whose it is when it can send within its limit."""
    rows = await current().fetch(WHY_NOT, digest, now)
    if not rows:
        raise TokenInvalid
    for reason, error in WHY:
        if rows[0][reason]:
            raise error
    return rows[0]

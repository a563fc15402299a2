"""Messages: each row is an entry of the history and of the outbox at the same time."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import uuid_utils
from piccolo.columns import UUID, BigInt, Boolean, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.clock import utc_now
from djangobot.db.delivery.pubsub import changes
from djangobot.db.engine import Row, current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.errors import (
    MessageNotFound,
)
from djangobot.db.messages import content, presses
from djangobot.db.messages.content import PLAIN, Content
from djangobot.db.messages.presses import Pressed
from djangobot.db.people.chats import Chat
from djangobot.db.programs import tokens
from djangobot.db.programs.accounts import Account
from djangobot.db.programs.tokens import BotToken

NEWER_THAN_ALL = 2**63 - 1


class Message(Table, tablename="message"):
    """`id` is for paging, `public_id` (UUIDv7) for senders, `random_id` for Telegram.

    `kind`: a `message`, an `edit` of one (db/messages/edits.py), or a notice of ours (`linked`,
    `account_removed`, `tokens_revoked`, `broadcast`). Histories show messages alone.
    `status`: scheduled → queued → sending → sent | held | failed | expired | canceled | uncertain |
    replaced; `paused` together with its broadcast.
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
    telegram_ids = Text(null=True, default=None)
    """The ids of all its messages in the chat, as JSON, in their order: 0 for one that Telegram did not name.
    None when there is one, which is `telegram_id`."""
    random_id = BigInt()
    attempts = Integer(default=0)
    first_attempt = Timestamptz(null=True, default=None)
    next_attempt = Timestamptz()
    failure = Varchar(length=200, null=True, default=None)
    sent = Timestamptz(null=True, default=None)
    idempotency_key = Varchar(length=255, null=True, default=None)
    """The sender's key. It is kept for KEY_KEPT, and as long as the message waits."""
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
    rich = Text(null=True, default=None)
    """What people see beside the text (db/messages/content.py). None for a plain text."""
    send_at = Timestamptz(null=True, default=None)
    """The time that its sender chose for it. It is `scheduled` until then."""
    place = BigInt(null=True, default=None)
    """Its place in the queue of its chat: a number between the doubled ids of the messages before and behind
    it. None for the place that its own id gives it."""
    pressed = Text(null=True, default=None)
    """The button that was pressed (db/messages/presses.py). None until then."""
    replace_key = Varchar(length=64, null=True, default=None)
    """The sender's name for a message that changes."""
    replaces = BigInt(null=True, default=None)
    """The message in the chat that this edit changes. None for everything else."""
    supersedes = BigInt(null=True, default=None)
    """The message that could not become this one in the chat. It is deleted there once this one was sent."""
    is_edit = Boolean(default=False)
    """Whether the kind is `edit`. The edits of a chat are sent after its messages."""
    edits = Integer(default=0)
    """How many edits this message has had. Its text and `rich` are those of the last one."""
    reply_to = BigInt(null=True, default=None)
    """The message that this one answers. It may be gone."""
    request = Varchar(length=64, null=True, default=None)
    """A digest of what the sender asked for, if the row does not tell (db/messages/idempotency.py)."""
    delete_asked = Timestamptz(null=True, default=None)
    """When its sender asked to delete it from the chat (db/messages/deletions.py). None when Telegram refused
    that."""
    deleted = Timestamptz(null=True, default=None)
    """When its sender took it back: it was deleted from the chat, and its status stays `sent`, or it was
    canceled."""


INDEXES = (
    "CREATE INDEX message_unsettled ON message (chat, is_edit, COALESCE(place, id * 2), send_at, id)"
    " WHERE status IN ('queued', 'sending')",
    "CREATE UNIQUE INDEX message_sending ON message (chat) WHERE CASE status WHEN 'sending' THEN 1 END = 1",
    "CREATE INDEX message_of_chat ON message (chat, kind, created, id)",
    "CREATE INDEX message_of_token ON message (token, kind, id)",
    "CREATE INDEX message_of_account ON message (account, kind, id)",
    "CREATE UNIQUE INDEX message_idempotency_key ON message (token, idempotency_key)"
    " WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX message_idempotency_key_age ON message (created)"
    " WHERE CASE WHEN idempotency_key IS NOT NULL THEN status END NOT IN ('scheduled', 'queued', 'sending')",
    "CREATE INDEX message_urgent ON message (chat)"
    " WHERE CASE WHEN urgent THEN status END IN ('queued', 'sending')",
    "CREATE INDEX message_failed_or_uncertain ON message (status, id)"
    " WHERE status IN ('failed', 'uncertain')",
    "CREATE INDEX message_canceled ON message (token) WHERE status = 'canceled'",
    "CREATE INDEX message_expires ON message (expires)"
    " WHERE CASE WHEN expires IS NOT NULL THEN status END = 'queued'",
    "CREATE INDEX message_held ON message (held_until)"
    " WHERE CASE WHEN held_until IS NOT NULL THEN kind END = 'message'",
    "CREATE INDEX message_scheduled ON message (send_at)"
    " WHERE CASE WHEN send_at IS NOT NULL THEN status END = 'scheduled'",
    "CREATE INDEX message_scheduled_of_chat ON message (chat, send_at, id) WHERE status = 'scheduled'",
    "CREATE UNIQUE INDEX message_replace_key ON message (token, replace_key)"
    " WHERE CASE WHEN replace_key IS NOT NULL THEN kind END = 'message'",
    "CREATE INDEX message_edits ON message (replaces, id) WHERE replaces IS NOT NULL",
    "CREATE INDEX message_coming_edits ON message (replaces)"
    " WHERE CASE WHEN replaces IS NOT NULL THEN status END IN ('queued', 'scheduled')",
    "CREATE INDEX message_held_of_chat ON message (chat, held_until) WHERE held_until IS NOT NULL",
)
"""Indexes that Piccolo's columns can't express. The outbox's index holds only unsettled messages. The indexes
of a chat, a token and an account keep messages apart from edits and notices, which may be many more. They
find all of them when the chat, the token or the account is deleted. A replace key of a token names one
message. One message of a chat is being sent at a time. One idempotency key of a token stands for one message.
Other indexes find the urgent messages, those that expire next, those an admin may decide about, and the edits
that wait. The conditions are spelled so that a statement of the queue (db/delivery/heads.py) implies only one
of them."""


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
    content: Content = PLAIN
    send_at: datetime | None = None
    pressed: Pressed | None = None
    edited: int = 0
    deleted: datetime | None = None

    @property
    def has_files_to_show(self) -> bool:
        """Whether its files are in the chat, or are kept for the person, unless they are gone since."""
        return self.status in ("sent", "held") and bool(self.content.files)


class Page(msgspec.Struct, frozen=True):
    """Newest first. `next` is the `before` of the older page; None at the end."""

    messages: list[Entry]
    next: int | None


ENTRY = """
SELECT m.id AS seq, m.public_id AS id, m.created AS time, m.text AS text, m.type AS type, m.status AS status,
       m.failure AS failure, COALESCE(a.name, t.name) AS sender, t.name AS token, m.chat AS chat,
       m.rich AS rich, m.send_at AS send_at, m.pressed AS pressed,
       m.edits AS edited, m.deleted AS deleted
FROM message m LEFT JOIN account a ON a.id = m.account LEFT JOIN bot_token t ON t.id = m.token
WHERE m.kind = 'message'
"""
WITH_ROOT = """
JOIN $lookup(message r: r.id = CASE WHEN m.replaces IS NULL THEN m.id ELSE m.replaces END)
"""
"""Beside each message stands the one in the chat that it is an edit of, or itself."""
# An edit says how often its message was edited, and whether that was deleted.
ONE = (
    ENTRY.replace("m.kind = 'message'", "m.kind IN ('message', 'edit')")
    .replace("m.edits AS edited, m.deleted", "r.edits AS edited, r.deleted")
    .replace("FROM message m", f"FROM message m {WITH_ROOT}")
)


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
    if not is_uuid(public_id):
        raise MessageNotFound
    found = await current().fetch(f"{ONE} AND m.public_id = $1::uuid AND m.token = $2", public_id, row.id)
    if not found:
        raise MessageNotFound
    return entry_of(found[0])


async def once_changed(public_id: str, token: str, known: Callable[[Entry], bool], seconds: float) -> Entry:
    """The message as soon as it is not as the caller knows it, or after `seconds` as it is then. Raises the
    errors of `of_token`."""
    deadline = asyncio.get_running_loop().time() + seconds
    with changes.watch(public_id) as watch:
        entry = await of_token(public_id, token, utc_now())
        while known(entry):
            in_time = await watch.wait(deadline)
            entry = await of_token(public_id, token, utc_now())
            if not in_time:
                break
    return entry


def entry_of(row: Row) -> Entry:
    """Turns a row of ENTRY into an Entry."""
    values: dict[str, Any] = {**row, "id": str(row["id"]), "sender": row["sender"] or ""}
    values["edited"] = row["edited"] or 0
    shown = content.decode(values.pop("rich"))
    return Entry(content=shown, pressed=presses.decode(values.pop("pressed")), **values)


def entry_of_person(row: Row) -> Entry:
    """The same for the person's own lists. Of a message that its sender took back they say that there was
    one."""
    entry = entry_of(row)
    if entry.deleted is None:
        return entry
    status = "deleted" if entry.status == "sent" else entry.status
    return msgspec.structs.replace(entry, text="", content=PLAIN, status=status, pressed=None)


def is_uuid(text: str) -> bool:
    """Whether this is an id of a message, as senders write it."""
    try:
        uuid_utils.UUID(text)
    except ValueError:
        return False
    return len(text) == 36

"""Bot tokens: programs send messages with them. A token has one chat, and one account or none. A person makes
tokens for their own programs in the chat; these belong to no account. The person in the chat can revoke any
of them."""

from datetime import datetime, timedelta

import msgspec
import structlog
from cachetools import LRUCache
from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db import credentials
from djangobot.db.engine import Row, current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.errors import AccountBanned, DatabaseUnavailable, TokenInvalid, TokenNotFound
from djangobot.db.fields import NAME_LIMIT, check_token_name
from djangobot.db.people.chats import Chat
from djangobot.db.programs.accounts import Account
from djangobot.db.tasks import Tasks

log = structlog.get_logger(__name__)

PREFIX = 4
USE_NOTED_EVERY = timedelta(seconds=30)
"""The precision of `last_used`. An exact value would double the writes."""
REMEMBERED = 10_000
"""Tokens whose latest use is remembered."""
COUNTED_MOST = 10_000
"""Messages that are counted for a card, at most."""


class BotToken(Table, tablename="bot_token"):
    """The token is stored as a digest. People tell it from others by its `prefix`."""

    id = SerialOnce(primary_key=True)
    digest = Varchar(length=64, unique=True, secret=True)
    gotify_digest = Varchar(length=64, null=True, default=None, unique=True, secret=True)
    """The digest of its Gotify token."""
    prefix = Varchar(length=PREFIX)
    account = ForeignKey(references=Account, on_delete=OnDelete.cascade, null=True, default=None, index=True)
    """None for the chat's own token."""
    chat = ForeignKey(references=Chat, on_delete=OnDelete.cascade, null=False, index=True)
    name = Varchar(length=NAME_LIMIT)
    created = Timestamptz()
    last_used = Timestamptz(null=True, default=None)
    expires = Timestamptz(null=True, default=None)
    revoked = Timestamptz(null=True, default=None)
    paused = Timestamptz(null=True, default=None)
    limit_minute = Integer(null=True, default=None)
    """Messages in any sixty seconds; none for no limit."""
    refuses_urgent = Boolean(default=False)
    """Its urgent messages are treated like any other."""
    origin = BigInt(null=True, default=None)
    """Only the chat's own token: Telegram's number of the person's message that asked for it."""
    nonce = Varchar(length=credentials.NONCE_LENGTH, null=True, default=None, secret=True)
    """While the value stands in the chat: what it was made from, together with a secret that the database
    does not have."""


INDEXES = ("CREATE UNIQUE INDEX bot_token_origin ON bot_token (chat, origin) WHERE origin IS NOT NULL",)


class TokenCard(msgspec.Struct, frozen=True):
    """A token as the person in its chat sees it. Without an account it is the chat's own."""

    id: int
    prefix: str
    name: str
    account_name: str | None
    created: datetime
    last_used: datetime | None
    expires: datetime | None
    revoked: datetime | None
    paused: datetime | None
    limit_minute: int | None
    refuses_urgent: bool

    def over(self, now: datetime) -> bool:
        """Whether it is revoked or expired, so that it can't be used as it is."""
        return self.revoked is not None or (self.expires is not None and self.expires <= now)


CARD = """
SELECT t.id AS id, t.prefix AS prefix, t.name AS name, a.name AS account_name, t.created AS created,
       t.last_used AS last_used, t.expires AS expires, t.revoked AS revoked, t.paused AS paused,
       t.limit_minute AS limit_minute, t.refuses_urgent AS refuses_urgent
FROM bot_token t LEFT JOIN account a ON a.id = t.account
"""
NAME_IN_CHAT = """
SELECT a.name AS name FROM account a WHERE a.id = $2 AND EXISTS (
    SELECT 1 FROM bot_token t WHERE t.chat = $1 AND t.account = a.id AND t.revoked IS NULL
    AND (t.expires IS NULL OR t.expires > $3))
"""
CHANGE = """
UPDATE bot_token SET {column} = $3 WHERE id = $2 AND chat = $1 AND revoked IS NULL
AND (expires IS NULL OR expires > $4)
"""
ROTATE = """
UPDATE bot_token SET digest = $4, gotify_digest = $7, prefix = $5, nonce = $8
WHERE id = $2 AND chat = $1 AND prefix = $3 AND revoked IS NULL AND (expires IS NULL OR expires > $6)
RETURNING id
"""
# Reads the index of the token's messages, newest first, up to the limit.
SINCE = """
SELECT COUNT(*) AS messages FROM (
    SELECT created FROM message WHERE token = $1 AND kind = 'message' ORDER BY id DESC LIMIT $3
) latest WHERE created > $2
"""


def gotify_digest(token: str) -> str:
    """The digest of the Gotify token of this bot token."""
    return credentials.digest_token(credentials.gotify_token(token))


async def digest_of(token: str) -> str:
    """The digest under which a token is stored. `token` may also be its Gotify token."""
    digest = credentials.digest_token(token)
    if not credentials.is_gotify_token(token):
        return digest
    rows = await current().fetch("SELECT digest FROM bot_token WHERE gotify_digest = $1", digest)
    return str(rows[0]["digest"]) if rows else digest


async def resolve(token: str, now: datetime) -> BotToken:
    """The row of a token. Raises TokenInvalid when it is unknown, revoked or expired; AccountBanned."""
    row = await BotToken.objects().where(BotToken.digest == await digest_of(token)).first()
    if row is None or row.revoked is not None or (row.expires is not None and row.expires <= now):
        raise TokenInvalid
    banned = (Account.id == row.account) & Account.banned.is_not_null()
    if row.account is not None and await Account.exists().where(banned):
        raise AccountBanned
    return row


async def of_chat(chat_id: int, now: datetime) -> list[TokenCard]:
    """The tokens that can be used, newest first."""
    rows = await current().fetch(
        CARD + "WHERE t.chat = $1 AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2)"
        " ORDER BY t.id DESC",
        chat_id,
        now,
    )
    return [_card(row) for row in rows]


async def card(chat_id: int, token_id: int, now: datetime) -> TokenCard:
    """One of this chat's tokens, even a revoked or expired one. Raises TokenNotFound."""
    rows = await current().fetch(CARD + "WHERE t.id = $2 AND t.chat = $1", chat_id, token_id)
    if not rows:
        raise TokenNotFound
    return _card(rows[0])


async def name_in_chat(chat_id: int, account_id: int, now: datetime) -> str | None:
    """The name of an account that may write to this chat; None when it may not."""
    rows = await current().fetch(NAME_IN_CHAT, chat_id, account_id, now)
    return rows[0]["name"] if rows else None


async def messages_since(token_id: int, moment: datetime) -> int:
    """How many messages it has sent since then; COUNTED_MOST at most."""
    rows = await current().fetch(SINCE, token_id, moment, COUNTED_MOST)
    number: int = rows[0]["messages"]
    return number


async def rename(chat_id: int, token_id: int, name: str, now: datetime) -> TokenCard:
    """Gives a token another name. Raises TokenNotFound, FieldsInvalid."""
    check_token_name(name)
    return await _change(chat_id, token_id, "name", name, now)


async def pause(chat_id: int, token_id: int, now: datetime) -> TokenCard:
    """Stops a token from sending until `resume`. What it sent before is still delivered. Raises
    TokenNotFound."""
    return await _change(chat_id, token_id, "paused", now, now)


async def resume(chat_id: int, token_id: int, now: datetime) -> TokenCard:
    """Lets a token send again. Raises TokenNotFound."""
    return await _change(chat_id, token_id, "paused", None, now)


async def limit(chat_id: int, token_id: int, a_minute: int | None, now: datetime) -> TokenCard:
    """Sets how many messages it may send in any minute; None for no limit. Raises TokenNotFound."""
    return await _change(chat_id, token_id, "limit_minute", a_minute, now)


async def expire(chat_id: int, token_id: int, moment: datetime | None, now: datetime) -> TokenCard:
    """Sets when a token expires; None for never. A revoked or expired token stays so. Raises
    TokenNotFound."""
    return await _change(chat_id, token_id, "expires", moment, now)


async def refuse_urgent(chat_id: int, token_id: int, refuses: bool, now: datetime) -> TokenCard:
    """Sets whether its urgent messages are treated like any other. Raises TokenNotFound."""
    return await _change(chat_id, token_id, "refuses_urgent", refuses, now)


async def rotate(
    chat_id: int, token_id: int, prefix: str, now: datetime, *, secret: str
) -> tuple[TokenCard, str | None]:
    """Gives the token that begins with `prefix` another value. The old value stops working. Returns None for
    the value when the token is revoked or expired, or when it begins with something else: then it was rotated
    before. The value can be shown again with the same `secret` until it is hidden (own_tokens.py).

    Raises TokenNotFound.
    """
    nonce = credentials.new_nonce()
    token = credentials.derived_token(secret, nonce)
    changed = await current().execute(
        ROTATE,
        chat_id,
        token_id,
        prefix,
        credentials.digest_token(token),
        token[:PREFIX],
        now,
        gotify_digest(token),
        nonce,
    )
    if changed:
        log.info("bot token rotated", token_id=token_id, chat=chat_id)
    return await card(chat_id, token_id, now), token if changed else None


async def _change(chat_id: int, token_id: int, column: str, value: object, now: datetime) -> TokenCard:
    """Changes one column. A revoked or expired token is returned unchanged."""
    await current().execute(CHANGE.format(column=column), chat_id, token_id, value, now)
    log.info("bot token changed", token_id=token_id, chat=chat_id, what=column)
    return await card(chat_id, token_id, now)


def _card(row: Row) -> TokenCard:
    return TokenCard(**{**row, "refuses_urgent": bool(row["refuses_urgent"])})


async def issue_in_transaction(
    account_id: int, chat_id: int, name: str, now: datetime
) -> tuple[BotToken, str]:
    """A new token for `chat_id`. The caller's transaction decides whether it is kept."""
    token = credentials.new_bot_token()
    row = BotToken(
        digest=credentials.digest_token(token),
        gotify_digest=gotify_digest(token),
        prefix=token[:PREFIX],
        account=account_id,
        chat=chat_id,
        name=name,
        created=now,
    )
    await row.save()
    return row, token


_noted: LRUCache[tuple[int, int], datetime] = LRUCache(REMEMBERED)
_noting = Tasks()


def note_use(token_id: int, now: datetime) -> None:
    """Writes `last_used` in the background, at most once per USE_NOTED_EVERY."""
    key = (id(current()), token_id)
    last = _noted.get(key)
    if last is not None and now - last < USE_NOTED_EVERY:
        return
    _noted[key] = now
    _noting.start(_write_use(token_id, now))


async def _write_use(token_id: int, now: datetime) -> None:
    try:
        await current().execute("UPDATE bot_token SET last_used = $2 WHERE id = $1", token_id, now)
    except DatabaseUnavailable:
        _noted.clear()  # the next uses try again

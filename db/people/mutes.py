"""Mutes: senders whose messages a person does not want to see for a while. They are held (digests.py)."""

from datetime import datetime

import msgspec
from piccolo.columns import BigSerial, ForeignKey, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.engine import current
from djangobot.db.people.chats import Chat
from djangobot.db.programs.accounts import Account
from djangobot.db.programs.tokens import BotToken


class Mute(Table, tablename="mute"):
    """Until then this chat is not shown the messages of this account, or of this token of its own."""

    id = BigSerial(primary_key=True)
    chat = ForeignKey(references=Chat, on_delete=OnDelete.cascade, null=False)
    account = ForeignKey(references=Account, on_delete=OnDelete.cascade, null=True, default=None, index=True)
    token = ForeignKey(references=BotToken, on_delete=OnDelete.cascade, null=True, default=None, index=True)
    until = Timestamptz(default=None)


INDEXES = (
    "CREATE UNIQUE INDEX mute_of_account ON mute (chat, account)",
    "CREATE UNIQUE INDEX mute_of_token ON mute (chat, token) WHERE token IS NOT NULL",
)


class ChatSender(msgspec.Struct, frozen=True):
    """An account that may write to a person, or a token of the chat's own; the number of a token is negative.
    `until` is set when the person has muted it."""

    id: int
    name: str
    until: datetime | None


# Only accounts that have something to do with this person.
MUTE = """
INSERT INTO mute (chat, account, until)
SELECT DISTINCT t.chat, t.account, $3::timestamptz FROM bot_token t WHERE t.chat = $1 AND t.account = $2
ON CONFLICT (chat, account) DO UPDATE SET until = excluded.until
RETURNING id
"""
MUTE_OWN = """
INSERT INTO mute (chat, token, until)
SELECT t.chat, t.id, $3::timestamptz FROM bot_token t WHERE t.chat = $1 AND t.id = $2 AND t.account IS NULL
ON CONFLICT (chat, token) WHERE token IS NOT NULL DO UPDATE SET until = excluded.until
RETURNING id
"""
# Reads this person's tokens, and not all accounts.
SENDERS = """
SELECT a.id AS id, a.name AS name, u.until AS until
FROM (
    SELECT DISTINCT t.account FROM bot_token t
    WHERE t.chat = $1 AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2)
) one JOIN $lookup(account a: a.id = one.account)
LEFT JOIN mute u ON u.chat = $1 AND u.account = a.id AND u.until > $2
UNION ALL
SELECT -t.id AS id, t.name AS name, u.until AS until
FROM bot_token t LEFT JOIN mute u ON u.chat = $1 AND u.token = t.id AND u.until > $2
WHERE t.chat = $1 AND t.account IS NULL AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > $2)
ORDER BY 2, 1
"""
HOLD_UNTIL = "UPDATE message SET held_until = $3 WHERE chat = $1 AND {column} = $2 AND held_until {when}"
UNMUTE = "DELETE FROM mute WHERE chat = $1 AND {column} = $2 RETURNING until"


async def mute(chat_id: int, sender_id: int, until: datetime) -> bool:
    """Holds what this sender sends. False when it is not one of this person's senders."""
    engine = current()
    column, number = _sender(sender_id)
    async with engine.write():
        muted = await engine.execute(MUTE if column == "account" else MUTE_OWN, chat_id, number, until)
        await engine.execute(HOLD_UNTIL.format(column=column, when="IS NOT NULL"), chat_id, number, until)
    return bool(muted)


async def unmute(chat_id: int, sender_id: int, now: datetime) -> bool:
    """Shows again what this sender sends, and tells of what was held. Returns whether it was muted."""
    engine = current()
    column, number = _sender(sender_id)
    async with engine.write():
        ended = await engine.execute(UNMUTE.format(column=column), chat_id, number)
        await engine.execute(HOLD_UNTIL.format(column=column, when="> $3"), chat_id, number, now)
    return any(row["until"] > now for row in ended)


def _sender(sender_id: int) -> tuple[str, int]:
    """The column that holds a ChatSender's number, and the number without its sign."""
    return ("account", sender_id) if sender_id > 0 else ("token", -sender_id)


async def senders(chat_id: int, now: datetime) -> list[ChatSender]:
    """The senders that may write to this person, by name."""
    return [ChatSender(**row) for row in await current().fetch(SENDERS, chat_id, now)]

"""Chats: people in Telegram who have started the bot."""

from datetime import datetime
from typing import Any

import msgspec
from piccolo.columns import BigInt, Text, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import current
from djangobot.db.fields import UNSTORABLE, nameable
from djangobot.db.people import chat_settings
from djangobot.db.people.chat_settings import ChatSettings


class Chat(Table, tablename="chat"):
    """`id` is Telegram's (64 bits). This bot needs `access_hash` to write to the person."""

    id = BigInt(primary_key=True)
    access_hash = BigInt()
    first_name = Varchar(length=256)
    last_name = Varchar(length=256)
    username = Varchar(length=64)
    language = Varchar(length=16)
    created = Timestamptz()
    seen = Timestamptz()
    blocked = Timestamptz(null=True, default=None)
    banned = Timestamptz(null=True, default=None)
    settings = Text(default="{}")
    question = Text(null=True, default=None)
    """What we have asked this person, and when (questions.py)."""
    question_at = Timestamptz(null=True, default=None)

    @property
    def chat_settings(self) -> ChatSettings:
        """The settings of this person."""
        return chat_settings.read(self.settings)

    @property
    def language_tag(self) -> str:
        """The language this person chose here, or else Telegram's (IETF tag)."""
        return self.chat_settings.language or self.language


MEET = """
INSERT INTO chat (id, access_hash, first_name, last_name, username, language, created, seen, settings)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, '{}')
ON CONFLICT (id) DO UPDATE SET
    access_hash = CASE WHEN excluded.access_hash = 0 THEN chat.access_hash ELSE excluded.access_hash END,
    first_name = excluded.first_name, last_name = excluded.last_name, username = excluded.username,
    language = excluded.language, seen = excluded.seen
"""


async def meet(
    telegram_id: int,
    *,
    access_hash: int,
    first_name: str,
    last_name: str,
    username: str,
    language: str,
    now: datetime,
) -> Chat:
    """Stores a person who wrote to the bot, or updates what is known of them. A hash of 0 leaves the known
    one."""
    names = (nameable(first_name, 256), nameable(last_name, 256), _storable(username, 64))
    await current().execute(MEET, telegram_id, access_hash, *names, _storable(language, 16), now)
    chat = await get(telegram_id)
    assert chat is not None, "only the person themselves deletes it"  # noqa: S101
    return chat


async def get(telegram_id: int) -> Chat | None:
    """The chat of a person; None when they never started the bot."""
    return await Chat.objects().where(Chat.id == telegram_id).first()


async def change_settings(telegram_id: int, **changes: Any) -> ChatSettings:
    """Changes some settings of a person. Returns all settings after the change."""
    engine = current()
    async with engine.write():
        rows = await engine.execute(
            "UPDATE chat SET settings = settings WHERE id = $1 RETURNING settings", telegram_id
        )  # locks the row, so that nobody else changes them meanwhile
        before = chat_settings.read(rows[0]["settings"]) if rows else ChatSettings()
        after = msgspec.structs.replace(before, **changes)
        await engine.execute(
            "UPDATE chat SET settings = $2 WHERE id = $1", telegram_id, chat_settings.written(after)
        )
    return after


async def block(telegram_id: int, now: datetime) -> bool:
    """Records that the person blocked the bot. Their queue pauses. Returns whether that is new."""
    changed = await current().execute(
        "UPDATE chat SET blocked = $2 WHERE id = $1 AND blocked IS NULL RETURNING id", telegram_id, now
    )
    return bool(changed)


async def unblock(telegram_id: int, now: datetime) -> bool:
    """Records that the person unblocked the bot. Their queue continues. Returns whether that is new."""
    changed = await current().execute(
        "UPDATE chat SET blocked = NULL, seen = $2 WHERE id = $1 AND blocked IS NOT NULL RETURNING id",
        telegram_id,
        now,
    )
    if changed:
        wakeups.notify_due(telegram_id)
    return bool(changed)


def _storable(text: str, limit: int) -> str:
    return UNSTORABLE.sub("", text)[:limit]

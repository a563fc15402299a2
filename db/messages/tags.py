"""Tags: finds messages by their hashtags. As in Telegram, upper and lower case are the same tag."""

import re
from collections.abc import Sequence

import msgspec
from piccolo.columns import ForeignKey, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.engine import current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.messages.messages import Message
from djangobot.db.messages.rich_text.hashtags import TAG_LIMIT, as_tag
from djangobot.db.people.chats import Chat


class MessageTag(Table, tablename="message_tag"):
    """One tag of one message."""

    id = SerialOnce(primary_key=True)
    chat = ForeignKey(references=Chat, null=False, on_delete=OnDelete.cascade)
    tag = Varchar(length=3 * TAG_LIMIT)
    """Folded. A letter becomes three at most."""
    message = ForeignKey(references=Message, null=False, on_delete=OnDelete.cascade)


INDEXES = (
    "CREATE UNIQUE INDEX message_tag_of_message ON message_tag (message, tag)",
    "CREATE INDEX message_tag_of_chat ON message_tag (chat, tag, message)",
)
"""The first is also for the deletion of a message, the second for the pages of a tag."""
HASHTAG = re.compile(r"#(\w+)")
MOST_ASKED = 10
"""Hashtags of one search that are looked up."""
ADD = """
INSERT INTO message_tag (chat, tag, message)
SELECT $1::bigint, r.tag, $2::bigint FROM $rows3 r(tag::varchar)
"""
OF_CHAT = """
SELECT MIN(id) AS id, tag, COUNT(*) AS messages FROM message_tag WHERE chat = $1
GROUP BY tag ORDER BY MAX(message) DESC LIMIT $2 OFFSET $3
"""
ANY_OF_CHAT = "SELECT 1 AS one FROM message_tag WHERE chat = $1 LIMIT 1"
FIND = "SELECT id, tag FROM message_tag WHERE chat = $1 AND tag = $2 ORDER BY message LIMIT 1"
NAMED = "SELECT id, tag FROM message_tag WHERE chat = $1 AND id = $2"


class Tag(msgspec.Struct, frozen=True):
    """A tag of a chat. `id` is one of its entries. `messages` are not counted everywhere."""

    id: int
    tag: str
    messages: int = 0


def fold(tag: str) -> str:
    """The tag as it is compared."""
    return tag.casefold()


async def add(message: int, chat: int, tags: Sequence[str]) -> None:
    """Adds the tags of a new message. Call it in the transaction that adds the message."""
    folded = dict.fromkeys(map(fold, tags))
    if folded:
        rows = msgspec.json.encode([[tag] for tag in folded]).decode()
        await current().execute(ADD, chat, message, rows)


async def remove(message: int) -> None:
    """Removes the tags of a message that is in no list any more."""
    await current().execute("DELETE FROM message_tag WHERE message = $1", message)


async def of_chat(chat_id: int, *, limit: int, skipped: int = 0) -> list[Tag]:
    """The tags of a person's messages. The one used last comes first."""
    return [Tag(**row) for row in await current().fetch(OF_CHAT, chat_id, limit, skipped)]


async def any_of_chat(chat_id: int) -> bool:
    """Whether a message of this person has a tag. None is counted."""
    return bool(await current().fetch(ANY_OF_CHAT, chat_id))


async def find(chat_id: int, word: str) -> Tag | None:
    """The tag that somebody wrote, with `#` or without. None when no message of this person has it."""
    tag = as_tag(word)
    rows = await current().fetch(FIND, chat_id, fold(tag)) if tag else []
    return Tag(**rows[0]) if rows else None


async def named(chat_id: int, number: int) -> Tag | None:
    """The tag of this person that has this number. None when its messages are gone."""
    rows = await current().fetch(NAMED, chat_id, number)
    return Tag(**rows[0]) if rows else None


async def hashtags_in(chat_id: int, words: str) -> tuple[list[str], str]:
    """The hashtags in a search, and the other words. What no message has as a tag is a word."""
    found: list[str] = []
    hashtags = dict.fromkeys(map(fold, HASHTAG.findall(words)))
    for hashtag in list(hashtags)[:MOST_ASKED]:
        if await current().fetch(FIND, chat_id, hashtag):
            found.append(hashtag)
    rest = HASHTAG.sub(lambda one: " " if fold(one[1]) in found else one[0], words)
    return found, rest

"""Search: finds messages by their words.

The index is filled in the background, in batches, and caught up before each search. So accepting a message
does not pay for it. SQLite has an FTS5 table, PostgreSQL a table of tsvectors. A deleted message leaves the
index with its row.

Word forms: we look for words that begin with the stem of the word asked for (Snowball). «ошибки» finds
«ошибка» and «ошибок». PostgreSQL also keeps the stems of the texts themselves, Russian and English.
"""

import asyncio
import re
from functools import lru_cache
from itertools import takewhile
from typing import Any

import structlog
from piccolo.columns import ForeignKey, Text
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.engine import Row, current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages.history import Page
from djangobot.db.messages.messages import ENTRY, entry_of
from djangobot.db.people.chats import Chat

log = structlog.get_logger(__name__)

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 10
SHORTEST_STEM = 3
FLEETING = re.compile(r"(?<=\w\w\w[бвгджзйлмнпрстфхцчшщ])к$")
"""Russian inserts a vowel before this letter in some forms."""
BATCH = 500
KEEP_UP_EVERY = 5.0
"""Seconds between two checks for new messages."""
REMEMBERED = 20
"""Searches of one person whose pages can still be turned."""


class Search(Table, tablename="search"):
    """What a person searched for. The buttons under the results name it by its id."""

    id = SerialOnce(primary_key=True)
    chat = ForeignKey(references=Chat, on_delete=OnDelete.cascade, null=False, index=True)
    words = Text()


FOLDED = "replace(replace({text}, 'ё', 'е'), 'Ё', 'Е')"
# Characters that would join several words into one token, as in an address or a path, are blanked first.
VECTOR = """
to_tsvector('russian', translate({text}, 'ёЁ./-_@:&=?#%+~\\', 'еЕ'))
|| to_tsvector('simple', translate({text}, 'ёЁ./-_@:&=?#%+~\\', 'еЕ'))
""".replace("'еЕ'", "'еЕ" + " " * 14 + "'")
UNSEARCHED = (
    "CREATE TRIGGER message_search_delete AFTER DELETE ON message"
    " WHEN EXISTS (SELECT 1 FROM message_search_docsize WHERE id = old.id) BEGIN"
    " INSERT INTO message_search (message_search, rowid, chat, text)"
    " VALUES ('delete', old.id, 'c' || old.chat, TEXT); END"
)
SCHEMA = {
    "sqlite": (
        "CREATE VIRTUAL TABLE message_search USING fts5"
        "(chat, text, content='', tokenize='unicode61 remove_diacritics 2')",
        UNSEARCHED.replace("TEXT", FOLDED.format(text="old.text")),
    ),
    "postgres": (
        "CREATE TABLE message_words ("
        "message bigint PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,"
        " chat bigint NOT NULL, words tsvector NOT NULL)",
        "CREATE INDEX message_words_of_chat ON message_words (chat, message)",
        "CREATE INDEX message_words_by_word ON message_words USING gin (words)",
    ),
}
"""The index of words. In SQLite's index `chat` is a word too, so that others' messages are not even read."""
# Ids are not committed in order. A message that was overtaken is within the last ten thousand.
SINCE = "(SELECT COALESCE(MAX(message), 0) FROM message_words) - 10000"
NOT_INDEXED = f"""
(SELECT id FROM message WHERE kind = 'message' AND id > {SINCE} ORDER BY id LIMIT 20000)
EXCEPT (SELECT message FROM message_words WHERE message > {SINCE}) ORDER BY 1
"""  # noqa: S608 - from our own SQL
PUT = {
    "sqlite": f"""
INSERT INTO message_search (rowid, chat, text)
SELECT id, 'c' || chat, {FOLDED.format(text="text")} FROM message
WHERE kind = 'message' AND id > (SELECT COALESCE(MAX(id), 0) FROM message_search_docsize)
ORDER BY id LIMIT $1
""",  # noqa: S608 - from our own SQL
    "postgres": f"""
INSERT INTO message_words (message, chat, words)
SELECT m.id, m.chat, {VECTOR.format(text="m.text")} FROM message m
WHERE m.id = ANY(ARRAY({NOT_INDEXED} LIMIT $1)) FOR KEY SHARE OF m
ON CONFLICT DO NOTHING
""",  # noqa: S608 - from our own SQL
}
MISSING = {
    "sqlite": """
SELECT id FROM message
WHERE kind = 'message' AND id > (SELECT COALESCE(MAX(id), 0) FROM message_search_docsize) LIMIT 1
""",
    "postgres": f"{NOT_INDEXED} LIMIT 1",
}
FORGET = """
DELETE FROM search
WHERE chat = $1 AND id NOT IN (SELECT id FROM search WHERE chat = $1 ORDER BY id DESC LIMIT $2)
"""


async def find(
    chat_id: int, words: str, *, limit: int, before: int | None = None, after: int | None = None
) -> Page:
    """This person's messages that have all of these words in some form, newest first. Only beginnings of
    words match. No input is an error: without a letter or a digit, nothing is found."""
    asked = words_of(words)
    if not asked:
        return Page([], older=False, newer=False)
    bound, sign = (before, "<") if after is None else (after, ">")
    found = _in_sqlite if current().engine_type == "sqlite" else _in_postgres
    way = "DESC" if after is None else "ASC"
    rows = await found(chat_id, asked, f"{{id}} {sign} ", bound, way, limit + 1)
    more, entries = len(rows) > limit, [entry_of(row) for row in rows[:limit]]
    if after is not None:
        return Page(entries[::-1], older=bool(entries), newer=more)
    return Page(entries, older=more, newer=before is not None and bool(entries))


async def _in_sqlite(
    chat_id: int, asked: list[str], bounded: str, bound: int | None, way: str, limit: int
) -> list[Row]:
    match = " AND ".join([f'chat : "c{chat_id}"', *(f'text : "{beginning(word)}" *' for word in asked)])
    args: list[Any] = [chat_id, match]
    sql = "SELECT rowid FROM message_search WHERE message_search MATCH $2"
    if bound is not None:
        args.append(bound)
        sql += f" AND {bounded.format(id='rowid')} $3"
    ids = f"{sql} ORDER BY rowid {way} LIMIT {limit}"
    return await current().fetch(
        f"{ENTRY} AND m.chat + 0 = $1 AND m.id IN ({ids}) ORDER BY m.id {way}", *args
    )


async def _in_postgres(
    chat_id: int, asked: list[str], bounded: str, bound: int | None, way: str, limit: int
) -> list[Row]:
    args: list[Any] = [chat_id]
    queries = []
    for word in asked:
        args += [f"'{word}':*", f"'{beginning(word)}':*"]
        queries.append(f"(to_tsquery('russian', ${len(args) - 1}) || to_tsquery('simple', ${len(args)}))")
    matching = " && ".join(queries)
    sql = f"SELECT message FROM message_words WHERE chat = $1 AND words @@ ({matching})"  # noqa: S608
    if bound is not None:
        args.append(bound)
        sql += f" AND {bounded.format(id='message')} ${len(args)}"
    ids = f"{sql} ORDER BY message {way} LIMIT {limit}"
    return await current().fetch(f"{ENTRY} AND m.chat = $1 AND m.id IN ({ids}) ORDER BY m.id {way}", *args)


def words_of(text: str) -> list[str]:
    """The words to look for, each once, as both indexes have them. Words after the tenth are ignored."""
    found = [word.casefold().replace("ё", "е") for word in WORD.findall(text)]
    return list(dict.fromkeys(found))[:MOST_WORDS]


@lru_cache(maxsize=1000)
def beginning(word: str) -> str:
    """What the forms of a word have in common: its stem, as far as the word itself begins with it."""
    from snowballstemmer import stemmer  # most processes never search

    stem = stemmer("english" if word.isascii() else "russian").stemWord(word)
    stem = FLEETING.sub("", stem.removesuffix("i"))  # studies → studi, but study; ошибк, but ошибок
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, stem, strict=False)))
    return word[:common] if common >= SHORTEST_STEM else word


def hits(text: str, words: str) -> list[tuple[int, int]]:
    """The positions of the words in a text: start and end, in characters."""
    looked_for = tuple(beginning(word) for word in words_of(words))
    if not looked_for:
        return []
    return [
        found.span()
        for found in WORD.finditer(text)
        if found[0].casefold().replace("ё", "е").startswith(looked_for)
    ]


async def catch_up(within: float) -> bool:
    """Indexes new messages, for so many seconds at most. Returns whether all of them are indexed."""
    engine = current()
    end = asyncio.get_running_loop().time() + within
    while await engine.fetch(MISSING[engine.engine_type]):
        if asyncio.get_running_loop().time() > end:
            return False
        await engine.execute(PUT[engine.engine_type], BATCH)
    return True


async def keep_up() -> None:
    """Indexes new messages, for ever. Other tasks run between two batches."""
    while True:
        try:
            done = await catch_up(0.2)
        except DatabaseUnavailable as exc:
            log.warning("words not indexed yet", reason=str(exc.__cause__ or exc))
            done = True
        await asyncio.sleep(KEEP_UP_EVERY if done else 0.2)


async def remember(chat_id: int, words: str) -> int:
    """Keeps a search for its buttons; returns its id."""
    engine = current()
    async with engine.write():
        rows = await engine.execute(
            "INSERT INTO search (chat, words) VALUES ($1, $2) RETURNING id", chat_id, words
        )
        await engine.execute(FORGET, chat_id, REMEMBERED)
    return int(rows[0]["id"])


async def recall(chat_id: int, search_id: int) -> str | None:
    """What this person searched for. None for another person's search, or one from long ago."""
    sql = "SELECT words FROM search WHERE chat = $1 AND id = $2"
    rows = await current().fetch(sql, chat_id, search_id)
    return str(rows[0]["words"]) if rows else None

"""Search: finds messages by their words.

The index is filled in the background, in batches, and caught up before each search. So accepting a message
does not pay for it. SQLite has an FTS5 table, PostgreSQL a table of tsvectors. A deleted message leaves the
index with its row. The words of a title, of tags and of the names of files count as words of the text.

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

from djangobot.db.engine import current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import tags
from djangobot.db.messages.history.history import Page
from djangobot.db.messages.messages import ENTRY, entry_of_person
from djangobot.db.people.chats import Chat

log = structlog.get_logger(__name__)

# ruff: noqa: S608 - from our own SQL
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
# All that is searched of a message: its text, and what stands beside it (db/messages/content.py).
WHOLE = {
    "sqlite": """
CASE WHEN {m}.rich IS NULL THEN {m}.text
ELSE {m}.text || ' ' || COALESCE(json_extract({m}.rich, '$.title'), '')
|| ' ' || COALESCE((SELECT group_concat(value, ' ') FROM json_each({m}.rich, '$.tags')), '')
|| ' ' || COALESCE((SELECT group_concat(json_extract(value, '$.name'), ' ')
                    FROM json_each({m}.rich, '$.files')), '') END
""",
    "postgres": """
CASE WHEN {m}.rich IS NULL THEN {m}.text
ELSE {m}.text || ' ' || COALESCE({m}.rich::json->>'title', '')
|| ' ' || COALESCE((SELECT string_agg(g, ' ') FROM json_array_elements_text({m}.rich::json->'tags') g), '')
|| ' ' || COALESCE((SELECT string_agg(f->>'name', ' ')
                    FROM json_array_elements({m}.rich::json->'files') f), '') END
""",
}


def _searched(engine_type: str, message: str) -> str:
    """SQL for what is searched of a row, prepared for the index: nothing of a deleted message."""
    prepared = FOLDED if engine_type == "sqlite" else VECTOR
    whole = f"CASE WHEN {message}.deleted IS NULL THEN ({WHOLE[engine_type].format(m=message)}) ELSE '' END"
    return prepared.format(text=f"({whole})")


IN_SQLITE = "WHEN EXISTS (SELECT 1 FROM message_search_docsize WHERE id = old.id) BEGIN"
UNINDEX = f"""
INSERT INTO message_search (message_search, rowid, chat, text)
VALUES ('delete', old.id, 'c' || old.chat, {_searched("sqlite", "old")})
"""
INDEX = f"""\
INSERT INTO message_search (rowid, chat, text)
VALUES (new.id, 'c' || new.chat, {_searched("sqlite", "new")})"""
# An edit changes the text of its message (db/delivery/settlement.py), and with it these words. A deletion
# removes them.
REINDEX_IN_SQLITE = f"""
CREATE TRIGGER message_search_edit AFTER UPDATE OF edits, deleted ON message {IN_SQLITE} {UNINDEX};
{INDEX}; END
"""
REINDEX_IN_POSTGRES = (
    f"""
CREATE OR REPLACE FUNCTION message_words_edit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
UPDATE message_words SET words = {_searched("postgres", "new")} WHERE message = new.id; RETURN NULL; END $$
""",
    "CREATE TRIGGER message_words_edit AFTER UPDATE OF edits, deleted ON message"
    " FOR EACH ROW EXECUTE FUNCTION message_words_edit()",
)
# An edit that could not be made becomes a message. Newer ones may have been indexed by then.
INDEX_LATE_IN_SQLITE = f"""
CREATE TRIGGER message_search_late AFTER UPDATE OF is_edit ON message
WHEN new.kind = 'message' AND new.id < (SELECT MAX(id) FROM message_search_docsize)
     AND NOT EXISTS (SELECT 1 FROM message_search_docsize WHERE id = new.id) BEGIN
{INDEX}; END
"""
INDEX_LATE_IN_POSTGRES = (
    f"""
CREATE OR REPLACE FUNCTION message_words_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF new.kind = 'message' THEN INSERT INTO message_words (message, chat, words)
VALUES (new.id, new.chat, {_searched("postgres", "new")}) ON CONFLICT DO NOTHING; END IF; RETURN NULL; END $$
""",
    "CREATE TRIGGER message_words_late AFTER UPDATE OF is_edit ON message"
    " FOR EACH ROW EXECUTE FUNCTION message_words_late()",
)
SCHEMA = {
    "sqlite": (
        "CREATE VIRTUAL TABLE message_search USING fts5"
        "(chat, text, content='', tokenize='unicode61 remove_diacritics 2')",
        f"CREATE TRIGGER message_search_delete AFTER DELETE ON message {IN_SQLITE} {UNINDEX}; END",
        REINDEX_IN_SQLITE,
        INDEX_LATE_IN_SQLITE,
    ),
    "postgres": (
        "CREATE TABLE message_words ("
        "message bigint PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,"
        " chat bigint NOT NULL, words tsvector NOT NULL)",
        "CREATE INDEX message_words_of_chat ON message_words (chat, message)",
        "CREATE INDEX message_words_by_word ON message_words USING gin (words)",
        *REINDEX_IN_POSTGRES,
        *INDEX_LATE_IN_POSTGRES,
    ),
}
"""The index of words. In SQLite's index `chat` is a word too, so that others' messages are not even read."""
OVERTAKEN = 10_000
"""Ids are not committed in order. A message that was overtaken is within the last so many."""
# Nothing is missing up to parameter 1. So the edits and notices since the newest message, which may be very
# many, are not read each time.
SINCE = f"GREATEST((SELECT COALESCE(MAX(message), 0) FROM message_words) - {OVERTAKEN}, $1)"
AFTER = "MAX((SELECT COALESCE(MAX(id), 0) FROM message_search_docsize), $1)"
NOT_INDEXED = f"""
(SELECT id FROM message WHERE kind = 'message' AND id > {SINCE} ORDER BY id LIMIT 20000)
EXCEPT (SELECT message FROM message_words WHERE message > {SINCE}) ORDER BY 1
"""
PUT = {
    "sqlite": f"""
INSERT INTO message_search (rowid, chat, text)
SELECT id, 'c' || chat, {_searched("sqlite", "message")} FROM message
WHERE kind = 'message' AND id > {AFTER} ORDER BY id LIMIT $2
""",
    "postgres": f"""
INSERT INTO message_words (message, chat, words)
SELECT m.id, m.chat, {_searched("postgres", "m")} FROM message m
WHERE m.id = ANY(ARRAY({NOT_INDEXED} LIMIT $2)) FOR KEY SHARE OF m
ON CONFLICT DO NOTHING
""",
}
MISSING = {
    "sqlite": f"SELECT id FROM message WHERE kind = 'message' AND id > {AFTER} LIMIT 1",
    "postgres": f"{NOT_INDEXED} LIMIT 1",
}
NEWEST = "SELECT COALESCE(MAX(id), 0) AS id FROM message"
TAGGED = "SELECT 1 FROM message_tag o WHERE o.message = {number} AND o.chat = $1 AND o.tag = ${tag}"
FORGET = """
DELETE FROM search
WHERE chat = $1 AND id NOT IN (SELECT id FROM search WHERE chat = $1 ORDER BY id DESC LIMIT $2)
"""


async def find(
    chat_id: int, words: str, *, limit: int, before: int | None = None, after: int | None = None
) -> Page:
    """This person's messages that have all of these words in some form, newest first. Only beginnings of
    words match. A hashtag finds the messages with this tag. No input is an error: without a letter or a
    digit, nothing is found."""
    hashtags, others = await tags.hashtags_in(chat_id, words)
    asked = words_of(others)
    if not asked and not hashtags:
        return Page([], older=False, newer=False)
    bound, sign = (before, "<") if after is None else (after, ">")
    ids, number, args = _matching(chat_id, asked, hashtags)
    if bound is not None:
        args.append(bound)
        ids += f" AND {number} {sign} ${len(args)}"
    way = "DESC" if after is None else "ASC"
    ids += f" ORDER BY {number} {way} LIMIT {limit + 1}"
    # `+ 0` keeps the databases off the index of the whole chat.
    sql = f"{ENTRY} AND m.chat + 0 = $1 AND m.id IN ({ids}) ORDER BY m.id {way}"
    rows = await current().fetch(sql, *args)
    more, entries = len(rows) > limit, [entry_of_person(row) for row in rows[:limit]]
    if after is not None:
        return Page(entries[::-1], older=bool(entries), newer=more)
    return Page(entries, older=more, newer=before is not None and bool(entries))


def _matching(chat_id: int, asked: list[str], hashtags: list[str]) -> tuple[str, str, list[Any]]:
    """SQL for the numbers of the messages with these words and tags, the name of their column, and the
    parameters."""
    args: list[Any] = [chat_id]
    if not asked:
        sql, number = "SELECT g.message FROM message_tag g WHERE g.chat = $1 AND g.tag = $2", "g.message"
        args.append(hashtags.pop(0))
    elif current().engine_type == "sqlite":
        words = (f'text : "{beginning(word)}" *' for word in asked)
        sql, number = "SELECT rowid FROM message_search WHERE message_search MATCH $2", "message_search.rowid"
        args.append(" AND ".join([f'chat : "c{chat_id}"', *words]))
    else:
        number, queries = "w.message", []
        for word in asked:
            args += [f"'{word}':*", f"'{beginning(word)}':*"]
            queries.append(f"(to_tsquery('russian', ${len(args) - 1}) || to_tsquery('simple', ${len(args)}))")
        matching = " && ".join(queries)
        sql = f"SELECT w.message FROM message_words w WHERE w.chat = $1 AND w.words @@ ({matching})"
    for hashtag in hashtags:
        args.append(hashtag)
        sql += f" AND EXISTS ({TAGGED.format(tag=len(args), number=number)})"
    return sql, number, args


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


_complete: tuple[object, int] = (None, 0)
"""A database, and the id up to which all its messages are indexed."""


async def catch_up(within: float) -> bool:
    """Indexes new messages, for so many seconds at most. Returns whether all of them are indexed."""
    global _complete
    engine = current()
    end = asyncio.get_running_loop().time() + within
    known = _complete[1] if _complete[0] is engine else 0
    newest = int((await engine.fetch(NEWEST))[0]["id"])
    while await engine.fetch(MISSING[engine.engine_type], known):
        if asyncio.get_running_loop().time() > end:
            return False
        await engine.execute(PUT[engine.engine_type], known, BATCH)
    _complete = (engine, max(known, newest - OVERTAKEN))
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

"""Searching: a person finds their own messages, by words in any form, whatever they type."""

import sqlite3
from contextlib import closing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.engine import Row, current
from djangobot.db.engine.sql import for_sqlite
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.messages import acceptance, content
from djangobot.db.messages.content import FileInfo
from djangobot.db.messages.history import history, search
from djangobot.db.messages.history.history import Page
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats

from ...conftest import NOW, World, on_sqlite

TEXTS = [
    "The nightly backup failed: disk is full",
    "Ошибка на сервере: нет места",
    "Все серверы работают, ошибок нет",
    "Ёлка наряжена",
    "https://example.com/build/42 deployed to prod-server-1 by ann@mail.org",
    "not the deploy you are looking for",
]


@pytest.fixture
async def person(world: World) -> int:
    """Somebody who got TEXTS, all of them indexed, beside another person who got the same."""
    account, person, other = await world.account(), await world.person(), await world.person()
    for token in (await world.link(account, person), await world.link(account, other)):
        for text in TEXTS:
            await acceptance.accept(token, NewMessage(text), NOW)
    assert await search.catch_up(10)
    return person.id


def texts(page: Page) -> list[str]:
    return [entry.text for entry in page.messages]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("backup", [0]),
        ("BACKUPS failing", [0]),
        ("ошибки", [2, 1]),
        ("серверами", [2, 1]),
        ("сервера место", [1]),
        ("елки", [3]),
        ("deploying", [5, 4]),
        ("example build", [4]),
        ("server ann 42", [4]),
        ("the", [5, 0]),
        ("nothing like that", []),
        ("c5000000001", []),
    ],
)
async def test_words_are_found_in_their_forms(person: int, words: str, expected: list[int]) -> None:
    """All of them must be there; in Russian and English, ё as е, in addresses too. Newest first."""
    assert texts(await search.find(person, words, limit=9)) == [TEXTS[number] for number in expected]


@pytest.mark.parametrize(
    "words", ["nightly", "квартального", "disk", "full", "report", "pdf", "фото", "said"]
)
async def test_words_of_titles_tags_and_names_of_files_are_found(world: World, words: str) -> None:
    """As those of the text are."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    message = NewMessage("said", title="Nightly: квартальный отчёт", tags=("disk_full",))
    await acceptance.accept(token, message, NOW)
    [row] = await current().fetch("SELECT rich FROM message WHERE kind = 'message'")
    files = (FileInfo(1, "report-2026.pdf", 1, "application/pdf"), FileInfo(2, "фото.jpg", 1, "image/jpeg"))
    rich = content.encode(msgspec.structs.replace(content.decode(row["rich"]), files=files))
    await current().execute("UPDATE message SET rich = $1 WHERE kind = 'message'", rich)
    assert await search.catch_up(10)
    assert texts(await search.find(person.id, words, limit=9)) == ["said"]
    assert texts(await search.find(person.id, "markdown", limit=9)) == []


async def test_nobody_finds_anothers_messages(person: int, world: World) -> None:
    """A stranger finds nothing, whatever they name."""
    stranger = await chats.meet(
        9, access_hash=1, first_name="", last_name="", username="", language="", now=NOW
    )
    for words in ("backup", f"c{person} backup", f'chat : "c{person}"', "the OR the"):
        assert texts(await search.find(stranger.id, words, limit=9)) == []


async def test_pages_of_what_was_found(person: int, world: World) -> None:
    """Forth and back; nothing twice."""
    first = await search.find(person, "сервер", limit=1)
    second = await search.find(person, "сервер", limit=1, before=first.messages[-1].seq)
    back = await search.find(person, "сервер", limit=1, after=second.messages[0].seq)
    assert [texts(page) for page in (first, second, back)] == [[TEXTS[2]], [TEXTS[1]], [TEXTS[2]]]
    assert [(page.older, page.newer) for page in (first, second, back)] == [
        (True, False), (False, True), (True, False),
    ]  # fmt: skip


HARD = [
    '"',
    "'",
    '"" OR ""',
    "a NEAR b",
    "NOT",
    "*",
    "(",
    "chat:",
    "🎉",
    "²",
    "x' OR 1=1 --",
    ":* & |!",
    "\\",
]


async def test_no_input_is_an_error(person: int) -> None:
    """Operators and quotes are no words; text that has none finds nothing."""
    chance = st.lists(st.sampled_from(HARD) | st.text(max_size=12), max_size=6).map(" ".join)
    tried: list[str] = list(HARD)

    @given(chance)
    def collect(words: str) -> None:
        tried.append(words)

    collect()
    for words in tried:
        await search.find(person, words, limit=2)
        search.hits(words, words)
    assert texts(await search.find(person, "🎉 ¿?", limit=9)) == []


async def test_what_is_deleted_is_found_no_more(person: int, world: World) -> None:
    """Nor does the index keep its words: a text with the same id, were there one, is not mistaken for it."""
    seq = (await history.page(person, limit=1)).messages[0].seq
    await current().execute("DELETE FROM message WHERE id = $1", seq)
    assert texts(await search.find(person, "deploy", limit=9)) == [TEXTS[4]]
    table = {"sqlite": "message_search_docsize", "postgres": "message_words"}[current().engine_type]
    column = {"sqlite": "id", "postgres": "message"}[current().engine_type]
    assert await current().fetch(f"SELECT 1 FROM {table} WHERE {column} = $1", seq) == []  # noqa: S608


async def test_an_edit_that_became_a_message_is_found(world: World) -> None:
    """Its message could not be edited. Newer messages were indexed while it was tried."""
    token = await world.link(await world.account(), person := await world.person())
    for text in ("first", "second"):
        await acceptance.accept(token, NewMessage(text, replace="job"), NOW)
        (claimed,) = await claims.claim(NOW, limit=1)
        if not claimed.is_edit:
            await settlement.settle([outcomes.Sent(claimed, 7)], NOW)
    await acceptance.accept(token, NewMessage("newer"), NOW)
    assert await search.catch_up(10)
    await settlement.settle([outcomes.SentAnew(claimed, NOW, "MESSAGE_ID_INVALID")], NOW)
    assert await search.catch_up(10)
    assert texts(await search.find(person.id, "second", limit=5)) == ["second"]


async def test_what_was_deleted_before_it_was_indexed_does_no_harm(world: World) -> None:
    """The index is filled behind the messages' back."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    await acceptance.accept(token, NewMessage("gone at once"), NOW)
    await current().execute("DELETE FROM message WHERE kind = 'message'")
    await acceptance.accept(token, NewMessage("here to stay"), NOW)
    assert await search.catch_up(10)
    assert texts(await search.find(person.id, "gone", limit=9)) == []
    assert texts(await search.find(person.id, "here", limit=9)) == ["here to stay"]


async def test_what_was_looked_for_is_ones_own_and_not_kept_for_ever(world: World) -> None:
    """The buttons of the last twenty searches work."""
    one, two = await world.person(), await world.person()
    first = await search.remember(one.id, "first")
    assert await search.recall(one.id, first) == "first"
    assert await search.recall(two.id, first) is None
    later = [await search.remember(one.id, str(number)) for number in range(search.REMEMBERED)]
    assert await search.recall(one.id, first) is None
    assert await search.recall(one.id, later[0]) == "0"


def test_hits_are_where_the_words_are() -> None:
    """In characters; every form of them."""
    text = "Ошибок нет, ошибка была. Backups 😀 backup"
    assert [text[start:end] for start, end in search.hits(text, "ошибки backup")] == [
        "Ошибок", "ошибка", "Backups", "backup",
    ]  # fmt: skip


EDIT = """
INSERT INTO message (public_id, kind, chat, created, type, text, status, random_id, attempts, next_attempt,
                     is_edit, replaces)
VALUES ($1, 'edit', $2, $3, 'Text', 'x', 'sent', 1, 1, $3, true, $4)
"""


@on_sqlite
async def test_edits_since_the_newest_message_are_not_read_again(
    person: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program may edit one message all day, and it is asked every few seconds what is not indexed yet."""
    monkeypatch.setattr(search, "OVERTAKEN", 0)
    (newest,) = await current().fetch("SELECT id, created FROM message ORDER BY id DESC LIMIT 1")
    rows = [(f"edit {number}", person, newest["created"], newest["id"]) for number in range(5000)]
    await current().execute_all([(EDIT, rows)])
    assert await search.catch_up(10)
    asked: list[tuple[Any, ...]] = []
    fetch = SQLiteEngine.fetch

    async def fetch_and_note(engine: SQLiteEngine, sql: str, *args: Any) -> list[Row]:
        asked.append((sql, args))
        return await fetch(engine, sql, *args)

    monkeypatch.setattr(SQLiteEngine, "fetch", fetch_and_note)
    assert await search.catch_up(10)
    steps: list[int] = []
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        connection.set_progress_handler(lambda: steps.append(1), 1)
        for sql, args in asked:
            connection.execute(for_sqlite(sql), args).fetchall()
    assert len(steps) < 5000

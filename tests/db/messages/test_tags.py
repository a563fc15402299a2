"""Tags: a person finds messages by them, in whatever case, and nothing is left of them after a deletion."""

import sqlite3
from contextlib import closing

import msgspec
import pytest

from djangobot.db.engine import current
from djangobot.db.engine.sql import for_sqlite
from djangobot.db.errors import TokenLimited
from djangobot.db.messages import acceptance, tags
from djangobot.db.messages.history import history, search
from djangobot.db.messages.history.history import Page, Place
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import erasure
from djangobot.db.programs import accounts
from djangobot.db.programs.accounts import Account
from djangobot.db.programs.tokens import BotToken

from ..conftest import NOW, World, on_sqlite

TAGGED = [
    ("one", ("Backup", "disk_full")),
    ("two", ("Диск",)),
    ("three", ()),
    ("four", ("backup",)),
    ("five", ("BACKUP", "backup")),
]


class Tagged(msgspec.Struct, frozen=True):
    """A person, another person with the same messages, and the account and token that sent them."""

    person: int
    other: int
    account: Account
    token: str


@pytest.fixture
async def sent(world: World) -> Tagged:
    """TAGGED, to two people."""
    account, person, other = await world.account(), await world.person(), await world.person()
    token, elsewhere = await world.link(account, person), await world.link(account, other)
    for text, hashtags in TAGGED:
        await acceptance.accept(token, NewMessage(text, tags=hashtags), NOW)
        await acceptance.accept(elsewhere, NewMessage(text, tags=hashtags), NOW)
    return Tagged(person.id, other.id, account, token)


def texts(page: Page) -> list[str]:
    return [entry.text for entry in page.messages]


async def rows() -> int:
    return len(await current().fetch("SELECT id FROM message_tag"))


async def test_the_messages_with_a_tag_come_page_by_page_in_any_case(sent: Tagged) -> None:
    """Forth and back, newest first; those of others do not."""
    first = await history.page(sent.person, limit=2, tag="backup")
    assert (texts(first), first.older, first.newer) == (["five", "four"], True, False)
    last = first.messages[-1]
    second = await history.page(sent.person, limit=2, tag="backup", before=Place(last.time, last.seq))
    assert (texts(second), second.older, second.newer) == (["one"], False, True)
    found = second.messages[0]
    back = await history.page(sent.person, limit=2, tag="backup", after=Place(found.time, found.seq))
    assert texts(back) == ["five", "four"]


async def test_a_tag_can_be_narrowed_to_a_sender_and_a_day(sent: Tagged, world: World) -> None:
    """All three at once."""
    more = await world.link(sent.account, (await world.person()), "more")
    await acceptance.accept(more, NewMessage("elsewhere", tags=("backup",)), NOW)
    [token] = [
        row["id"] for row in await current().fetch("SELECT id FROM bot_token WHERE chat = $1", sent.person)
    ]
    day = history.whole_day(NOW.date(), NOW.tzinfo)  # type: ignore[arg-type]
    other_day = history.whole_day(NOW.date().replace(day=1), NOW.tzinfo)  # type: ignore[arg-type]
    assert texts(await history.page(sent.person, limit=9, tag="backup", token=token, days=day)) == [
        "five",
        "four",
        "one",
    ]
    assert texts(await history.page(sent.person, limit=9, tag="backup", token=token + 1)) == []
    assert texts(await history.page(sent.person, limit=9, tag="backup", days=other_day)) == []


async def test_the_tags_of_a_person_are_listed_with_their_messages(sent: Tagged) -> None:
    """The one used last is first; each once, in however many cases it was written."""
    found = await tags.of_chat(sent.person, limit=9)
    assert [(one.tag, one.messages) for one in found] == [("backup", 3), ("диск", 1), ("disk_full", 1)]
    assert [one.tag for one in await tags.of_chat(sent.person, limit=1, skipped=1)] == ["диск"]


async def test_whether_a_person_has_tags_is_known(sent: Tagged) -> None:
    """Only their own count."""
    assert await tags.any_of_chat(sent.person)
    await current().execute("DELETE FROM message_tag WHERE chat = $1", sent.person)
    assert not await tags.any_of_chat(sent.person)
    assert await tags.any_of_chat(sent.other)


@on_sqlite
async def test_whether_a_person_has_tags_costs_the_same_with_many(sent: Tagged, database: str) -> None:
    """Each page of a history asks for that."""
    steps: list[int] = []
    costs = []
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        connection.set_progress_handler(lambda: steps.append(1), 1)
        for many in (0, 1000):
            rows = [(sent.person, f"tag {number}", number) for number in range(many)]
            connection.executemany("INSERT INTO message_tag (chat, tag, message) VALUES (?, ?, ?)", rows)
            steps.clear()
            assert connection.execute(for_sqlite(tags.ANY_OF_CHAT), (sent.person,)).fetchall() == [(1,)]
            costs.append(len(steps))
    assert costs[0] == costs[1]


async def test_a_tag_is_found_as_it_is_written_and_by_its_number(sent: Tagged) -> None:
    """With `#` or without, also with a hyphen; nobody else's."""
    for word in ("#backup", "BACKUP", "#Disk-Full", "#диск", "ДИСК"):
        found = await tags.find(sent.person, word)
        assert found is not None
        assert await tags.named(sent.person, found.id) == found
        assert await tags.named(sent.other, found.id) is None
    for word in ("", "#", "#42", "nothing", "#backup disk"):
        assert await tags.find(sent.person, word) is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("#backup", ["five", "four", "one"]),
        ("#BackUp #disk_full", ["one"]),
        ("#backup four", ["four"]),
        ("two #диск", ["two"]),
        ("#backup three", []),
        ("backup", ["five", "four", "one"]),
        ("#nothing", []),
        ("disk", ["one"]),
    ],
)
async def test_a_search_takes_hashtags_beside_words(sent: Tagged, words: str, expected: list[str]) -> None:
    """All must be there. The words of tags are words, too."""
    assert await search.catch_up(10)
    assert texts(await search.find(sent.person, words, limit=9)) == expected


async def test_pages_of_a_search_by_tag(sent: Tagged) -> None:
    """Forth and back."""
    first = await search.find(sent.person, "#backup", limit=2)
    second = await search.find(sent.person, "#backup", limit=2, before=first.messages[-1].seq)
    back = await search.find(sent.person, "#backup", limit=2, after=second.messages[0].seq)
    assert [texts(page) for page in (first, second, back)] == [["five", "four"], ["one"], ["five", "four"]]


async def test_a_hashtag_that_no_message_has_as_a_tag_is_a_word(sent: Tagged) -> None:
    """A program may have written it into the text."""
    await acceptance.accept(sent.token, NewMessage("look at #nightly"), NOW)
    assert await search.catch_up(10)
    assert texts(await search.find(sent.person, "#nightly", limit=9)) == ["look at #nightly"]


async def test_a_message_that_is_refused_leaves_no_tag(sent: Tagged) -> None:
    """A limited token's tags are added in the transaction that counts."""
    await current().execute("UPDATE bot_token SET limit_minute = 6 WHERE chat = $1", sent.person)
    before = await rows()
    await acceptance.accept(sent.token, NewMessage("within", tags=("backup", "late")), NOW)
    assert await rows() == before + 2
    with pytest.raises(TokenLimited):
        await acceptance.accept(sent.token, NewMessage("beyond", tags=("backup",)), NOW)
    assert await rows() == before + 2


@pytest.mark.parametrize("way", ["forget", "the account goes", "the message goes"])
async def test_tags_go_with_what_is_deleted(sent: Tagged, way: str) -> None:
    """The other person's stay."""
    before = await rows()
    if way == "forget":
        await erasure.erase(sent.person)
    elif way == "the account goes":
        await accounts.remove(sent.account, now=NOW)
    else:
        await current().execute("DELETE FROM message WHERE chat = $1", sent.person)
    assert await rows() == (0 if way == "the account goes" else before // 2)
    assert await tags.of_chat(sent.person, limit=9) == []


async def test_a_plain_message_costs_no_tag(world: World) -> None:
    """The table stays empty."""
    person = await world.person()
    await acceptance.accept(await world.link(await world.account(), person), NewMessage("plain"), NOW)
    assert await rows() == 0
    assert await BotToken.count() == 1

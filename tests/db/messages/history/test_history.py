"""Histories: every page is what a person would find by looking through all of it."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from djangobot.db.engine import Row
from djangobot.db.engine.sql import for_sqlite
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.history import history
from djangobot.db.messages.history.history import Days, Place
from djangobot.db.messages.messages import Entry
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.programs import revocations, tokens

from ...conftest import NOW, World, on_sqlite

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")


async def walk(chat: int, **chosen: object) -> tuple[list[Entry], list[Entry]]:
    """All pages to the oldest, and all of them back again, each newest first."""
    there, back = [], []
    page = await history.page(chat, limit=4, **chosen)  # type: ignore[arg-type]
    there += page.messages
    while page.older:
        page = await history.page(chat, limit=4, before=place(page.messages[-1]), **chosen)  # type: ignore[arg-type]
        assert page.newer
        there += page.messages
    if there:
        back.append(there[-1])
        while (page := await history.page(chat, limit=4, after=place(back[0]), **chosen)).messages:  # type: ignore[arg-type]
            assert page.older
            back = [*page.messages, *back]
            if not page.newer:
                break
    return there, back


def place(entry: Entry) -> Place:
    return Place(entry.time, entry.seq)


@pytest.fixture
async def crowd(world: World) -> tuple[int, dict[str, int], list[Entry]]:
    """A person, the tokens that may write to them, and all they have got: over three days, the clock set back
    at times, beside somebody else's messages."""
    account, person, other = await world.account(), await world.person(), await world.person()
    linked = {name: await world.link(account, person, name) for name in ("ci", "backup", "silent")}
    elsewhere = await world.link(account, other)
    chance = random.Random(5)
    for number in range(60):
        at = NOW + timedelta(hours=chance.randrange(72), microseconds=chance.randrange(3))
        await acceptance.accept(linked[chance.choice(["ci", "backup"])], NewMessage(str(number)), at)
        await acceptance.accept(elsewhere, NewMessage("not theirs"), at)
    ids = {card.name: card.id for card in await tokens.of_chat(person.id, NOW)}
    everything = (await messages.page(account.id, limit=200, chat=person.id)).messages
    return person.id, ids, everything


def by_time(entries: list[Entry], keep: Callable[[Entry], bool] = lambda entry: True) -> list[Entry]:
    return sorted(filter(keep, entries), key=lambda entry: (entry.time, entry.seq), reverse=True)


async def test_pages_forth_and_back_show_everything_once(
    crowd: tuple[int, dict[str, int], list[Entry]],
) -> None:
    """Newest first by time, whatever order the messages came in; nobody else's among them."""
    person, _, everything = crowd
    assert len(everything) == 60
    assert await walk(person) == (by_time(everything), by_time(everything))


async def test_pages_of_one_sender(crowd: tuple[int, dict[str, int], list[Entry]]) -> None:
    """In the order they were accepted in."""
    person, ids, everything = crowd
    expected = [entry for entry in everything if entry.token == "ci"]
    assert await walk(person, token=ids["ci"]) == (expected, expected)
    assert await walk(person, token=ids["silent"]) == ([], [])


async def test_pages_of_one_day_are_cut_by_the_persons_clock(
    crowd: tuple[int, dict[str, int], list[Entry]],
) -> None:
    """The same messages fall on other days elsewhere."""
    person, ids, everything = crowd
    for zone in (UTC, MOSCOW):
        day = date(2026, 11, 24)
        expected = by_time(everything, lambda entry: entry.time.astimezone(zone).date() == day)  # noqa: B023
        assert expected
        assert await walk(person, days=history.whole_day(day, zone)) == (expected, expected)
        ci = [entry for entry in expected if entry.token == "ci"]
        assert await walk(person, days=history.whole_day(day, zone), token=ids["ci"]) == (ci, ci)


async def test_nobody_reads_by_anothers_token(crowd: tuple[int, dict[str, int], list[Entry]]) -> None:
    """A button made by hand names what is not theirs: it shows nothing."""
    person, ids, _ = crowd
    stranger = person + 1
    for days in (None, Days(NOW, NOW + timedelta(days=3))):
        assert (await history.page(stranger, limit=5, token=ids["ci"], days=days)).messages == []


async def test_a_page_does_not_need_the_message_it_starts_from(
    crowd: tuple[int, dict[str, int], list[Entry]],
) -> None:
    """Deleted in between: the place it stood at is still one."""
    person, _, everything = crowd
    gone = Place(by_time(everything)[9].time, 10**15)
    assert (await history.page(person, limit=1, before=gone)).messages == [by_time(everything)[9]]


@on_sqlite
async def test_the_last_page_of_everything_costs_no_more_than_the_first(
    crowd: tuple[int, dict[str, int], list[Entry]], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page goes on where the one before ended, and reads nothing before that."""
    person, _, everything = crowd
    monkeypatch.setattr(history, "BATCH", 4)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    fetch = SQLiteEngine.fetch

    async def fetch_and_note(engine: SQLiteEngine, sql: str, *args: Any) -> list[Row]:
        asked.append((sql, args))
        return await fetch(engine, sql, *args)

    monkeypatch.setattr(SQLiteEngine, "fetch", fetch_and_note)
    pages = [page async for page in history.everything(person, NOW + timedelta(days=9))]
    assert [entry for page in pages for entry in page] == by_time(everything)[::-1]
    steps: list[int] = []
    costs = []
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        connection.set_progress_handler(lambda: steps.append(1), 1)
        for sql, args in asked[: len(pages)]:
            steps.clear()
            connection.execute(for_sqlite(sql), args).fetchall()
            costs.append(len(steps))
    assert max(costs[-4:-1]) < 1.2 * min(costs[:4]), costs


async def test_senders_are_those_who_wrote(crowd: tuple[int, dict[str, int], list[Entry]]) -> None:
    """Revoked ones too: what they sent is there."""
    person, ids, _ = crowd
    await revocations.revoke(person, ids["ci"], NOW)
    assert {sender.name for sender in await history.senders(person)} == {"ci", "backup"}
    assert {sender.token for sender in await history.senders(person)} == {ids["ci"], ids["backup"]}


async def test_days_with_messages(crowd: tuple[int, dict[str, int], list[Entry]]) -> None:
    """Newest first, each once, a page at a time."""
    person, _, everything = crowd
    days = sorted({entry.time.astimezone(MOSCOW).date() for entry in everything}, reverse=True)
    later = NOW + timedelta(days=30)
    found = await history.days_with_messages(person, MOSCOW, limit=2, before=later)
    found = [*found, *await history.days_with_messages(
        person, MOSCOW, limit=5, before=history.start_of(found[-1], MOSCOW)
    )]  # fmt: skip
    assert found == days


async def test_days_have_as_many_hours_as_the_clock_gives_them() -> None:
    """Summer time ends on 25 October 2026 in Berlin."""
    longer = history.whole_day(date(2026, 10, 25), BERLIN)
    assert longer == Days(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))


async def test_an_account_reads_what_it_sent_to_one_chat(world: World) -> None:
    """By several tokens, in one order, in pages; not what others sent there nor what it sent elsewhere."""
    account, other = await world.account(), await world.account("other")
    person, elsewhere = await world.person(), await world.person()
    linked = [await world.link(account, person) for _ in range(3)]
    strangers = [await world.link(other, person), await world.link(account, elsewhere)]
    for number in range(21):
        await acceptance.accept(linked[number % 3], NewMessage(str(number)), NOW)
        await acceptance.accept(strangers[number % 2], NewMessage("another's"), NOW)
    seen: list[str] = []
    page = await messages.page(account.id, limit=5, chat=person.id)
    seen += [entry.text for entry in page.messages]
    while page.next is not None:
        page = await messages.page(account.id, limit=5, chat=person.id, before=page.next)
        seen += [entry.text for entry in page.messages]
    assert seen == [str(number) for number in reversed(range(21))]


async def test_everything_is_read_once_oldest_first_until_a_moment(
    crowd: tuple[int, dict[str, int], list[Entry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches; what is sent from that moment on is not of it, so that it ends."""
    person, _, everything = crowd
    monkeypatch.setattr(history, "BATCH", 7)
    until = NOW + timedelta(hours=50)
    expected = by_time(everything, lambda entry: entry.time < until)[::-1]
    read = [entry async for batch in history.everything(person, until) for entry in batch]
    assert read == expected
    assert await history.count(person) == 60


async def test_counts_are_by_token_and_within_the_days(
    crowd: tuple[int, dict[str, int], list[Entry]],
) -> None:
    """What a chart of thirty days is made of."""
    person, ids, everything = crowd
    days = history.whole_day(date(2026, 11, 24), MOSCOW)
    counted = await history.counts(person, days)
    there = [entry for entry in everything if days.since <= entry.time < days.until]
    assert counted == {ids[name]: sum(e.token == name for e in there) for name in ("ci", "backup")}

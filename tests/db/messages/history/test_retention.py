"""Retention: what has been kept for long enough is erased, and nothing else."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import purge, state
from djangobot.db.delivery import removal
from djangobot.db.engine import current, sqlite
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.messages import acceptance, deletions
from djangobot.db.messages.history import history, retention, search
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats

from ...conftest import NOW, World, on_postgresql, on_sqlite

DAYS = 30
LATER = NOW + timedelta(days=DAYS + 1)
"""When what was accepted at NOW has been kept for long enough."""


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else writes here."""
    monkeypatch.setattr(retention, "PAUSE", 0.0)
    monkeypatch.setattr(removal, "STEP", 2)
    monkeypatch.setattr(removal, "READ", 3)


@pytest.fixture
async def token(world: World) -> str:
    return await world.link(await world.account(), await world.person())


async def send(token: str, text: str, when: datetime = NOW, **more: Any) -> str:
    """Accepts a message; returns its id."""
    message = msgspec.structs.replace(NewMessage(text), **more)
    return (await acceptance.accept(token, message, when)).id


async def texts() -> list[str]:
    """The texts of the messages that there are, edits included."""
    rows = await current().fetch(
        "SELECT text FROM message WHERE token IS NOT NULL AND text <> '' ORDER BY id"
    )
    return [row["text"] for row in rows]


async def test_old_messages_are_erased_and_new_ones_stay(world: World, token: str) -> None:
    """With their words, their tags and the notices of ours. A day before, nothing is."""
    for number in range(7):
        await send(token, f"old {number}", tags=("backup",))
    await world.deliver()
    assert await search.catch_up(60)
    assert await retention.sweep(LATER - timedelta(days=1), DAYS) == 0
    await send(token, "new one", LATER, tags=("backup",))
    await World(LATER).deliver()
    assert await search.catch_up(60)
    assert await retention.sweep(LATER, DAYS) == 8  # and the notice that they were linked
    assert await texts() == ["new one"]
    (chat,) = await current().fetch("SELECT id FROM chat")
    for words in ("old", "one", "#backup"):
        found = (await search.find(chat["id"], words, limit=9)).messages
        assert [one.text for one in found] == ([] if words == "old" else ["new one"])
    assert await state.get(purge.DELETED) is not None
    assert await retention.sweep(LATER, DAYS) == 0


async def test_files_are_purged_once_at_the_end_of_a_sweep(
    world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the process died in the middle of it: the next sweep sees to it, even if nothing is left."""
    for number in range(6):
        await send(token, f"old {number}")
    await world.deliver()
    remove, noted = removal._remove, []

    async def remove_and_look(ids: removal.Page, limit: datetime, settled: str) -> int:
        found = await remove(ids, limit, settled)
        noted.append(await state.get(purge.DELETED))
        if len(noted) == 5:
            raise asyncio.CancelledError
        return found

    monkeypatch.setattr(removal, "_remove", remove_and_look)
    with pytest.raises(asyncio.CancelledError):
        await retention.sweep(LATER, DAYS)
    assert (noted, await texts()) == ([None] * 5, [])
    assert await retention.sweep(LATER, DAYS) == 0
    assert await state.get(purge.DELETED) is not None


async def test_without_the_setting_nothing_is_erased(world: World, token: str) -> None:
    """However old it is."""
    await send(token, "old")
    await world.deliver()
    assert await retention.sweep(NOW + timedelta(days=9999), 0) == 0
    assert await texts() == ["old"]


async def test_what_is_not_over_stays(world: World, token: str) -> None:
    """What waits, what is being sent, what nobody knows of, and what is to be deleted from the chat."""
    await send(token, "sent")
    await send(token, "to be deleted")
    await world.deliver()
    public_id = (await current().fetch("SELECT public_id FROM message WHERE text = 'to be deleted'"))[0]
    assert not (await deletions.delete(str(public_id["public_id"]), token, 0)).done
    statuses = ["uncertain", "queued", "sending", "failed", "paused"]
    for status in statuses:
        await send(token, status)
        await current().execute("UPDATE message SET status = $1 WHERE text = $1::varchar", status)
    await send(token, "scheduled", send_at=(NOW + timedelta(days=99)).isoformat())
    await send(token, "held for a digest")
    await current().execute(
        "UPDATE message SET status = 'held', held_until = $1 WHERE text = 'held for a digest'", LATER
    )
    await retention.sweep(LATER, DAYS)
    assert await texts() == [
        "to be deleted", "uncertain", "queued", "sending", "paused", "scheduled", "held for a digest",
    ]  # fmt: skip


async def test_a_message_that_changes_is_as_old_as_its_last_edit(world: World, token: str) -> None:
    """It goes together with its edits, and not while an edit waits."""
    await send(token, "still changing", replace="a")
    await send(token, "changed long ago", replace="b")
    await send(token, "to be changed", replace="c")
    await world.deliver()
    await send(token, "changed long ago, edited", replace="b")
    await world.deliver()
    await send(token, "still changing, edited", LATER, replace="a")
    await World(LATER).deliver()
    await send(token, "to be changed, waits", replace="c")
    assert await retention.sweep(LATER, DAYS) == 2  # with the notice that they were linked
    assert [text.partition(",")[0] for text in await texts()] == [
        "still changing", "to be changed", "still changing", "to be changed",
    ]  # fmt: skip


async def test_a_person_may_want_fewer_days(world: World) -> None:
    """Of others nothing is erased. More days than the service keeps are of no use."""
    account = await world.account()
    people = [await world.person() for _ in range(3)]
    tokens = [await world.link(account, person) for person in people]
    for token in tokens:
        await send(token, "old")
    await world.deliver()
    await chats.change_settings(people[0].id, keep=7)
    await chats.change_settings(people[1].id, keep=365)
    assert await retention.sweep(NOW + timedelta(days=8), 0) == 1
    assert await retention.sweep(NOW + timedelta(days=8), DAYS) == 0
    pages = [await history.page(person.id, limit=9) for person in people]
    assert [len(page.messages) for page in pages] == [0, 1, 1]
    await retention.sweep(LATER, DAYS)
    assert await texts() == []


@on_postgresql
async def test_what_somebody_works_on_is_left_for_the_next_time(world: World, token: str) -> None:
    """An edit that is being accepted for it in this moment; nobody waits for the other."""
    await send(token, "old", replace="a")
    await world.deliver()
    locked, done = asyncio.Event(), asyncio.Event()

    async def edit() -> None:
        async with current().write():
            await current().fetch("SELECT m.id FROM message m WHERE m.text = 'old' FOR NO KEY UPDATE OF m")
            locked.set()
            await done.wait()

    editing = asyncio.create_task(edit())
    await locked.wait()
    async with asyncio.timeout(PATIENCE):
        assert await retention.sweep(LATER, DAYS) == 1  # the notice
    done.set()
    await editing
    assert await retention.sweep(LATER, DAYS) == 1


@on_sqlite
async def test_a_large_file_of_sqlite_gives_its_room_back(
    world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step, without a rewrite of the whole, and nothing is lost."""
    monkeypatch.setattr(sqlite, "REWRITTEN_MOST", 0)
    monkeypatch.setattr(removal, "STEP", 100)
    monkeypatch.setattr(removal, "READ", 100)
    monkeypatch.setattr(purge, "SHRUNK_AT_ONCE", 5)
    monkeypatch.setattr(purge, "PAUSE", 0.0)
    engine = current()
    assert isinstance(engine, SQLiteEngine)
    for number in range(60):
        await send(token, f"{number} " + "long " * 5000)
    await world.deliver()
    await send(token, "new", LATER)
    before = await pages_of(engine)
    await retention.sweep(LATER, DAYS)
    assert await purge.run()
    assert await pages_of(engine) < before / 2
    assert await texts() == ["new"]
    assert (await engine.fetch("PRAGMA integrity_check"))[0]["integrity_check"] == "ok"


async def pages_of(engine: SQLiteEngine) -> int:
    """The pages of the file."""
    return int((await engine.fetch("SELECT page_count FROM pragma_page_count()"))[0]["page_count"])

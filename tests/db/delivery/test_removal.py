"""What goes with an account or a person goes a few messages at a time, so that others can write meanwhile."""

import asyncio
from datetime import datetime

import pytest

from djangobot.db import purge, state
from djangobot.db.admin import users
from djangobot.db.delivery import removal
from djangobot.db.engine import current
from djangobot.db.messages import acceptance
from djangobot.db.messages.history import retention
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats, erasure
from djangobot.db.people.chats import Chat
from djangobot.db.programs import accounts
from djangobot.db.programs.accounts import Account

from ..conftest import World

MANY = 7


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "STEP", 2)
    monkeypatch.setattr(removal, "READ", 3)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages of programs there were after each step."""
    remove, counted = removal._remove, []

    async def remove_and_count(ids: removal.Page, limit: datetime, settled: str) -> int:
        found = await remove(ids, limit, settled)
        counted.append(await messages())
        return found

    monkeypatch.setattr(removal, "_remove", remove_and_count)
    return counted


async def messages() -> int:
    sql = "SELECT COUNT(*) AS messages FROM message WHERE kind IN ('message', 'edit')"
    return int((await current().fetch(sql))[0]["messages"])


async def sent(world: World) -> tuple[Account, Chat, str]:
    """An account that has sent many messages to a person, and its token."""
    account, person = await world.account(), await world.person()
    token = await world.link(account, person)
    for number in range(MANY):
        await acceptance.accept(token, NewMessage(f"number {number}"), world.now)
    await world.deliver()
    return account, person, token


@pytest.mark.parametrize("who", ["owner", "person", "admin deletes account", "admin deletes chat"])
async def test_no_step_deletes_more_than_a_few_messages(world: World, left: list[int], who: str) -> None:
    """Each is committed for itself. At the end all is gone."""
    account, person, _ = await sent(world)
    world.now = later = world.now.replace(hour=world.now.hour + 1)
    match who:
        case "owner":
            await accounts.remove(account, now=later)
        case "person":
            await erasure.erase(person.id, later)
        case "admin deletes account":
            assert await users.delete("account", account.id, 1, later, of_settings=())
        case _:
            assert await users.delete("chat", person.id, 1, later, of_settings=())
    assert len(left) >= MANY // removal.STEP
    assert all(
        0 <= before - after <= removal.STEP for before, after in zip([MANY, *left], left, strict=False)
    )
    assert left[-1] == 0
    assert await messages() == 0
    assert (await chats.get(person.id) is None) == (who in ("person", "admin deletes chat"))
    assert await state.get(purge.DELETED) is not None


async def test_what_is_interrupted_can_be_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account and its tokens are still there, and so is what waits. What is gone is purged."""
    account, _, token = await sent(world)
    world.now = later = world.now.replace(hour=world.now.hour + 1)
    remove, steps = removal._remove, []

    async def die(ids: removal.Page, limit: datetime, settled: str) -> int:
        steps.append(await remove(ids, limit, settled))
        if len(steps) == 2:
            raise asyncio.CancelledError
        return steps[-1]

    with monkeypatch.context() as patch:
        patch.setattr(removal, "_remove", die)
        with pytest.raises(asyncio.CancelledError):
            await accounts.remove(account, now=later)
    await acceptance.accept(token, NewMessage("goes on"), later)
    assert [message.text for message in await world.deliver()] == ["goes on"]
    await retention.sweep(later, 0)
    assert await state.get(purge.DELETED) is not None
    await accounts.remove(account, now=later)
    assert await messages() == 0
    assert [message.kind for message in await world.deliver()] == ["account_removed"]


async def test_a_message_stays_as_long_as_an_edit_of_it_waits(world: World) -> None:
    """Else the edit would be sent as a message of its own, before all of it is gone."""
    account, person = await world.account(), await world.person()
    token = await world.link(account, person)
    for text in ("first", "second"):
        await acceptance.accept(token, NewMessage(text, replace="key"), world.now)
        if text == "first":
            await world.deliver()
    later = world.now.replace(hour=world.now.hour + 1)
    await removal.of_account(account.id, later)
    await removal.of_chat(person.id, later)
    assert await messages() == 2
    assert [message.text for message in await world.deliver()] == ["second"]
    await removal.of_account(account.id, later)
    assert await messages() == 0

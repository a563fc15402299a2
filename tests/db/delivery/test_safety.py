"""What must hold when things happen at the same moment, are cancelled, or come back."""

import asyncio
from typing import Any

import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import conf
from djangobot.db.delivery import claims
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import current
from djangobot.db.errors import AccessDenied, DatabaseUnavailable, WrongCredentials
from djangobot.db.messages import acceptance
from djangobot.db.messages.history import history
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats
from djangobot.db.programs import accounts, revocations, tokens

from ..conftest import NOW, World, on_sqlite

TOUCH = "UPDATE chat SET seen = seen"


async def test_a_removed_accounts_access_token_opens_no_later_account(world: World) -> None:
    former = await world.account("former")
    await accounts.remove(former, now=NOW)
    await world.account("later")
    with pytest.raises(AccessDenied):
        await accounts.authenticate(former.id, former.token_version)


async def test_claims_at_the_same_moment_never_share_a_message(world: World) -> None:
    account = await world.account()
    for token in [await world.link(account, await world.person()) for _ in range(10)]:
        await acceptance.accept(token, NewMessage("x"), NOW)
    groups = await asyncio.gather(*(claims.claim(NOW, limit=100) for _ in range(4)))
    claimed = [message.id for group in groups for message in group]
    assert len(claimed) == len(set(claimed)) == 10


async def test_a_message_canceled_while_it_was_being_claimed_is_not_handed_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()
    token = await world.link(await world.account(), person)
    await acceptance.accept(token, NewMessage("doomed"), NOW)
    engine = current()
    real: Any = type(engine).fetch_as

    async def fetch_as(self: object, shape: object, sql: str, *args: object) -> object:
        rows = await real(engine, shape, sql, *args)
        if sql == claims.DUE_ANYWHERE:
            monkeypatch.undo()
            await revocations.revoke(person.id, (await tokens.of_chat(person.id, NOW))[0].id, NOW)
        return rows

    monkeypatch.setattr(type(engine), "fetch_as", fetch_as)
    assert await claims.claim(NOW, limit=10) == []


async def test_a_transaction_cancelled_twice_gives_its_connection_back(world: World) -> None:
    engine = current()
    for _ in range(12):  # more than PostgreSQL's pool holds
        begun = asyncio.Event()

        async def work(begun: asyncio.Event = begun) -> None:
            async with engine.write():
                await engine.execute(TOUCH)
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(engine.execute(TOUCH), PATIENCE)


async def test_a_task_that_outlives_the_transaction_it_was_started_in_is_on_its_own(world: World) -> None:
    engine, go = current(), asyncio.Event()

    async def later() -> None:
        await go.wait()
        await engine.execute(TOUCH)

    async with engine.write():
        task = asyncio.create_task(later())
        await engine.execute(TOUCH)
    go.set()
    await asyncio.wait_for(task, PATIENCE)


async def test_a_value_no_database_can_hold_takes_no_other_write_down(world: World) -> None:
    people = [
        chats.meet(
            number, access_hash=1, first_name="\ud800" if number == 5 else "Ann", last_name="", username="",
            language="en", now=NOW,
        )
        for number in range(1, 21)
    ]  # fmt: skip
    assert len(await asyncio.gather(*people)) == 20


async def test_writes_asked_for_while_closing_are_done_or_refused_never_forgotten(world: World) -> None:
    engine = current()
    before = [asyncio.create_task(engine.execute(TOUCH)) for _ in range(3)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(conf.close_database())
    after = []
    while not closing.done():
        after.append(asyncio.create_task(engine.execute(TOUCH)))
        await asyncio.sleep(0)
    await closing
    for outcome in await asyncio.wait_for(asyncio.gather(*before, *after, return_exceptions=True), PATIENCE):
        assert outcome == [] or isinstance(outcome, DatabaseUnavailable)


async def test_a_sender_who_waits_hears_of_the_end_however_quick_it_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await world.link(await world.account(), await world.person())
    engine = current()
    real: Any = type(engine).insert

    async def insert(self: object, *args: object) -> object:
        rows = await real(engine, *args)
        await world.deliver()
        return rows

    monkeypatch.setattr(type(engine), "insert", insert)
    assert (await acceptance.accept(token, NewMessage("quick", wait=PATIENCE), NOW)).status == "sent"


async def test_a_sender_who_waits_hears_of_a_revocation(world: World) -> None:
    person = await world.person()
    token = await world.link(await world.account(), person)
    waiting = asyncio.create_task(acceptance.accept(token, NewMessage("doomed", wait=PATIENCE), NOW))
    while not (await history.page(person.id, limit=1)).messages:  # noqa: ASYNC110 - in the database
        await asyncio.sleep(0)
    await revocations.revoke(person.id, (await tokens.of_chat(person.id, NOW))[0].id, NOW)
    assert (await waiting).status == "canceled"


async def test_a_password_no_utf8_can_hold_is_a_wrong_password(world: World) -> None:
    await world.account()
    with pytest.raises(WrongCredentials):
        await accounts.sign_in("owner", "\ud800")


async def test_changing_nothing_changes_nothing(world: World) -> None:
    account = await world.account()
    assert (await accounts.change(account)).login == "owner"


@on_sqlite  # PostgreSQL chooses by statistics
async def test_removing_an_account_reads_its_own_messages_only(world: World) -> None:
    plan = await current().fetch("EXPLAIN QUERY PLAN DELETE FROM message WHERE account = 1")
    searched = [row["detail"] for row in plan]
    assert any("message_of_account" in detail for detail in searched)
    assert [detail for detail in searched if "INDEX" not in detail and "PRIMARY KEY" not in detail] == []


def test_a_wakeup_works_in_any_event_loop() -> None:
    for _ in range(2):
        asyncio.run(wakeups.wait_for_due(0.01))

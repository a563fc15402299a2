"""What two processes on one PostgreSQL may do to each other between two statements, and what one may do to
itself: every interleaving here is forced, none is left to luck."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import credentials
from djangobot.db.delivery import claims, outbox, outcomes, settlement
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import current
from djangobot.db.engine.sql import for_postgres
from djangobot.db.errors import AccessDenied, TokenInvalid
from djangobot.db.messages import acceptance
from djangobot.db.messages.history import history
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import codes
from djangobot.db.programs import accounts, revocations, tokens

from ..conftest import MINUTE, NOW, World, on_postgresql

INSERT = for_postgres(acceptance.ONE)


def new_row(token: str, text: str) -> tuple[object, ...]:
    """The arguments of INSERT for this text."""
    row = acceptance.NewRow.of(NewMessage(text), credentials.digest_token(token), NOW)
    return msgspec.structs.astuple(row)


@asynccontextmanager
async def another_process(database: str) -> AsyncIterator[Any]:
    """A connection that is not ours, in a transaction it has not ended yet."""
    connection = await asyncpg.connect(database)
    await connection.execute("BEGIN")
    try:
        yield connection
    finally:
        await connection.close()


async def waits_for_a_lock(task: "asyncio.Task[Any]") -> None:
    """Until the database says that one of us waits for the other process, or the task has ended."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not task.done() and not await current().fetch(waiting):  # noqa: ASYNC110 - in the database
        await asyncio.sleep(0)


@on_postgresql
async def test_a_message_that_somebody_is_changing_holds_up_no_other(world: World, database: str) -> None:
    """The claim passes over it at once, and finds it when the other is done."""
    account = await world.account()
    one, two = [await world.link(account, await world.person()) for _ in range(2)]
    first = await acceptance.accept(one, NewMessage("one"), NOW)
    await acceptance.accept(two, NewMessage("two"), NOW)
    async with another_process(database) as other:
        await other.execute("UPDATE message SET text = 'changed' WHERE public_id = $1", first.id)
        assert [message.text for message in await world.deliver()] == ["two"]
        wakeups.pop_due(100)
        await other.execute("COMMIT")
    await asyncio.wait_for(wakeups.wait_for_due(MINUTE.total_seconds()), PATIENCE)
    assert [message.text for message in await world.deliver()] == ["changed"]


@on_postgresql  # SQLite has one writer at a time
async def test_an_older_message_that_is_committed_late_waits_for_the_younger_being_sent(
    world: World, database: str
) -> None:
    """PostgreSQL gives ids out before the commit; a chat has one message in flight all the same."""
    token = await world.link(await world.account(), await world.person())
    async with another_process(database) as other:
        await other.execute(INSERT, *new_row(token, "late"))
        await acceptance.accept(token, NewMessage("early"), NOW)
        (sending,) = await claims.claim(NOW, limit=10)
        await other.execute("COMMIT")
    assert sending.text == "early"
    assert await claims.claim(NOW, limit=10) == []
    assert await claims.claim(NOW, limit=10, chats=[sending.chat_id]) == []
    assert await outbox.poll(NOW) is None
    await settlement.settle([outcomes.Sent(sending, 1)], NOW)
    assert [message.text for message in await world.deliver()] == ["late"]


@on_postgresql  # SQLite has one writer at a time
async def test_a_message_accepted_while_its_token_is_being_revoked_is_refused(
    world: World, database: str
) -> None:
    person = await world.person()
    token = await world.link(await world.account(), person)
    async with another_process(database) as other:
        await other.execute("UPDATE bot_token SET revoked = $1", NOW)
        accepting = asyncio.create_task(acceptance.accept(token, NewMessage("too late"), NOW))
        await waits_for_a_lock(accepting)
        await other.execute("COMMIT")
        with pytest.raises(TokenInvalid):
            await accepting
    assert (await history.page(person.id, limit=1)).messages == []


@on_postgresql  # SQLite has one writer at a time
async def test_revoking_cancels_what_was_being_accepted_at_that_moment(world: World, database: str) -> None:
    person = await world.person()
    token = await world.link(await world.account(), person)
    (card,) = await tokens.of_chat(person.id, NOW)
    async with another_process(database) as other:
        await other.execute(INSERT, *new_row(token, "just"))
        revoking = asyncio.create_task(revocations.revoke(person.id, card.id, NOW))
        await waits_for_a_lock(revoking)
        await other.execute("COMMIT")
        await revoking
    assert [e.status for e in (await history.page(person.id, limit=5)).messages] == ["canceled"]


@on_postgresql  # SQLite has one writer at a time
async def test_a_message_accepted_while_its_account_is_being_removed_is_refused(
    world: World, database: str
) -> None:
    token = await world.link(await world.account(), await world.person())
    async with another_process(database) as other:
        for table in ("message", "bot_token", "account"):
            await other.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
        accepting = asyncio.create_task(acceptance.accept(token, NewMessage("too late"), NOW))
        await waits_for_a_lock(accepting)
        await other.execute("COMMIT")
        with pytest.raises(TokenInvalid):
            await accepting


async def test_a_code_is_not_redeemed_for_an_account_that_has_just_been_removed(world: World) -> None:
    """The refusal is ours, not the database's, and the code is still good."""
    gone, person = await world.account("gone"), await world.person()
    code = await codes.issue(person, NOW)
    await accounts.remove(gone, now=NOW)
    with pytest.raises(AccessDenied):
        await codes.redeem(gone, code, NOW)
    await codes.redeem(await world.account("other"), code, NOW)


async def test_who_leaves_twice_at_once_leaves_once_and_the_chat_is_told_once(world: World) -> None:
    account, person = await world.account(), await world.person()
    await world.link(account, person)
    done = await asyncio.gather(
        *(accounts.remove(account, now=NOW) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in done) == ["AccessDenied"] * 4 + ["NoneType"]
    assert [notice.kind for notice in await world.deliver()] == ["account_removed"]


DELIVERER = """
import asyncio, json, sys
from datetime import datetime, timedelta
from djangobot.db import conf
from djangobot.db.delivery import claims
async def main():
    await conf.open_database(sys.argv[1])
    now, got = datetime.fromisoformat(sys.argv[2]), []
    sys.stdin.readline()
    while claimed := await claims.claim(now, limit=7):
        got += [[message.id, message.chat_id] for message in claimed]
    print(json.dumps(got))
    await conf.close_database()
asyncio.run(main())
"""


async def test_two_processes_that_claim_at_once_share_no_message_and_no_chat(
    world: World, database: str
) -> None:
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(40)]
    for token in linked * 2:
        await acceptance.accept(token, NewMessage("x"), NOW)
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", DELIVERER, database, NOW.isoformat(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    claimed = [tuple(pair) for out, _ in answers for pair in json.loads(out)]
    assert len(claimed) == len({chat for _, chat in claimed}) == 40


async def test_a_message_put_off_by_another_deliverer_meanwhile_is_not_taken_before_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await world.link(await world.account(), await world.person())
    await acceptance.accept(token, NewMessage("put off"), NOW)
    engine = current()
    real: Any = type(engine).fetch_as

    async def fetch_as(self: object, shape: object, sql: str, *args: object) -> object:
        rows = await real(engine, shape, sql, *args)
        if sql == claims.DUE_ANYWHERE:
            monkeypatch.undo()
            (message,) = await claims.claim(NOW, limit=1)
            await settlement.settle([outcomes.Postponed(message, NOW + MINUTE, "flood wait 60 s")], NOW)
        return rows

    monkeypatch.setattr(type(engine), "fetch_as", fetch_as)
    assert await claims.claim(NOW, limit=10) == []
    assert await outbox.poll(NOW) == NOW + MINUTE

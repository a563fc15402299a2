"""Groups: messages that arrive at the same time are inserted in PostgreSQL by one statement, and none of them
is worse off for it."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import credentials
from djangobot.db.engine import Row, current
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.engine.postgres_groups import MOST_TOGETHER
from djangobot.db.engine.sql import for_postgres
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import Accepted, NewMessage
from djangobot.db.programs import tokens

from ..conftest import NOW, World, on_postgresql
from ..delivery.test_races import another_process, new_row, waits_for_a_lock

MANY = (acceptance.INSERT.many, acceptance.INSERT_ONCE.many)
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
# The second of two messages waits until somebody lets it go.
PAUSE = """
CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN new; END $$;
CREATE TRIGGER pause BEFORE INSERT ON message FOR EACH ROW WHEN (new.text = 'second')
EXECUTE FUNCTION pause();
"""


@pytest.fixture
def inserted_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that accepted messages."""
    inserted_by: list[str] = []
    fetch = PostgresEngine.fetch

    async def note(self: PostgresEngine, sql: str, *args: Any) -> list[Row]:
        if sql in (*MANY, acceptance.ONE):
            inserted_by.append(sql)
        return await fetch(self, sql, *args)

    monkeypatch.setattr(PostgresEngine, "fetch", note)
    return inserted_by


async def linked(world: World, many: int = 1) -> list[str]:
    """Tokens that have been used before: how much of them waits is known, and their use is noted."""
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(many)]
    await accept_all(linked, "before")
    await asyncio.gather(*tokens._noting)
    return linked


async def accept_all(linked: list[str], *texts: str) -> list[Accepted]:
    """A message of each token with each text, all at once."""
    return await asyncio.gather(
        *(acceptance.accept(token, NewMessage(text), NOW) for text in texts for token in linked)
    )


async def texts(after: str = "before") -> list[str]:
    """Those in the database, in the order of their ids."""
    sql = "SELECT text FROM message WHERE kind = 'message' AND text <> $1 ORDER BY id"
    return [row["text"] for row in await current().fetch(sql, after)]


@on_postgresql
async def test_messages_that_arrive_together_are_one_statement_and_keep_their_order(
    world: World, inserted_by: list[str]
) -> None:
    """However many chats they are for."""
    sent = [str(number) for number in range(30)]
    linked_tokens = await linked(world, 2)
    inserted_by.clear()
    accepted = await accept_all(linked_tokens, *sent)
    assert inserted_by == [acceptance.INSERT.many]
    assert await texts() == [text for text in sent for _ in linked_tokens]
    assert len({each.id for each in accepted}) == len(accepted)


@on_postgresql
async def test_more_messages_than_one_statement_takes_need_another(
    world: World, inserted_by: list[str]
) -> None:
    """A few of the longest texts fill one, too."""
    (token,) = await linked(world)
    inserted_by.clear()
    sent = [str(number) for number in range(MOST_TOGETHER + 1)]
    await accept_all([token], *sent)
    assert inserted_by == [acceptance.INSERT.many] * 2
    assert await texts() == sent
    inserted_by.clear()
    long = [f"{number} " + "x" * 65_000 for number in range(18)]
    await accept_all([token], *long)
    assert inserted_by == [acceptance.INSERT.many] * 2
    assert sorted(await texts()) == sorted(sent + long)


@on_postgresql
async def test_a_message_that_is_refused_spoils_no_other(world: World, inserted_by: list[str]) -> None:
    """Neither one without a valid token nor one that the database can't store."""
    (token,) = await linked(world)
    inserted_by.clear()
    rows = [new_row(token, "one"), new_row("no such token", "two"), new_row(token, "three")]
    added: list[Row] = []
    engine = current()
    found = await asyncio.gather(*(engine.insert(acceptance.INSERT, row, added.extend) for row in rows))
    assert ([len(each) for each in found], len(added)) == ([1, 0, 1], 2)
    rows = [new_row(token, "four"), new_row(token, "\0"), new_row(token, "five")]
    outcomes = await asyncio.gather(
        *(engine.insert(acceptance.INSERT, row, added.extend) for row in rows), return_exceptions=True
    )
    assert [isinstance(outcome, asyncpg.DataError) for outcome in outcomes] == [False, True, False]
    assert (sorted(await texts()), len(added)) == (sorted(["one", "three", "four", "five"]), 4)


@on_postgresql
async def test_who_waits_for_a_lock_holds_up_no_other(world: World, database: str) -> None:
    """Somebody changes one token; the other is accepted at once, and the first one afterwards."""
    held, free = await linked(world, 2)
    async with another_process(database) as other:
        await other.execute(
            "UPDATE bot_token SET name = 'x' WHERE digest = $1", credentials.digest_token(held)
        )
        waiting = asyncio.create_task(acceptance.accept(held, NewMessage("held"), NOW))
        async with asyncio.timeout(PATIENCE):
            assert (await acceptance.accept(free, NewMessage("free"), NOW)).status == "queued"
            await waits_for_a_lock(waiting)
            assert not waiting.done()
            assert (await acceptance.accept(free, NewMessage("free too"), NOW)).status == "queued"
        await other.execute("COMMIT")
    assert (await waiting).status == "queued"
    assert await texts() == ["free", "free too", "held"]


@on_postgresql
async def test_a_key_that_another_process_is_using_holds_up_no_message_without_one(
    world: World, database: str
) -> None:
    """Only whoever uses the same key must wait."""
    token, free = await linked(world, 2)
    row = acceptance.NewRow.of(NewMessage("x", key="k"), credentials.digest_token(token), NOW)
    async with another_process(database) as other:
        await other.execute(for_postgres(acceptance.ONE), *msgspec.structs.astuple(row))
        waiting = asyncio.create_task(acceptance.accept(token, NewMessage("x", key="k"), NOW))
        await waits_for_a_lock(waiting)
        async with asyncio.timeout(PATIENCE):
            await accept_all([token, free], "without a key")
        assert not waiting.done()
        await other.execute("COMMIT")
    assert (await waiting).id == row.public_id


@on_postgresql
async def test_processes_that_wait_for_each_other_in_a_circle_lose_no_message(
    world: World, database: str
) -> None:
    """Two use the same two keys, each in an order of its own. The database ends the circle, and ours are
    accepted, each by itself."""
    (token,) = await linked(world)
    digest = credentials.digest_token(token)
    gate = await asyncpg.connect(database)
    await gate.execute(PAUSE)
    try:
        await gate.execute("SELECT pg_advisory_lock(1)")
        async with another_process(database) as other:
            await other.execute("SET LOCAL deadlock_timeout = '1h'")  # it is not the one that gives up
            row = acceptance.NewRow.of(NewMessage("x", key="second"), digest, NOW)
            await other.execute(for_postgres(acceptance.ONE), *msgspec.structs.astuple(row))
            ours = asyncio.gather(
                *(acceptance.accept(token, NewMessage(text, key=text), NOW) for text in ("first", "second"))
            )
            while len(await current().fetch(WAITING)) < 1:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0)
            row = acceptance.NewRow.of(NewMessage("y", key="first"), digest, NOW)
            theirs = asyncio.create_task(
                other.execute(for_postgres(acceptance.ONE), *msgspec.structs.astuple(row))
            )
            while len(await current().fetch(WAITING)) < 2:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0)
            await gate.execute("SELECT pg_advisory_unlock(1)")
            await asyncio.wait_for(theirs, PATIENCE)
            await other.execute("ROLLBACK")
        first, second = await asyncio.wait_for(ours, PATIENCE)
    finally:
        await gate.execute("DROP TRIGGER pause ON message; DROP FUNCTION pause()")
        await gate.close()
    assert [each.status for each in (first, second)] == ["queued", "queued"]
    assert sorted(await texts()) == ["first", "second"]

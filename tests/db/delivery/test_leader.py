"""Duty: of several processes on one PostgreSQL exactly one delivers, and the deposed can do nothing."""

import asyncio

import asyncpg
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.delivery import claims, leader, outcomes, settlement
from djangobot.db.delivery.leader import LEADER_LOCK
from djangobot.db.delivery.outcomes import Postponed, Sent
from djangobot.db.engine import current, dedicated
from djangobot.db.engine.dedicated import DedicatedConnection
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from ..conftest import NOW, World, on_postgresql, on_sqlite

HOLDER = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
AND (classid::bigint << 32 | objid::bigint) = $1
"""


def nobody_else() -> None:
    raise AssertionError("it is ours at once")


async def depose(connection: DedicatedConnection | None) -> None:
    """As when the network or the server ends the connection that holds the lock."""
    assert connection is not None
    rows = await current().fetch(HOLDER, LEADER_LOCK)
    await current().fetch("SELECT pg_terminate_backend($1)", rows[0]["pid"])
    await asyncio.wait_for(connection.lost.wait(), PATIENCE)


@on_sqlite
async def test_on_sqlite_it_is_always_ours(database: str) -> None:
    """One process alone uses the file."""
    async with leader.elected(nobody_else) as ours:
        assert not ours.lost.is_set()


@on_postgresql
async def test_one_has_it_and_the_next_waits_until_it_is_left(database: str) -> None:
    """The one that waits is told so, and gets it."""
    waits = asyncio.Event()

    async def other() -> None:
        async with leader.elected(waits.set) as ours:
            assert not ours.lost.is_set()

    async with leader.elected(nobody_else):
        standby = asyncio.create_task(other())
        await asyncio.wait_for(waits.wait(), PATIENCE)
        assert not standby.done()
    await asyncio.wait_for(standby, PATIENCE)


@on_postgresql
async def test_one_whose_connection_ends_has_lost_it_at_once_and_another_gets_it(database: str) -> None:
    """Without its doing anything."""
    async with leader.elected(nobody_else) as first:
        await depose(first.connection)
        async with asyncio.timeout(PATIENCE), leader.elected(lambda: None) as second:
            assert not second.lost.is_set()
            assert await current().fetch(HOLDER, LEADER_LOCK)


@on_postgresql
async def test_the_deposed_can_neither_claim_nor_record(world: World) -> None:
    """Though everybody else can: what it holds is the next one's."""
    token = await world.link(await world.account(), await world.person())
    await acceptance.accept(token, NewMessage("one"), NOW)
    async with leader.elected(nobody_else) as ours:
        deliverer = ours.context()

        async def claim() -> list[outcomes.Claimed]:
            return await claims.claim(NOW, limit=10)

        async def settle(results: list[outcomes.Settled]) -> None:
            await settlement.settle(results, NOW)

        [message] = await asyncio.create_task(claim(), context=deliverer)
        await depose(ours.connection)
        for outcome in (Sent(message, 7), Postponed(message, NOW, "lost", not_done=True)):
            with pytest.raises(DatabaseUnavailable):
                await asyncio.create_task(settle([outcome]), context=deliverer)
        assert await claims.reclaim(NOW) == 1
        with pytest.raises(DatabaseUnavailable):
            await asyncio.create_task(claim(), context=deliverer)
        assert [again.random_id for again in await claim()] == [message.random_id]


@on_postgresql
async def test_a_claim_and_a_record_at_the_same_moment_take_turns(world: World) -> None:
    """They share one connection; transactions too, whole or not at all."""
    async with leader.elected(nobody_else) as ours:

        async def write(fail: bool) -> None:
            async with current().write():
                await current().execute("INSERT INTO service_test VALUES (1)")
                if fail:
                    raise KeyError

        async def everything() -> None:
            await current().execute("CREATE TEMPORARY TABLE service_test (number int)")
            await asyncio.gather(
                *(current().fetch("SELECT pg_sleep(0.001)") for _ in range(20)),
                *(write(bool(number % 2)) for number in range(10)),
                return_exceptions=True,
            )
            rows = await current().fetch("SELECT COUNT(*) AS written FROM service_test")
            assert rows == [{"written": 5}]

        await asyncio.create_task(everything(), context=ours.context())


@on_postgresql
async def test_a_deliverer_that_does_not_move_any_more_is_deposed_by_the_server(database: str) -> None:
    """A process that is stopped keeps its connections open; the server ends what is silent for five
    seconds."""
    engine = current()
    assert isinstance(engine, PostgresEngine)
    connection = await dedicated.connect(engine)
    assert await connection.fetch("SELECT pg_try_advisory_lock($1) AS ours", LEADER_LOCK) == [{"ours": True}]
    async with asyncio.timeout(PATIENCE), leader.elected(lambda: None) as ours:
        assert not ours.lost.is_set()
    assert connection.lost.is_set()


@on_postgresql
async def test_a_server_that_comes_back_finds_its_standby(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not answer is asked again."""
    answers = iter([OSError("nobody there"), None])
    connect = asyncpg.connect

    async def late(*args: object, **more: object) -> object:
        if error := next(answers):
            raise error
        return await connect(*args, **more)

    monkeypatch.setattr(asyncpg, "connect", late)
    async with asyncio.timeout(PATIENCE), leader.elected(nobody_else) as ours:
        assert not ours.lost.is_set()

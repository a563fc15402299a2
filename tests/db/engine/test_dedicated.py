"""A connection beside the pool: what it hears, and how its end is noticed."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.engine import current, dedicated, use_connection
from djangobot.db.engine.dedicated import DedicatedConnection
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.errors import DatabaseUnavailable

from ..conftest import on_postgresql

pytestmark = on_postgresql


@pytest.fixture
async def connection(database: str) -> AsyncIterator[DedicatedConnection]:
    engine = current()
    assert isinstance(engine, PostgresEngine)
    connection = await dedicated.connect(engine)
    yield connection
    await connection.disconnect()


async def cut(connection: DedicatedConnection) -> None:
    """Ends it at the server, as an administrator or a failover does."""
    await current().fetch("SELECT pg_terminate_backend($1)", connection.connection.get_server_pid())


async def test_notifications_of_others_are_received_and_our_own_are_not(
    connection: DedicatedConnection, database: str
) -> None:
    """A process needs no news of what it did itself."""
    received: asyncio.Queue[str] = asyncio.Queue()
    await connection.listen("channel", received.put_nowait)
    await connection.fetch("SELECT pg_notify('channel', 'ours')")
    other = await asyncpg.connect(database)
    await other.execute("SELECT pg_notify('channel', 'another''s')")
    await other.close()
    async with asyncio.timeout(PATIENCE):
        assert await received.get() == "another's"
    assert received.empty()


async def test_a_connection_that_is_cut_is_lost_and_answers_no_query(connection: DedicatedConnection) -> None:
    """The pool behind it does not take over: the lock of this connection is gone."""
    await cut(connection)
    async with asyncio.timeout(PATIENCE):
        await connection.lost.wait()
    with pytest.raises(DatabaseUnavailable):
        await connection.fetch("SELECT 1")
    assert await current().fetch("SELECT 1 AS one") == [{"one": 1}]


async def test_keeping_alive_confirms_and_ends_with_the_connection(connection: DedicatedConnection) -> None:
    """`confirmed` never runs ahead of the query that was answered."""
    before = dedicated.steady()
    keeping = asyncio.create_task(connection.keep_alive(0))
    async with asyncio.timeout(PATIENCE):
        while connection.confirmed <= before:  # noqa: ASYNC110 - another task's
            await asyncio.sleep(0)
        assert connection.confirmed <= dedicated.steady()
        await cut(connection)
        await keeping
    assert connection.lost.is_set()


async def test_a_task_on_the_connection_uses_no_other(connection: DedicatedConnection) -> None:
    """Also in the tasks that it starts, and in no task beside it."""
    own = connection.connection.get_server_pid()

    async def pids() -> set[int]:
        rows = await asyncio.gather(*(current().fetch("SELECT pg_backend_pid() AS pid") for _ in range(3)))
        return {row["pid"] for (row,) in rows}

    async def on_it() -> set[int]:
        use_connection(connection)
        return await asyncio.create_task(pids())

    assert await asyncio.create_task(on_it()) == {own}
    assert own not in await pids()

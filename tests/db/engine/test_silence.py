"""A database that is there and says nothing: packets that vanish, as behind a halted proxy."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import conf
from djangobot.db.delivery import outbox
from djangobot.db.engine import Row, current, postgres, postgres_groups
from djangobot.db.engine.postgres import POOL, PostgresEngine
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.programs import tokens

from ..conftest import NOW, World, on_postgresql

WITHIN = 10.0
"""Seconds for whoever asks to hear that the database is not available."""
SHORT = 0.1
"""What the limits of the engine are here; as long as they are, nobody has to wait in a test."""


class Proxy:
    """Passes on what comes, from one socket to the server's and back; when it is halted it takes all and
    passes nothing on, and closes nothing."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self) -> int:
        """The port."""
        self.server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.goes_on.wait()
        there, back = await asyncio.open_unix_connection(self.path)
        for source, sink in ((reader, back), (there, writer)):
            self.writers.add(sink)
            task = asyncio.create_task(self._pass_on(source, sink))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await self.goes_on.wait()
                sink.write(data)
                await sink.drain()
        sink.close()

    def close(self) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        for writer in self.writers:
            writer.close()


@pytest.fixture
async def proxy(world: World, database: str) -> AsyncIterator[Proxy]:
    """The database in use is behind it."""
    folder = database.partition("host=")[2]
    proxy = Proxy(f"{folder}/.s.PGSQL.5432")
    port = await proxy.serve()
    await conf.close_database()
    await conf.open_database(f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable")
    yield proxy
    proxy.goes_on.set()
    await conf.close_database()
    proxy.close()


async def refused(ask: Callable[[], Awaitable[object]]) -> None:
    """It says that the database is not available."""
    with pytest.raises(DatabaseUnavailable):
        await ask()


@on_postgresql
async def test_a_server_that_says_nothing_is_unavailable_within_ten_seconds_and_then_works_again(
    world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More ask at once than there are connections: those that use one, those that wait for one, and a
    transaction."""
    waits = (postgres.ACQUIRE_WITHIN, postgres.LATE_AFTER, postgres.PROBE_WITHIN, postgres_groups.PATIENCE)
    assert sum(waits) < WITHIN
    token = await world.link(await world.account(), await world.person())
    engine = current()
    await asyncio.gather(*(engine.fetch("SELECT pg_sleep(0)") for _ in range(POOL)))

    async def write() -> None:
        async with engine.write():
            await engine.execute("UPDATE chat SET seen = seen")

    proxy.goes_on.clear()
    asked = [
        *(refused(lambda: acceptance.accept(token, NewMessage("x"), NOW)) for _ in range(POOL)),
        *(refused(lambda: acceptance.accept(token, NewMessage("x", key="k"), NOW)) for _ in range(3)),
        *(refused(write) for _ in range(3)),
    ]
    with monkeypatch.context() as patch:
        for limit in ("ACQUIRE_WITHIN", "LATE_AFTER", "PROBE_WITHIN"):
            patch.setattr(postgres, limit, SHORT)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*asked)
    proxy.goes_on.set()
    assert (await acceptance.accept(token, NewMessage("back"), NOW)).status == "queued"


@on_postgresql
async def test_messages_that_wait_for_others_fail_with_them_when_the_server_is_gone(
    world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would wait as long again. Those that have only just come try it themselves."""
    tried: list[str] = []
    fetch = PostgresEngine.fetch

    async def note(self: PostgresEngine, sql: str, *args: object) -> list[Row]:
        tried.append(sql)
        return await fetch(self, sql, *args)

    monkeypatch.setattr(PostgresEngine, "fetch", note)
    token = await world.link(await world.account(), await world.person())
    await acceptance.accept(token, NewMessage("before"), NOW)
    await asyncio.gather(*tokens._noting)
    await asyncio.gather(*(current().fetch("SELECT pg_sleep(0)") for _ in range(postgres_groups.AT_ONCE)))
    monkeypatch.setattr(postgres_groups, "PATIENCE", 0.0)
    monkeypatch.setattr(postgres, "LATE_AFTER", 100 * PATIENCE)
    tried.clear()
    proxy.goes_on.clear()
    asked = []
    for number in range(1, 2 * postgres_groups.AT_ONCE + 1):
        asked.append(asyncio.create_task(refused(lambda: acceptance.accept(token, NewMessage("x"), NOW))))
        while len(tried) < min(number, postgres_groups.AT_ONCE):  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0)
    for _ in range(3):  # until the last ones wait
        await asyncio.sleep(0)
    for writer in proxy.writers:
        writer.close()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*asked)
    assert tried == [acceptance.INSERT.many] * postgres_groups.AT_ONCE


@on_postgresql
async def test_who_gives_up_asking_does_not_wait_for_a_dead_connection(
    world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /health does after its two seconds."""
    await outbox.oldest_due(NOW)
    proxy.goes_on.clear()
    with monkeypatch.context() as patch:
        for limit in ("ACQUIRE_WITHIN", "LATE_AFTER", "PROBE_WITHIN", "ANSWER_PATIENCE"):
            patch.setattr(postgres, limit, 100 * PATIENCE)
        async with asyncio.timeout(PATIENCE):
            asking = asyncio.create_task(outbox.oldest_due(NOW))
            await asyncio.wait([asking], timeout=SHORT)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking


@on_postgresql
async def test_a_statement_that_takes_long_is_not_taken_for_a_dead_connection(
    world: World, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says that it is at work."""
    monkeypatch.setattr("djangobot.db.engine.postgres.LATE_AFTER", 0.1)
    monkeypatch.setattr("djangobot.db.engine.postgres.PROBE_WITHIN", PATIENCE)
    assert await current().fetch("SELECT 1 AS one FROM pg_sleep(1)") == [{"one": 1}]


@on_postgresql
async def test_closing_does_not_wait_for_a_server_that_says_nothing(
    world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process can stop."""
    monkeypatch.setattr("djangobot.db.engine.postgres.ANSWER_PATIENCE", 0.5)
    engine = current()
    assert isinstance(engine, PostgresEngine)
    await engine.fetch("SELECT 1")
    proxy.goes_on.clear()
    asking = asyncio.create_task(engine.fetch("SELECT 1"))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await engine.close()
    with pytest.raises(DatabaseUnavailable):
        await asking

"""What the processes on one PostgreSQL tell each other."""

import asyncio
import subprocess
import sys

import asyncpg
import msgspec
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.delivery.pubsub import pubsub, wakeups
from djangobot.db.engine import current
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from ...conftest import NOW, World, on_postgresql, worker_here

OTHER = """
import asyncio, sys
from datetime import datetime, UTC
from djangobot.db.delivery.pubsub import pubsub
from djangobot.db import conf
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
def now(): return datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
async def main():
    await conf.open_database(sys.argv[1])
    async with pubsub.connected(now):
        token, wait = sys.argv[2], float(sys.argv[3])
        message = NewMessage("from elsewhere", wait=wait)
        accepted = await acceptance.accept(token, message, now())
        while not pubsub.link().idle:  # sent before we go
            await asyncio.sleep(0.01)
        print(accepted.status)
    await conf.close_database()
asyncio.run(main())
"""


def elsewhere(url: str, token: str, wait: float = PATIENCE) -> subprocess.Popen[str]:
    """Another process that accepts a message, and waits for its end."""
    command = [sys.executable, "-c", OTHER, url, token, str(wait)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def outcome(process: subprocess.Popen[str]) -> str:
    said, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
    return said.split()[-1]  # after the log


async def ring() -> list[int]:
    async with asyncio.timeout(PATIENCE):
        while not (rung := wakeups.pop_due(10) or wakeups.pop_urgent(10)):
            await wakeups.wait_for_due(PATIENCE)
        return rung


@on_postgresql
async def test_what_one_process_accepts_wakes_the_deliverer_in_another(world: World, database: str) -> None:
    """And what the deliverer settles is told to who waits there: without either, it would wait in vain."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    with worker_here():
        async with pubsub.connected(lambda: NOW):
            await settled_wire()
            wakeups.pop_due(10)
            process = elsewhere(database, token)
            assert await ring() == [person.id]
            (claimed,) = await claims.claim(NOW, limit=10, chats=[person.id])
            assert claimed.text == "from elsewhere"
            await settlement.settle([outcomes.Sent(claimed, 7)], NOW)
            assert await outcome(process) == "sent"


@on_postgresql
async def test_who_waits_hears_though_the_signal_was_lost(world: World) -> None:
    """The table is asked, every second: here nobody says anything over the wire."""
    token = await world.link(await world.account(), await world.person())
    with worker_here():
        async with pubsub.connected(lambda: NOW):
            wakeups.pop_due(10)
            waiting = asyncio.create_task(acceptance.accept(token, NewMessage("x", wait=PATIENCE), NOW))
            await ring()  # it is there
            await current().execute(
                "UPDATE message SET status = 'failed', failure = 'by hand' WHERE status = 'queued'"
            )
            accepted = await waiting
    assert (accepted.status, accepted.failure) == ("failed", "by hand")


@on_postgresql
async def test_listening_is_taken_up_again_after_a_cut(world: World, database: str) -> None:
    """What became due meanwhile is rung for as soon as we hear again."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    async with pubsub.connected(lambda: NOW):
        wire = await settled_wire()
        connection = await asyncpg.connect(database)
        listening = wire.connection  # which `wire` has no longer, as soon as it hears that it is cut
        assert listening is not None
        await connection.execute("SELECT pg_terminate_backend($1)", listening.connection.get_server_pid())
        async with asyncio.timeout(PATIENCE):
            await listening.lost.wait()
        await connection.close()
        with worker_here():
            wakeups.pop_due(10)
            process = elsewhere(database, token, wait=0)
            assert await outcome(process) == "queued"
            assert await ring() == [person.id]


async def settled_wire() -> pubsub.PubSub:
    """Connected, and listening."""
    wire = pubsub.link()
    assert wire is not None
    async with asyncio.timeout(PATIENCE):
        await wire.listening.wait()
    return wire


@pytest.mark.parametrize("count", [1, 200, 5000])
def test_long_news_are_told_in_several_notifications(count: int) -> None:
    """PostgreSQL takes less than 8000 bytes at a time; nothing is left out."""
    words = [("00000000-0000-7000-8000-000000000001", "failed", "я" * 200)] * count
    payloads = list(pubsub.payloads(words))
    assert all(len(payload.encode()) < 8000 for payload in payloads)
    assert sum(len(msgspec.json.decode(payload)) for payload in payloads) == count

"""Acceptance: what was answered is on disk, and who hangs up changes nothing."""

import asyncio
import subprocess
import sys

import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.engine import Row, current
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from ..conftest import NOW, World, worker_here

KILLED = """
import asyncio, os, sys
from datetime import UTC, datetime
from djangobot.db import conf
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
async def main():
    await conf.open_database(sys.argv[1])
    await asyncio.gather(*(
        acceptance.accept(sys.argv[2], NewMessage(str(number)), datetime.now(UTC)) for number in range(50)
    ))
    os._exit(9)
asyncio.run(main())
"""
MESSAGES = "SELECT public_id, text FROM message WHERE kind = 'message' ORDER BY id"


async def test_what_was_answered_survives_a_process_that_is_killed(world: World, database: str) -> None:
    """Messages that are committed together are on disk before the first answer."""
    token = await world.link(await world.account(), await world.person())
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", KILLED, database, token])
    assert ended.returncode == 9
    found = [row["text"] for row in await current().fetch(MESSAGES)]
    assert sorted(found) == sorted(str(number) for number in range(50))


async def test_a_sender_who_hangs_up_at_any_moment_leaves_no_message_that_nobody_knows_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 1, 2, 3 … turns of the event loop. A message that was committed is announced all the same, and an
    idle worker gets what was claimed for it."""
    token = await world.link(await world.account(), await world.person())
    await acceptance.accept(token, NewMessage("first"), NOW)
    known = {str((await current().fetch(MESSAGES))[0]["public_id"])}
    note = acceptance._note

    def noted(public_id: str, now: object, row: Row) -> None:
        known.add(public_id)
        note(public_id, NOW, row)

    monkeypatch.setattr(acceptance, "_note", noted)
    with worker_here() as worker:
        for turns in range(1, 30):
            sending = asyncio.create_task(acceptance.accept(token, NewMessage(str(turns)), NOW))
            for _ in range(turns):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        last = await acceptance.accept(token, NewMessage("last"), NOW)
        async with asyncio.timeout(PATIENCE):
            while {str(row["public_id"]) for row in await current().fetch(MESSAGES)} != known:  # noqa: ASYNC110
                await asyncio.sleep(0)
        sending_now = await current().fetch("SELECT id FROM message WHERE status = 'sending'")
        assert [message.id for message in worker.taken] == [row["id"] for row in sending_now]
    assert len(known) > 3
    assert last.id in known

"""When nothing may be sent: waits that Telegram wants, a pause, a process that may not lead any more."""

from datetime import UTC, datetime, timedelta

import pytest

from djangobot.bot.delivery import flood_control, housekeeping
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.db import state
from djangobot.db.delivery.pubsub import recalls
from djangobot.db.engine import current
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from .conftest import Running, drained, people, status, until, until_so


async def test_several_chats_told_to_wait_make_the_whole_bot_wait_also_after_a_restart(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the bot that is too fast, then; two chats are their own affair."""
    monkeypatch.setattr(flood_control, "FLOOD_WINDOW", 100 * PATIENCE)
    *flooded, quiet = (await people(client, sandbox, 4)).items()
    for chat, _ in flooded:
        await sandbox.fault("flood_wait", "messages.sendMessage", value=3000, times=1, chat=chat)
    async with Running(client) as at_work:
        for _, one in flooded[:2]:
            await acceptance.accept(one, NewMessage("x"), datetime.now(UTC))
        fine = await acceptance.accept(quiet[1], NewMessage("two are none", wait=PATIENCE), datetime.now(UTC))
        assert fine.status == "sent"
        await acceptance.accept(flooded[2][1], NewMessage("x"), datetime.now(UTC))
        await until(lambda: not at_work.flood_control.open)
        held = await acceptance.accept(quiet[1], NewMessage("three are all", wait=1), datetime.now(UTC))
        assert held.status == "queued"
    assert 2000 < await state.flood_left(datetime.now(UTC)) <= 3000
    async with Running(client) as at_work:
        again = await acceptance.accept(quiet[1], NewMessage("still", wait=1), datetime.now(UTC))
        assert (again.status, at_work.flood_control.open) == ("queued", False)
    await state.note_flood(timedelta(0), datetime.now(UTC))
    async with Running(client):
        assert (
            await acceptance.accept(quiet[1], NewMessage("over", wait=PATIENCE), datetime.now(UTC))
        ).status == "sent"
    said = await sandbox.messages(quiet[0])
    assert [message["text"].partition("\n")[2] for message in said if message["from"] == "bot"] == [
        "two are none", "three are all", "still", "over",
    ]  # fmt: skip


async def test_all_messages_of_a_chat_that_was_told_to_wait_do_after_a_restart(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Its wait stands in the row; nobody asks Telegram meanwhile."""
    await sandbox.fault("flood_wait", "messages.sendMessage", value=3000, times=1)
    for number in range(3):
        await acceptance.accept(token, NewMessage(f"number {number}"), datetime.now(UTC))

    async def waits() -> bool:
        return bool(await current().fetch("SELECT 1 FROM message WHERE failure LIKE 'flood wait%'"))

    async with Running(client):
        await until_so(waits)
    asked = (await sandbox.request("GET", "/journal"))["methods"]["messages.sendMessage"]
    async with Running(client):
        late = await acceptance.accept(token, NewMessage("number 3", wait=1), datetime.now(UTC))
    assert late.status == "queued"
    assert (await sandbox.request("GET", "/journal"))["methods"]["messages.sendMessage"] == asked


async def test_a_pause_is_obeyed_within_a_second_and_gives_back_what_was_not_begun(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Accepting goes on; the end of the pause is noticed as soon."""
    assert housekeeping.EVERY < 1
    async with Running(client) as at_work:
        await acceptance.accept(token, NewMessage("before", wait=PATIENCE), datetime.now(UTC))
        await state.put("paused", True, datetime.now(UTC))
        await until(lambda: not at_work.flood_control.open)
        held = await acceptance.accept(token, NewMessage("held", wait=0.5), datetime.now(UTC))
        assert (held.status, await status(held.id)) == ("queued", "queued")
        await state.put("paused", False, datetime.now(UTC))
        waiting = await acceptance.accept(token, NewMessage("behind it", wait=PATIENCE), datetime.now(UTC))
    assert (waiting.status, await status(held.id)) == ("sent", "sent")


async def test_a_pause_holds_when_it_is_announced(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Not half a second later: what is accepted from then on waits."""
    async with Running(client) as at_work:
        await acceptance.accept(token, NewMessage("before", wait=PATIENCE), datetime.now(UTC))
        await state.put("paused", True, datetime.now(UTC))
        await recalls.apply()
        assert not at_work.free
        held = await acceptance.accept(token, NewMessage("after", wait=1), datetime.now(UTC))
        assert (held.status, await status(held.id)) == ("queued", "queued")
        await state.put("paused", False, datetime.now(UTC))
        await recalls.apply()
        await drained()
        assert await status(held.id) == "sent"


async def test_who_may_have_been_deposed_begins_no_send(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Neither of what is in flight nor of what comes; it goes on when it is certain again."""
    async with Running(client) as at_work:
        await acceptance.accept(token, NewMessage("before", wait=PATIENCE), datetime.now(UTC))
        client.may_call = lambda: False
        asked = (await sandbox.journal())["methods"]
        held = await acceptance.accept(token, NewMessage("after", wait=1), datetime.now(UTC))
        assert held.status == "queued"
        assert (await sandbox.journal())["methods"] == asked
        assert not at_work.free
        client.may_call = lambda: True
        await drained()
        assert await status(held.id) == "sent"

"""What changes while messages wait: bans, blocks, a clock that is set back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from djangobot.bot.delivery import housekeeping
from djangobot.bot.delivery.pacing import CHAT_BURST, Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db import state
from djangobot.db.admin import bans, users
from djangobot.db.delivery import outbox
from djangobot.db.engine import current
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats

from .conftest import Running, SteppingClock, chat_of, drained, from_bot, status, until, until_so

LONG_PACE = 0.001
"""Messages a second to one chat, after the burst: the next one's turn does not come in this test."""


async def test_who_is_banned_while_their_message_waits_for_its_turn_has_it_taken_back(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Within a second, not when its turn would have come."""
    assert housekeeping.EVERY < 1
    running = Running(client, Worker(Gateway(client), Pacing(LONG_PACE, 0)))
    async with running as at_work:
        for number in range(CHAT_BURST - 1):  # the notice was one
            sent = await acceptance.accept(token, NewMessage(f"{number}", wait=PATIENCE), datetime.now(UTC))
            assert sent.status == "sent"
        late = await acceptance.accept(token, NewMessage("late"), datetime.now(UTC))
        await until(lambda: bool(at_work.in_flight.paced))
        await bans.ban("account", 1, 0, datetime.now(UTC), of_settings=())
        await until(lambda: not at_work.in_flight.paced and at_work.idle)
        assert await status(late.id) == "canceled"
    _, said = await chat_of(sandbox)
    assert "Fedor\nlate" not in said


async def test_whoever_waits_for_a_message_in_flight_hears_at_once_that_its_account_was_banned_or_deleted(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """It waits for its chat's turn by then; it is not sent."""
    person, _ = await chat_of(sandbox)
    running = Running(client, Worker(Gateway(client), Pacing(LONG_PACE, 0)))
    async with running as at_work:
        for number in range(CHAT_BURST - 1):  # the notice was one
            await acceptance.accept(token, NewMessage(f"{number}", wait=PATIENCE), datetime.now(UTC))
        for entry, reason in ((bans.ban, "account banned"), (users.delete, "deleted by an admin")):
            waiting = asyncio.create_task(
                acceptance.accept(token, NewMessage("late", wait=PATIENCE), datetime.now(UTC))
            )
            await until(lambda: bool(at_work.in_flight.paced))
            await entry("account", 1, 0, datetime.now(UTC), of_settings=())
            settled = await waiting
            assert (settled.status, settled.failure) == ("canceled", reason)
            if entry is bans.ban:
                await current().execute("UPDATE message SET failure = NULL WHERE status = 'canceled'")
                await bans.unban("account", 1, 0, datetime.now(UTC))
    assert "Fedor\nlate" not in [message["text"] for message in await from_bot(sandbox, person)]


async def test_after_an_unblock_the_queue_goes_on_and_what_came_too_late_has_expired(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """The one that hears of the block fails; those behind it wait, in order, with the token alive."""
    person, _ = await chat_of(sandbox)
    async with Running(client):  # the notice of the link
        await drained()
    queued = [
        await acceptance.accept(token, NewMessage(text, ttl=ttl), datetime.now(UTC))
        for text, ttl in (("hears", None), ("late", 1), ("first", None), ("second", None))
    ]
    await sandbox.block(person)

    async def two_are_left() -> bool:
        return await outbox.depth() <= 2

    async with Running(client):
        await until_so(two_are_left)
        await sandbox.unblock(person)
        await chats.unblock(person, datetime.now(UTC))
        await drained()
    found = [await messages.of_token(one.id, token, datetime.now(UTC)) for one in queued]
    assert [one.status for one in found] == ["failed", "expired", "sent", "sent"]
    _, said = await chat_of(sandbox)
    assert said[-2:] == ["Fedor\nfirst", "Fedor\nsecond"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_set_back_by_hours_holds_nothing_up(
    client: TelegramClient, sandbox: SandboxProcess, token: str, restarted: bool
) -> None:
    """Accepted by the clock of before, put off by the clock of before: due at once by the new one."""
    clock = SteppingClock()
    await state.note_clock(clock())
    at_work = Worker(Gateway(client), Pacing(0, 0), now=clock)
    running = None if restarted else asyncio.create_task(at_work.run())
    if not restarted:
        await acceptance.accept(token, NewMessage("before", wait=PATIENCE), clock())
    ahead = clock()
    clock.behind = timedelta(hours=5)
    accepted = asyncio.create_task(acceptance.accept(token, NewMessage("ahead", wait=PATIENCE), ahead))

    async def there() -> bool:
        return bool(await current().fetch("SELECT id FROM message WHERE text = 'ahead'"))

    await until_so(there)
    running = running or asyncio.create_task(at_work.run())
    assert (await accepted).status == "sent"
    at_work.stop()
    await running


async def test_what_is_accepted_by_the_old_clock_after_the_step_was_noticed_waits_seconds(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """A request may read the clock before the step and commit its message after it."""
    clock = SteppingClock()
    at_work = Worker(Gateway(client), Pacing(0, 0), now=clock)
    with structlog.testing.capture_logs() as logs:
        async with Running(client, at_work):
            await acceptance.accept(token, NewMessage("before", wait=PATIENCE), clock())
            ahead = clock()
            clock.behind = timedelta(hours=5)
            await until(lambda: "the clock stepped back" in {entry["event"] for entry in logs})
            await sandbox.fault("delay", "messages.sendMessage", value=0.5, times=1)
            await acceptance.accept(token, NewMessage("in its chat's way"), clock())
            late = await acceptance.accept(token, NewMessage("late", wait=PATIENCE), ahead)
    assert late.status == "sent"

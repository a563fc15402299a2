"""What goes first, and how many at once: urgent messages, long queues, Telegram's pace."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from djangobot.bot.delivery.pacing import CHAT_BURST, Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.settings import GUIDANCE_RATE_CHAT, GUIDANCE_RATE_TOTAL
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db.delivery.urgent import URGENT
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from .conftest import Recording, Running, drained, from_bot, people, until


class Places(Pacing):
    """Among all chats there is a place whenever the test gives one."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.free = 0

    def next_total(self, now: float) -> float:
        return now if self.free else now + 0.01

    def reserve_total(self, now: float) -> float:
        self.free -= 1
        return now


def first_in_line(worker: Worker, chat: int) -> bool:
    """Whether this chat's message is ready in the first rank."""
    return chat in worker.in_flight.ready._ranks[URGENT]


@pytest.mark.parametrize("slots", [50, 5], ids=["slots for all", "fewer slots than wait"])
async def test_an_urgent_message_takes_the_next_place_whatever_came_before(
    client: TelegramClient, sandbox: SandboxProcess, token: str, slots: int
) -> None:
    """Though all of that was in flight before: a place in the pacing belongs to no message before it has
    come. What stands before the urgent one in its own chat overtakes with it; others wait on."""
    linked = await people(client, sandbox, 16)
    (alone, idle), *others = linked.items()
    busy, last = others[-1]
    gateway, places = Recording(client), Places()
    at_work = Worker(gateway, places, concurrency=slots)
    ready = at_work.in_flight.ready
    for _, one in others:
        await acceptance.accept(one, NewMessage("plain"), datetime.now(UTC))
    async with Running(client, at_work):
        await until(lambda: len(ready) == len(others))
        await acceptance.accept(idle, NewMessage("now!", urgent=True), datetime.now(UTC))
        await until(lambda: first_in_line(at_work, alone))
        places.free += 1
        await until(lambda: len(gateway.begun) == 1)
        await acceptance.accept(last, NewMessage("now!", urgent=True), datetime.now(UTC))
        for number in (2, 3):
            await until(lambda: first_in_line(at_work, busy))
            places.free += 1
            await until(lambda number=number: len(gateway.begun) == number)  # type: ignore[misc]
        assert gateway.begun == [(alone, "now!"), (busy, "plain"), (busy, "now!")]
        assert len(ready) == len(others) - 1, "others wait on"
        places.free = len(others) - 1
        await drained()
    assert sorted(gateway.begun[3:]) == sorted((chat, "plain") for chat, _ in others[:-1])


async def test_a_chat_with_a_long_queue_slows_only_itself(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Round robin: who comes later is not behind all that one sender has piled up."""
    (flooded, piling), *others = (await people(client, sandbox, 6)).items()
    for number in range(100):
        await acceptance.accept(piling, NewMessage(str(number)), datetime.now(UTC))
    for _, one in others:
        await acceptance.accept(one, NewMessage("later"), datetime.now(UTC))
    gateway = Recording(client)
    async with Running(client, Worker(gateway, Pacing(0, 0), concurrency=1)):
        await until(lambda: sum(chat != flooded for chat, _ in gateway.begun) == len(others))
    places = [place for place, (chat, _) in enumerate(gateway.begun) if chat != flooded]
    assert max(places) < 50


async def test_the_slots_are_as_many_as_set(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """No more calls are under way at once than DJANGOBOT_CONCURRENCY says."""
    linked = await people(client, sandbox, 6)
    under_way = most = 0
    two, go_on = asyncio.Event(), asyncio.Event()

    class Counting(Gateway):
        async def send(self, peer: Any, text: Any, random_id: int) -> int:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            if under_way == 2:
                two.set()
            await go_on.wait()
            try:
                return await super().send(peer, text, random_id)
            finally:
                under_way -= 1

    for one in linked.values():
        await acceptance.accept(one, NewMessage("x"), datetime.now(UTC))
    at_work = Worker(Counting(client), Pacing(0, 0), concurrency=2)
    async with Running(client, at_work):
        await asyncio.wait_for(two.wait(), PATIENCE)
        await until(lambda: len(at_work.in_flight.ready) == len(linked) - 2)
        go_on.set()
        await drained()
    assert most == 2


class Noting(Pacing):
    """Notes for how many seconds each chat was held."""

    def __init__(self) -> None:
        super().__init__(GUIDANCE_RATE_CHAT, GUIDANCE_RATE_TOTAL)
        self.held: Counter[int] = Counter()

    def reserve_chat(self, chat_id: int, now: float) -> float:
        at = super().reserve_chat(chat_id, now)
        self.held[chat_id] += at - now  # type: ignore[assignment]
        return at


@pytest.mark.parametrize(
    "each",
    [6, pytest.param(60, marks=[pytest.mark.chaos, pytest.mark.timeout(7 * PATIENCE)])],
    ids=["short", "long"],
)
async def test_under_strict_limits_a_queue_drains_at_telegrams_pace(
    client: TelegramClient, sandbox: SandboxProcess, token: str, each: int
) -> None:
    """No chat is held longer than in the ideal schedule: a burst, then one a second. No limit is broken."""
    linked = await people(client, sandbox, 10)
    await sandbox.settings(strict_limits=True)
    before = await sandbox.journal()
    for number in range(each):
        for one in linked.values():
            await acceptance.accept(one, NewMessage(f"number {number}"), datetime.now(UTC))
    pacing = Noting()
    async with Running(client, Worker(Gateway(client), pacing)):
        await drained()
    ideal = (each - CHAT_BURST) / GUIDANCE_RATE_CHAT
    assert 0 < max(pacing.held.values()) <= ideal + 0.001
    journal = await sandbox.journal()
    assert journal["limits_broken"] == before["limits_broken"]
    assert journal["errors"].get("FLOOD_WAIT") == before["errors"].get("FLOOD_WAIT")
    for chat in linked:
        said = [message["text"] for message in await from_bot(sandbox, chat)]
        assert said == [f"Nora\nnumber {number}" for number in range(each)]

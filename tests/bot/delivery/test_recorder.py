"""Outcomes are recorded together while there is other work, and at once when there is none."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from djangobot.bot.delivery import recorder
from djangobot.bot.delivery.recorder import Recorder
from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.db.clock import utc_now
from djangobot.db.delivery import claims, outbox, settlement
from djangobot.db.delivery.outcomes import Sent, Settled
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from .conftest import people, until_so

MANY = 6
EVER = 3600.0


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that are in the database, as they come."""
    sizes: list[int] = []
    settle = settlement.settle

    async def settle_and_note(results: Sequence[Settled], now: datetime) -> None:
        await settle(results, now)
        sizes.append(len(results))

    monkeypatch.setattr(settlement, "settle", settle_and_note)
    return sizes


@pytest.fixture
async def sent(database: None, client: TelegramClient, sandbox: SandboxProcess) -> list[Settled]:
    """The outcomes of one message to each of MANY people."""
    for token in (await people(client, sandbox, MANY)).values():
        await acceptance.accept(token, NewMessage("hello"), utc_now())
    return [Sent(message, 1) for message in await claims.claim(utc_now(), limit=MANY)]


@asynccontextmanager
async def at_work(ready: int) -> AsyncIterator[Recorder]:
    """A recorder beside so many messages that are ready to be sent."""
    one = Recorder(utc_now, lambda: ready, asyncio.Event())
    running = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        running.cancel()


async def until_left(many: int) -> None:
    """So many messages are not recorded yet."""

    async def so() -> bool:
        return await outbox.depth() == many

    await until_so(so)


async def test_outcomes_gather_until_they_are_as_many_as_the_ready_messages(
    sent: list[Settled], batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come one by one, and are one commit."""
    monkeypatch.setattr(recorder, "GATHER", EVER)
    async with at_work(ready=MANY) as one:
        for outcome in sent:
            assert not batches
            one.add(outcome)
            await asyncio.sleep(0)
        await until_left(0)
    assert batches == [MANY]


async def test_an_outcome_is_recorded_at_once_when_nothing_is_ready(
    sent: list[Settled], batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next message of its chat, or who waits for this one, does not wait for others."""
    monkeypatch.setattr(recorder, "GATHER", EVER)
    async with at_work(ready=0) as one:
        for left, outcome in zip(reversed(range(MANY)), sent, strict=True):
            one.add(outcome)
            await until_left(left)
    assert batches == [1] * MANY


async def test_an_outcome_does_not_wait_long_for_others(sent: list[Settled], batches: list[int]) -> None:
    """However many messages are ready: after GATHER it is recorded alone."""
    async with at_work(ready=1000) as one:
        one.add(sent[0])
        await until_left(MANY - 1)
    assert batches == [1]

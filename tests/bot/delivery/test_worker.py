"""The worker's life: idle, stopped, without its database, and what it logs. The rest is proven end to end."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
import structlog

from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db import state
from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.delivery.pubsub import recalls
from djangobot.db.engine import current
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from .conftest import Running, chat_of, until


async def test_a_message_to_an_idle_service_is_sent_without_being_looked_for(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes into the deliverer's hand with the commit that accepts it; while delivery is paused it does
    not."""
    claimed: list[str] = []
    claim = claims.claim

    async def noting(*args: Any, **more: Any) -> list[outcomes.Claimed]:
        found = await claim(*args, **more)
        claimed.extend(message.text for message in found)
        return found

    monkeypatch.setattr(claims, "claim", noting)
    async with Running(client) as at_work:
        await acceptance.accept(token, NewMessage("behind what waited", wait=PATIENCE), datetime.now(UTC))
        for number in range(3):
            await until(lambda: at_work.idle and at_work.free)
            sent = await acceptance.accept(token, NewMessage(str(number), wait=PATIENCE), datetime.now(UTC))
            assert sent.status == "sent"
        assert not set(claimed) & {"0", "1", "2"}
        await state.put("paused", True, datetime.now(UTC))
        await recalls.apply()
        assert not at_work.free
    _, said = await chat_of(sandbox)
    assert said[-3:] == ["Fedor\n0", "Fedor\n1", "Fedor\n2"]
    rows = await current().fetch("SELECT attempts FROM message WHERE kind = 'message'")
    assert [row["attempts"] for row in rows] == [1, 1, 1, 1]


async def test_an_error_in_a_part_of_the_worker_ends_the_whole_with_it(
    client: TelegramClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, the process would look alive and record nothing. What was sent is repeated by the next."""

    async def fail(*_: object) -> None:
        raise ValueError("the outcome can't be recorded")

    monkeypatch.setattr(settlement, "settle", fail)
    async with asyncio.timeout(PATIENCE) as bound:
        with pytest.raises(ValueError, match="recorded"):
            await Worker(Gateway(client), Pacing(0, 0)).run()
    assert not bound.expired()
    assert await claims.reclaim(datetime.now(UTC)) == 1


async def test_a_stop_gives_back_what_was_not_begun(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """A message held for its chat's turn is queued again, and does not count as tried."""
    delivery = Worker(Gateway(client), Pacing(rate_chat=0.001, rate_total=0))
    async with Running(client, delivery):
        for number in range(5):
            await acceptance.accept(token, NewMessage(f"number {number}"), datetime.now(UTC))
        await until(lambda: bool(delivery.in_flight.paced))
    rows = await current().fetch(
        "SELECT status, first_attempt FROM message WHERE status <> 'sent' ORDER BY id"
    )
    assert rows
    assert {(row["status"], row["first_attempt"]) for row in rows} == {("queued", None)}
    assert await claims.reclaim(datetime.now(UTC)) == 0


async def test_every_transition_is_an_event_with_its_fields_and_no_text(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """What happened to a message can be read from the log by its id; what it said cannot."""
    async with Running(client):
        await acceptance.accept(
            token, NewMessage("the notice goes before it", wait=PATIENCE), datetime.now(UTC)
        )
        with structlog.testing.capture_logs() as logs:
            await sandbox.fault("flood_wait", "messages.sendMessage", value=1, times=1)
            await acceptance.accept(
                token, NewMessage("the secret text", wait=PATIENCE, key="the-secret-key"), datetime.now(UTC)
            )
            await acceptance.accept(
                token, NewMessage("the secret text", key="the-secret-key"), datetime.now(UTC)
            )
            await sandbox.fault("error", "messages.sendMessage", value="500 INTERNAL", times=1)
            await acceptance.accept(token, NewMessage("the secret text", wait=PATIENCE), datetime.now(UTC))
            await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
            failed = await acceptance.accept(
                token, NewMessage("the secret text", wait=PATIENCE), datetime.now(UTC)
            )
    assert [entry["event"] for entry in logs if entry["event"] != "message claimed"] == [
        "message accepted", "flood wait", "message sent", "message asked for again",
        "message accepted", "message put off", "message sent",
        "message accepted", "message failed",
    ]  # fmt: skip
    assert [entry["event"] for entry in logs].count("message claimed") == 5
    assert all(entry["id"] for entry in logs)
    assert {
        entry["log_level"] for entry in logs if entry["event"] in ("message accepted", "message sent")
    } == {"debug"}
    (last,) = [entry for entry in logs if entry["event"] == "message failed"]
    assert (last["id"], last["reason"], last["log_level"]) == (failed.id, "CHAT_RESTRICTED", "warning")
    for secret in ("secret", token):
        assert secret not in str(logs)


async def test_what_the_database_refuses_while_delivering_is_done_when_it_answers_again(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a claim nor an outcome is lost; Telegram is asked once."""
    refusals = {"_claim": 2, "settle": 2}

    def refusing(module: ModuleType, name: str) -> Callable[..., Awaitable[Any]]:
        real = getattr(module, name)

        async def refuse(*args: Any) -> Any:
            if refusals[name]:
                refusals[name] -= 1
                raise DatabaseUnavailable from sqlite3.OperationalError("database is locked")
            return await real(*args)

        return refuse

    repeats = (await sandbox.journal())["repeats"]
    for module, name in ((claims, "_claim"), (settlement, "settle")):
        monkeypatch.setattr(module, name, refusing(module, name))
    async with Running(client):
        accepted = await acceptance.accept(token, NewMessage("through", wait=PATIENCE), datetime.now(UTC))
    assert (accepted.status, refusals) == ("sent", {"_claim": 0, "settle": 0})
    _, said = await chat_of(sandbox)
    assert said.count("Fedor\nthrough") == 1
    assert (await sandbox.journal())["repeats"] == repeats

"""Delivery: what is not plain sending. The rest is proven end to end in tests/e2e."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from djangobot.bot import delivery
from djangobot.bot.client import TelegramClient
from djangobot.bot.delivery import SAFE_TO_REPEAT, Delivery
from djangobot.bot.gateway import Gateway
from djangobot.bot.pacing import Pacing
from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.db import accounts, chats, codes, conf, messages, outbox
from djangobot.db.engine import current

NOW = datetime.now(UTC)


@pytest.fixture
async def token(client: TelegramClient, sandbox: SandboxProcess, tmp_path: Path) -> AsyncIterator[str]:
    """A bot token for a person who has met the bot; the notice about it is delivered."""
    await conf.open_database(f"sqlite:///{tmp_path}/x.sqlite")
    await conf.migrate()
    heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def hear(update: Any, users: dict[int, Any]) -> None:
        for user in users.values():
            if not user.bot and not heard.done():
                heard.set_result(user)

    client.on_update = hear
    await sandbox.say(await sandbox.person(), "/start")
    user = await heard
    chat = await chats.meet(
        user.id,
        access_hash=user.access_hash,
        first_name="A",
        last_name="",
        username="",
        language="en",
        now=NOW,
    )
    account = await accounts.register("Fedor", "fedor", "password1234", NOW)
    _, made = await codes.redeem(account, await codes.issue(chat, NOW), NOW)
    yield made
    await conf.close_database()


async def chat_of(sandbox: SandboxProcess) -> tuple[int, list[str]]:
    (person,) = [person["id"] for person in await sandbox.request("GET", "/people")]
    said = [message["text"] for message in await sandbox.messages(person) if message["from"] == "bot"]
    return person, said


class Running:
    """A delivery at work for the length of a block."""

    def __init__(self, client: TelegramClient) -> None:
        self.delivery = Delivery(Gateway(client), Pacing(0, 0))

    async def __aenter__(self) -> Delivery:
        self.task = asyncio.create_task(self.delivery.run())
        return self.delivery

    async def __aexit__(self, *_: object) -> None:
        self.delivery.stop()
        await self.task


async def test_a_message_first_tried_too_long_ago_is_never_repeated_blindly(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Nobody knows how long Telegram remembers a random_id: it becomes uncertain, an admin decides."""
    long_ago = datetime.now(UTC) - SAFE_TO_REPEAT - timedelta(minutes=1)
    accepted = await messages.accept(token, "old", "Text", NOW)
    await current().execute(
        "UPDATE message SET first_attempt = $1, attempts = 1 WHERE kind = 'message'", long_ago
    )
    async with Running(client):
        after = await messages.accept(token, "new", "Text", datetime.now(UTC), wait=20)
    assert after.status == "sent"
    assert (await messages.of_token(accepted.id, token, NOW)).status == "uncertain"
    _, said = await chat_of(sandbox)
    assert "Fedor\nold" not in said
    assert "Fedor\nnew" in said


async def test_telegrams_refusal_is_the_reason_of_the_failure(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """And the messages behind it go on."""
    await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
    async with Running(client):
        await messages.accept(token, "the notice before it takes the fault", "Text", NOW, wait=20)
        await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
        failed = await messages.accept(token, "no", "Text", NOW, wait=20)
        sent = await messages.accept(token, "yes", "Text", NOW, wait=20)
    assert (failed.status, failed.failure) == ("failed", "CHAT_RESTRICTED")
    assert sent.status == "sent"


async def test_a_stop_gives_back_what_was_not_begun(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """A message held for its chat's turn is queued again, and does not count as tried."""
    delivery = Delivery(Gateway(client), Pacing(rate_chat=0.001, rate_total=0))
    running = asyncio.create_task(delivery.run())
    for number in range(5):
        await messages.accept(token, f"number {number}", "Text", datetime.now(UTC))
    async with asyncio.timeout(20):
        while not delivery.held:  # noqa: ASYNC110 - nothing tells when a message is held
            await asyncio.sleep(0.01)
    delivery.stop()
    await running
    rows = await current().fetch(
        "SELECT status, first_attempt FROM message WHERE status <> 'sent' ORDER BY id"
    )
    assert rows
    assert {(row["status"], row["first_attempt"]) for row in rows} == {("queued", None)}
    assert await outbox.reclaim(NOW) == 0


async def test_every_transition_is_an_event_with_its_fields_and_no_text(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """What happened to a message can be read from the log by its id; what it said cannot."""
    async with Running(client):
        await messages.accept(token, "the notice goes before it", "Text", NOW, wait=20)
        with structlog.testing.capture_logs() as logs:
            await sandbox.fault("flood_wait", "messages.sendMessage", value=1, times=1)
            await messages.accept(token, "the secret text", "Text", NOW, wait=20, key="the-secret-key")
            await messages.accept(token, "the secret text", "Text", NOW, key="the-secret-key")
            await sandbox.fault("error", "messages.sendMessage", value="500 INTERNAL", times=1)
            await messages.accept(token, "the secret text", "Text", NOW, wait=20)
            await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
            failed = await messages.accept(token, "the secret text", "Text", NOW, wait=20)
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


async def test_a_fault_of_ours_is_logged_by_its_place_alone_and_the_message_goes_on(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception's words and its variables may hold the text."""

    def broken(message: outbox.Claimed) -> Any:
        monkeypatch.undo()
        raise RuntimeError(f"can't show {message.text}")

    async with Running(client):
        await messages.accept(token, "the notice goes before it", "Text", NOW, wait=20)
        monkeypatch.setattr(delivery, "render_message", broken)
        with structlog.testing.capture_logs() as logs:
            accepted = await messages.accept(token, "the secret text", "Text", NOW, wait=20)
    assert accepted.status == "sent"
    (fault,) = [entry for entry in logs if entry["event"] == "delivery failed unexpectedly"]
    assert (fault["id"], fault["error"]) == (accepted.id, "RuntimeError")
    assert fault["at"][-1].endswith(" broken")
    assert "secret" not in str(logs)

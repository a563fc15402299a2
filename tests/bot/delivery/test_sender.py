"""Attempts that fail: what is repeated, what never is, and what Telegram's refusals mean."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from djangobot.bot.delivery import sender
from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db.delivery import outcomes
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from .conftest import Recording, Running, chat_of, drained, people, status, until


async def test_telegrams_refusal_is_the_reason_of_the_failure(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """And the messages behind it go on."""
    await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
    async with Running(client):
        await acceptance.accept(
            token, NewMessage("the notice before it takes the fault", wait=PATIENCE), datetime.now(UTC)
        )
        await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
        failed = await acceptance.accept(token, NewMessage("no", wait=PATIENCE), datetime.now(UTC))
        sent = await acceptance.accept(token, NewMessage("yes", wait=PATIENCE), datetime.now(UTC))
    assert (failed.status, failed.failure) == ("failed", "CHAT_RESTRICTED")
    assert sent.status == "sent"


async def test_a_fault_of_ours_is_logged_by_its_place_alone_and_the_message_goes_on(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception's words and its variables may hold the text."""

    def broken(message: outcomes.Claimed, *_: object, **__: object) -> Any:
        monkeypatch.undo()
        raise RuntimeError(f"can't show {message.text}")

    async with Running(client):
        await acceptance.accept(
            token, NewMessage("the notice goes before it", wait=PATIENCE), datetime.now(UTC)
        )
        monkeypatch.setattr(sender, "render_message", broken)
        with structlog.testing.capture_logs() as logs:
            accepted = await acceptance.accept(
                token, NewMessage("the secret text", wait=PATIENCE), datetime.now(UTC)
            )
    assert accepted.status == "sent"
    (fault,) = [entry for entry in logs if entry["event"] == "delivery failed unexpectedly"]
    assert (fault["id"], fault["error"]) == (accepted.id, "RuntimeError")
    assert fault["at"][-1].endswith(" broken")
    assert "secret" not in str(logs)


async def test_a_message_that_expired_while_it_waited_is_never_sent(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Its turn came too late; the one behind it goes."""
    accepted = await acceptance.accept(
        token, NewMessage("old news", ttl=60), datetime.now(UTC) - timedelta(minutes=2)
    )
    async with Running(client):
        after = await acceptance.accept(token, NewMessage("news", wait=PATIENCE), datetime.now(UTC))
    assert (after.status, await status(accepted.id)) == ("sent", "expired")
    _, said = await chat_of(sandbox)
    assert "Fedor\nold news" not in said


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "flood_wait"])
async def test_what_breaks_between_two_parts_doubles_none(
    client: TelegramClient, sandbox: SandboxProcess, token: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part has a random_id of its own, derived from the message's; the first is known when it comes
    again."""
    real = Gateway.send
    parts = 0

    async def send(self: Gateway, peer: Any, text: Any, random_id: int) -> int:
        nonlocal parts
        parts += 1
        if parts == 2:
            value = 1 if fault == "flood_wait" else None
            await sandbox.fault(fault, "messages.sendMessage", value=value, times=1)
        return await real(self, peer, text, random_id)

    async with Running(client):
        await acceptance.accept(
            token, NewMessage("the notice goes before it", wait=PATIENCE), datetime.now(UTC)
        )
        monkeypatch.setattr(Gateway, "send", send)
        text = "".join(f"{number:04} " for number in range(4096 // 5))
        accepted = await acceptance.accept(
            token, NewMessage(text.ljust(4096, "x"), wait=PATIENCE), datetime.now(UTC)
        )
    assert accepted.status == "sent"
    assert parts == 4
    _, said = await chat_of(sandbox)
    shown = "".join(said[-2:]).replace(" ", "")
    assert shown == "Fedor\n" + text.ljust(4096, "x").replace(" ", "")
    assert len(said) == 4, "the notice, the message before, two parts"


@pytest.mark.parametrize(
    "error",
    [
        "420 FLOOD_PREMIUM_WAIT_1", "401 USER_DEACTIVATED", "401 AUTH_KEY_PERM_EMPTY", "401 NEVER_HEARD_OF",
        "406 AUTH_KEY_DUPLICATED", "400 CONNECTION_NOT_INITED", "303 USER_MIGRATE_2", "503 Timeout",
    ],
)  # fmt: skip
async def test_what_is_no_refusal_of_the_message_ends_none(
    client: TelegramClient, sandbox: SandboxProcess, token: str, error: str
) -> None:
    """A wait, the session's trouble, the connection's, Telegram's own: the queue stands, and goes on with the
    same message."""

    async def sign_in_again() -> None:
        while True:
            await client.key_forgotten.wait()
            await client.start()

    signing_in = asyncio.create_task(sign_in_again())
    async with Running(client):
        await acceptance.accept(
            token, NewMessage("the notice goes before it", wait=PATIENCE), datetime.now(UTC)
        )
        await sandbox.fault("error", "messages.sendMessage", value=error, times=1)
        queued = [
            await acceptance.accept(token, NewMessage(str(number)), datetime.now(UTC)) for number in range(3)
        ]
        last = await acceptance.accept(token, NewMessage("last", wait=PATIENCE), datetime.now(UTC))
    signing_in.cancel()
    assert [await status(one.id) for one in queued] == ["sent"] * 3
    assert last.status == "sent"
    _, said = await chat_of(sandbox)
    assert said[-4:] == ["Fedor\n0", "Fedor\n1", "Fedor\n2", "Fedor\nlast"]


async def test_a_connection_that_is_cut_again_and_again_makes_nothing_wait_longer(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """What was lost with it is asked as soon as there is one: no back-off grows, however often."""
    linked = await people(client, sandbox, 4)
    gateway = Recording(client)
    at_work = Worker(gateway, Pacing(0, 0))
    await sandbox.fault("drop_answer", "messages.sendMessage", times=1000)

    def tried(chat: int) -> int:
        return sum(chat == to for to, _ in gateway.begun)

    async with Running(client, at_work):
        for chat, one in linked.items():
            await acceptance.accept(one, NewMessage(f"to {chat}"), datetime.now(UTC))
        for cut in range(1, 9):
            await until(lambda cut=cut: all(tried(chat) >= cut for chat in linked))  # type: ignore[misc]
            await sandbox.cut()
        await sandbox.clear_faults()
        assert not at_work.sender.losses
        await sandbox.cut()
        await drained()
    for chat in linked:
        said = [message["text"] for message in await sandbox.messages(chat) if message["from"] == "bot"]
        assert said == [f"Nora\nto {chat}"]


async def test_back_off_grows_for_what_telegram_itself_did_not_do(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """A 500 on a living connection counts; the message's end forgets it."""
    at_work = Worker(Gateway(client), Pacing(0, 0))
    await sandbox.fault("error", "messages.sendMessage", value="500 INTERNAL", times=2)
    with structlog.testing.capture_logs() as logs:
        async with Running(client, at_work):
            sent = await acceptance.accept(token, NewMessage("x", wait=PATIENCE), datetime.now(UTC))
    assert sent.status == "sent"
    first, second = [entry["seconds"] for entry in logs if entry["event"] == "message put off"]
    assert 0.5 <= first <= 1 <= second <= 2
    assert not at_work.sender.losses

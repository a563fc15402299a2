"""The client: cut, refused, forgotten; and how it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pyrogram import raw
from pyrogram.errors import AccessTokenInvalid

from djangobot.bot.sandbox.mtproto import rsa_key
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram import client as client_module
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import SessionStorage


async def test_a_cut_is_mended_and_told(client: TelegramClient, sandbox: SandboxProcess) -> None:
    """`online` goes and comes back, `on_back` is called, and calls are answered again."""
    back = asyncio.Event()

    async def on_back() -> None:
        back.set()

    client.on_back = on_back
    await sandbox.cut()
    await back.wait()
    assert client.online.is_set()
    await client.ask(raw.functions.updates.GetState())


async def test_a_session_is_used_again(client: TelegramClient, sandbox: SandboxProcess) -> None:
    """One sign-in, however often a client starts with it."""
    await client.stop()
    again = TelegramClient(client.storage, 1, "hash", "1:sandbox")
    await again.start()
    await again.stop()
    assert (await sandbox.journal())["sign_ins"] == {"bot 1": 1}


async def test_a_forgotten_session_is_signed_in_anew(client: TelegramClient, sandbox: SandboxProcess) -> None:
    """Telegram that does not know the key (-404) gets a new one, without anybody's help."""
    sandbox.kill()
    for path in sandbox.state.iterdir():
        if path.name not in (rsa_key.SECRET, sandbox.key.name) and path.is_file():
            path.unlink()
    sandbox.start_again()
    async with asyncio.timeout(PATIENCE):
        await client.key_forgotten.wait()
        await client.start()
    assert client.online.is_set()
    assert (await sandbox.journal())["sign_ins"] == {"bot 1": 1}


async def test_a_wrong_token_is_telegrams_word(shared_sandbox: SandboxProcess) -> None:
    """And nothing is left running."""
    use_server(shared_sandbox.host, shared_sandbox.port, shared_sandbox.key)
    client = TelegramClient(SessionStorage(), 1, "hash", "1:invalid")
    with pytest.raises(AccessTokenInvalid):
        await client.start()
    await client.stop()


async def test_a_stop_while_nobody_answers_ends(
    client: TelegramClient, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is gone; no task goes on looking for it."""
    gone = asyncio.Event()
    monkeypatch.setattr(client.session, "_lose_answers", gone.set)
    sandbox.kill()
    async with asyncio.timeout(PATIENCE):
        await gone.wait()
        await client.stop()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    ours = str(Path(client_module.__file__).parent)
    assert [task for task in left if ours in str(task.get_coro())] == []


async def test_who_is_cancelled_as_the_answer_comes_ends(
    client: TelegramClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation that comes with the answer would else be lost: a part that ends would go on."""
    assert client.session is not None
    handle_packet: Callable[[bytes], Awaitable[None]] = client.session.handle_packet
    asking = asyncio.create_task(client.ask(raw.functions.updates.GetState()))

    async def handle_and_cancel(packet: bytes) -> None:
        await handle_packet(packet)
        if client.session is not None and any(
            result.event.is_set() for result in client.session.results.values()
        ):
            asking.cancel()

    monkeypatch.setattr(client.session, "handle_packet", handle_and_cancel)
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_an_error_pyrogram_does_not_know_leaves_no_file(
    client: TelegramClient, sandbox: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would write unknown_errors.txt into the working directory."""
    monkeypatch.chdir(tmp_path)
    await sandbox.fault("error", "updates.getState", value="400 NEVER_HEARD_OF", times=1)
    with pytest.raises(Exception, match="NEVER_HEARD_OF"):
        await client.ask(raw.functions.updates.GetState())
    assert not (tmp_path / "unknown_errors.txt").exists()

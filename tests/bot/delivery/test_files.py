"""Files of messages: the worker sends them once, and other chats do not wait for them."""

import asyncio
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from djangobot.bot.delivery.flood_control import FLOODED_CHATS
from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db.engine import current
from djangobot.db.messages import acceptance
from djangobot.db.messages.files import files
from djangobot.db.messages.files.files import StoredFile
from djangobot.db.messages.new_message import Accepted, NewMessage
from djangobot.db.programs import accounts

from ..conftest import linked
from .conftest import Running, chat_of, from_bot

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 30, 20) + bytes(10)


@pytest.fixture(autouse=True)
async def storage(token: str, tmp_path: Path) -> None:
    """The notice of the link is out of the way; files go into a folder of the test."""
    files.configure(files.Rules(tmp_path / "files", most=64 << 20))
    await current().execute("UPDATE message SET status = 'canceled' WHERE kind = 'linked'")


async def stored(content: bytes, name: str, mime: str) -> StoredFile:
    async with files.receive(name, mime) as sink:
        await sink.write(content)
    assert sink.file is not None
    return sink.file


async def send(token: str, text: str, *sent: StoredFile, wait: float = PATIENCE) -> Accepted:
    return await acceptance.accept(token, NewMessage(text, files=sent, wait=wait), datetime.now(UTC))


async def other_chat(client: TelegramClient, sandbox: SandboxProcess) -> str:
    """The token of another person's chat."""
    account = await accounts.register("Nora", "nora", "password1234", datetime.now(UTC))
    return (await linked(client, sandbox, account))[1]


async def shown(sandbox: SandboxProcess) -> list[tuple[str, str | None]]:
    """Of each message of the bot: its text, and what its file is."""
    person, _ = await chat_of(sandbox)
    said = await from_bot(sandbox, person)
    return [(message["text"], message["file"] and message["file"]["kind"]) for message in said]


async def test_a_message_with_files_is_sent_as_albums_with_its_text(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """The ids of all its messages are kept; its parts, with what each file is, are fixed before the send."""
    pictures = [await stored(PNG, f"{number}.png", "image/png") for number in range(2)]
    paper = await stored(b"%PDF", "a.pdf", "application/pdf")
    async with Running(client):
        assert (await send(token, "hello", *pictures, paper)).status == "sent"
    assert await shown(sandbox) == [("Fedor\nhello", "photo"), ("", "photo"), ("", "document")]
    (row,) = await current().fetch("SELECT * FROM message WHERE kind = 'message'")
    assert row["telegram_ids"] == f"[{row['telegram_id']},{row['telegram_id'] + 1},{row['telegram_id'] + 2}]"


@pytest.mark.parametrize("repeats", ["echo", "error"])
@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "flood_wait"])
@pytest.mark.parametrize(
    "method",
    ["upload.saveFilePart", "messages.uploadMedia", "messages.sendMultiMedia", "messages.sendMedia"],
)
async def test_whatever_breaks_at_any_call_all_files_arrive_once(
    client: TelegramClient, sandbox: SandboxProcess, token: str, method: str, kind: str, repeats: str
) -> None:
    """A text too long for a caption, an album and a file alone: in order, none missing, none twice."""
    await sandbox.settings(repeats=repeats)
    pictures = [await stored(PNG, f"{number}.png", "image/png") for number in range(2)]
    paper = await stored(b"%PDF", "a.pdf", "application/pdf")
    await sandbox.fault(kind, method, value=1 if kind == "flood_wait" else None, times=1)
    async with Running(client):
        assert (await send(token, "x" * 1100, *pictures, paper)).status == "sent"
    assert await shown(sandbox) == [
        (f"Fedor\n{'x' * 1100}", None), ("", "photo"), ("", "photo"), ("", "document"),
    ]  # fmt: skip


async def test_a_message_whose_file_is_gone_fails_with_that_reason(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Whether that is seen when it is looked at or when it is uploaded; the next message goes on."""
    for mime in ("image/png", "application/pdf"):
        file = await stored(PNG, "a", mime)
        await send(token, "lost", file, wait=0)
        await files.discard([file.id])
    async with Running(client):
        assert (await send(token, "next")).status == "sent"
    rows = await current().fetch("SELECT status, failure FROM message WHERE kind = 'message' ORDER BY id")
    assert [(row["status"], row["failure"]) for row in rows] == [
        ("failed", "its file is gone"), ("failed", "its file is gone"), ("sent", None),
    ]  # fmt: skip
    assert await shown(sandbox) == [("Fedor\nnext", None)]


async def test_a_wait_for_uploads_delays_no_text(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """The message with the file is put off, and so are other files. Texts to other chats are sent."""
    account = await accounts.register("Nora", "nora", "password1234", datetime.now(UTC))
    others = [(await linked(client, sandbox, account))[1] for _ in range(FLOODED_CHATS)]
    await sandbox.fault("flood_wait", "upload.saveFilePart", value=3600, times=FLOODED_CHATS)
    waits = "SELECT COUNT(*) AS waits FROM message WHERE failure LIKE 'flood wait%'"
    async with Running(client) as worker:
        for other in others:
            await send(other, "x", await stored(b"%PDF", "a.pdf", ""), wait=0)
        while (await current().fetch(waits))[0]["waits"] < FLOODED_CHATS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (await send(token, "a text")).status == "sent"
        assert worker.flood_control.open
    await sandbox.request("DELETE", "/faults")  # an upload that did not ask has left one


async def test_uploads_of_others_do_not_delay_a_text(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when texts have one sender alone."""
    worker = Worker(Gateway(client), Pacing(0, 0), concurrency=1)
    stuck, uploading = asyncio.Event(), asyncio.Event()
    send_media = worker.gateway.send_media

    async def slowly(*args: Any) -> list[int]:
        uploading.set()
        await stuck.wait()
        return await send_media(*args)

    monkeypatch.setattr(worker.gateway, "send_media", slowly)
    file = await stored(b"x", "a.bin", "")
    async with Running(client, worker):
        await send(token, "with a file", file, wait=0)
        await asyncio.wait_for(uploading.wait(), PATIENCE)
        assert (await send(await other_chat(client, sandbox), "a text")).status == "sent"
        stuck.set()
        assert (await send(token, "after it")).status == "sent"

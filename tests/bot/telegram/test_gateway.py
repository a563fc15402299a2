"""The gateway: each answer of Telegram read for what it is."""

import asyncio
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.errors import AnswerLost, Blocked, FloodWait, Refused
from djangobot.bot.telegram.files.uploads import PART, SMALL_FILE, File
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import SessionStorage
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery.random_ids import derived_id

from ..conftest import met

HELLO = Text("hello")


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    """One for all tests."""
    return shared_sandbox


async def texts(sandbox: SandboxProcess, peer: Peer) -> list[str]:
    return [message["text"] for message in await sandbox.messages(peer.id) if message["from"] == "bot"]


async def downloaded(sandbox: SandboxProcess, message: dict[str, Any]) -> bytes:
    """The file a message shows, as its page saves it."""
    async with httpx.AsyncClient(base_url=sandbox.web) as page:
        return (await page.get(message["file"]["url"])).content


def png(width: int) -> bytes:
    """As much of a picture as says what it is and how wide."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, 2)


@pytest.mark.parametrize("repeats", ["echo", "error"])
async def test_one_random_id_is_one_message(
    client: TelegramClient, sandbox: SandboxProcess, repeats: str
) -> None:
    """Telegram answers a repeat in two ways; both mean that it has been delivered."""
    await sandbox.settings(repeats=repeats)
    gateway, peer = Gateway(client), await met(client, sandbox)
    first = await gateway.send(peer, HELLO, 7)
    again = await gateway.send(peer, HELLO, 7)
    assert again == (first if repeats == "echo" else UNKNOWN_TELEGRAM_ID)
    assert await texts(sandbox, peer) == ["hello"]


async def test_sends_pass_a_rotation_of_salts(sandbox_factory: Callable[..., SandboxProcess]) -> None:
    """Each is done once, under the new salt where the old one was refused."""
    rotating = sandbox_factory("--salt-lifetime", "0.2")
    use_server(rotating.host, rotating.port, rotating.key)
    client = TelegramClient(SessionStorage(), 1, "hash", "1:sandbox")
    await client.start()
    gateway, peer = Gateway(client), await met(client, rotating)
    assert client.session is not None
    first = client.session.salt
    number = 0
    while client.session.salt == first or number < 50:
        await gateway.send(peer, Text(str(number)), number + 1)
        number += 1
    await client.stop()
    assert await texts(rotating, peer) == [str(one) for one in range(number)]


async def test_a_flood_wait_says_for_how_long(client: TelegramClient, sandbox: SandboxProcess) -> None:
    """Seconds as a number, whether they are few or many."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    for seconds in (1, 3600):
        await sandbox.fault("flood_wait", "messages.sendMessage", value=seconds, times=1)
        with pytest.raises(FloodWait) as caught:
            await gateway.send(peer, HELLO, seconds)
        assert caught.value.seconds == seconds
    assert await texts(sandbox, peer) == []


async def test_a_person_who_blocked_the_bot_is_told_apart(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """Other refusals carry Telegram's own word."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    with pytest.raises(Refused, match="MESSAGE_EMPTY"):
        await gateway.send(peer, Text(" "), 1)
    with pytest.raises(Refused, match="PEER_ID_INVALID"):
        await gateway.send(Peer(999999, 0), HELLO, 2)
    await sandbox.block(peer.id)
    with pytest.raises(Blocked):
        await gateway.send(peer, HELLO, 3)


@pytest.mark.parametrize(
    ("kind", "value", "done"), [("cut_before", None, 0), ("cut_after", None, 1), ("error", "500 OOPS", 0)]
)
async def test_a_lost_answer_is_lost_at_once_and_a_repeat_is_safe(
    client: TelegramClient,
    sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    value: str | None,
    done: int,
) -> None:
    """Whether it was done nobody knows; with the same random_id it is there once afterwards."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    await sandbox.fault(kind, "messages.sendMessage", value=value, times=1)
    monkeypatch.setattr("djangobot.bot.telegram.client.ANSWER_TIMEOUT", 100 * PATIENCE)  # nothing to wait for
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(AnswerLost):
            await gateway.send(peer, HELLO, 5)
    assert len(await texts(sandbox, peer)) == done
    await client.online.wait()
    await gateway.send(peer, HELLO, 5)
    assert await texts(sandbox, peer) == ["hello"]


async def test_an_edit_to_what_is_there_already_is_fine(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """A button pressed twice edits twice."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    message = await gateway.send(peer, Text("one", buttons=((Button("B", "b"),),)), 1)
    for _ in range(2):
        await gateway.edit(peer, message, Text("two"))
    assert await texts(sandbox, peer) == ["two"]


@pytest.mark.parametrize("size", [1, PART, PART + 1, SMALL_FILE + 1])
async def test_a_file_arrives_to_the_byte_once(
    client: TelegramClient, sandbox: SandboxProcess, tmp_path: Path, size: int
) -> None:
    """From memory or from disk, in parts, small or big; again with the same random_id it is the same one."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    content = random.Random(size).randbytes(size)
    (tmp_path / "file").write_bytes(content)
    for source in (content, tmp_path / "file"):
        await gateway.send_file(peer, File("données.bin", "application/x", source), Text("here"), size)
    [message] = [message for message in await sandbox.messages(peer.id) if message["from"] == "bot"]
    assert (message["text"], message["file"]["name"]) == ("here", "données.bin")
    assert message["file"]["kind"] == "document"
    assert await downloaded(sandbox, message) == content


async def test_a_picture_is_shown_and_gives_way_to_another(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """A PNG is a photo; an edit may bring another one with another caption."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    first, second = (File("picture.png", "image/png", png(width)) for width in (3, 4))
    message_id = await gateway.send_file(peer, first, Text("light", buttons=((Button("B", "b"),),)), 1)
    await gateway.edit(peer, message_id, Text("dark"), second)
    [message] = [message for message in await sandbox.messages(peer.id) if message["from"] == "bot"]
    assert (message["id"], message["text"], message["buttons"]) == (message_id, "dark", [])
    assert (message["file"]["kind"], message["file"]["width"]) == ("photo", 4)
    assert await downloaded(sandbox, message) == second.content


async def test_a_part_whose_answer_is_lost_can_come_again(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """The whole file again, with the same random_id: it arrives once."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    file = File("twice.txt", "text/plain", b"twice" * PART)
    await sandbox.fault("cut_after", "upload.saveFilePart", times=1)
    with pytest.raises(AnswerLost):
        await gateway.send_file(peer, file, Text(""), 9)
    await client.online.wait()
    await gateway.send_file(peer, file, Text(""), 9)
    [message] = [message for message in await sandbox.messages(peer.id) if message["from"] == "bot"]
    assert message["file"]["size"] == 5 * PART


async def test_an_empty_file_is_not_sent(client: TelegramClient) -> None:
    """Telegram would refuse it after it was uploaded."""
    with pytest.raises(ValueError, match="0 bytes"):
        await Gateway(client).send_file(Peer(1, 1), File("empty", "text/plain", b""), Text(""), 1)


async def test_messages_are_taken_back_and_those_gone_are_fine(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """What is deleted is seen no more."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    ids = [await gateway.send(peer, HELLO, number) for number in (1, 2)]
    for _ in range(2):
        await gateway.delete(peer, [*ids, 987654])
    assert [message["deleted"] for message in await sandbox.messages(peer.id)][1:] == [True, True]


async def test_an_answer_to_a_press_that_is_gone_is_fine(client: TelegramClient) -> None:
    """The person has long looked elsewhere."""
    await Gateway(client).answer(12345, "too late")


def test_derived_ids_are_the_same_for_the_same_and_never_zero() -> None:
    """What an answer's random_id is made from decides it."""
    assert derived_id(1, "a", 2) == derived_id(1, "a", 2)
    assert derived_id(1, "a", 2) != derived_id(1, "a2", "")
    assert derived_id(1, "a", 2) != 0

"""Albums: a program's files arrive to the byte, once, alone and together, whatever breaks on the way."""

import asyncio
import random
import struct
from pathlib import Path
from typing import Any

import httpx
import pytest

from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.errors import (
    AnswerLost,
    Cut,
    FloodWait,
    NotYet,
    PartlySent,
    Refused,
    Undone,
    after_a_part,
)
from djangobot.bot.telegram.files import albums
from djangobot.bot.telegram.files.uploads import PART, SMALL_FILE
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.text import Button, Media, MediaKind, Text
from djangobot.db.errors import FileGone
from djangobot.db.messages.files import files

from ...conftest import met


def png(width: int, height: int = 2, size: int = 60) -> bytes:
    """As much of a picture as says what it is and how large."""
    return (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)).ljust(size, b"\0")


async def stored(
    content: bytes, kind: MediaKind = "document", name: str = "отчёт.bin", mime: str = ""
) -> Media:
    """A file that the database has."""
    async with files.receive(name, mime) as sink:
        await sink.write(content)
    assert sink.file is not None
    return Media(sink.file.id, kind, sink.file.name, sink.file.mime, sink.file.size)


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    return shared_sandbox


@pytest.fixture(autouse=True)
def storage(database: None, tmp_path: Path) -> None:
    """The database keeps files in a folder."""
    files.configure(files.Rules(tmp_path / "files", most=100 << 20))


async def shown(sandbox: SandboxProcess, peer: Peer) -> list[dict[str, Any]]:
    return [message for message in await sandbox.messages(peer.id) if message["from"] == "bot"]


async def content_of(sandbox: SandboxProcess, message: dict[str, Any]) -> bytes:
    async with httpx.AsyncClient(base_url=sandbox.web) as page:
        return (await page.get(message["file"]["url"])).content


async def calls(sandbox: SandboxProcess, method: str) -> int:
    return int((await sandbox.request("GET", "/journal"))["methods"].get(method, 0))


async def until_sent(gateway: Gateway, peer: Peer, text: Text, random_id: int) -> list[int]:
    """Repeats as the worker does."""
    while True:
        try:
            return await gateway.send_media(peer, text, random_id)
        except FloodWait as exc:
            await asyncio.sleep(exc.seconds)
        except AnswerLost:
            await gateway.online.wait()


@pytest.mark.parametrize("size", [1, PART, 3 * PART + 1, SMALL_FILE, SMALL_FILE + 1])
async def test_a_stored_file_arrives_to_the_byte_with_its_name_and_caption(
    client: TelegramClient, sandbox: SandboxProcess, size: int
) -> None:
    """Small or big, with buttons; once more under its random_id it is the same message."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    content = random.Random(size).randbytes(size)
    text = Text("here", buttons=((Button("B", "b"),),), media=(await stored(content),))
    first = await gateway.send_media(peer, text, 7)
    assert await gateway.send_media(peer, text, 7) == first
    [message] = await shown(sandbox, peer)
    assert (message["id"], message["text"], message["file"]["name"]) == (first[0], "here", "отчёт.bin")
    assert message["buttons"]
    assert message["file"]["kind"] == "document"
    assert await content_of(sandbox, message) == content


@pytest.mark.parametrize(
    ("kind", "mime", "content"),
    [
        ("photo", "image/png", png(30)),
        ("video", "video/mp4", b"v" * 50),
        ("audio", "audio/mpeg", b"a" * 50),
        ("voice", "audio/ogg", b"o" * 50),
        ("animation", "image/gif", b"GIF89a".ljust(50, b"\0")),
        ("document", "image/png", png(30)),
    ],
)
async def test_telegram_shows_a_file_as_its_kind_says(
    client: TelegramClient, sandbox: SandboxProcess, kind: MediaKind, mime: str, content: bytes
) -> None:
    """A picture that is to be a document stays one."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    await gateway.send_media(peer, Text("", media=(await stored(content, kind, "a.x", mime),)), 7)
    [message] = await shown(sandbox, peer)
    assert message["file"]["kind"] == kind


async def test_several_files_are_one_album_in_their_order(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """Each has its id and its random_id; the text is the caption of the first."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    media = [await stored(png(width), "photo", f"{width}.png", "image/png") for width in range(1, 11)]
    ids = await gateway.send_media(peer, Text("ten", silent=True, media=tuple(media)), 7)
    messages = await shown(sandbox, peer)
    assert [message["id"] for message in messages] == ids
    assert [message["file"]["width"] for message in messages] == list(range(1, 11))
    assert [message["text"] for message in messages] == ["ten", *[""] * 9]
    assert len({message["group"] for message in messages}) == 1
    assert all(message["silent"] for message in messages)


@pytest.mark.parametrize("repeats", ["echo", "error"])
@pytest.mark.parametrize("kind", ["cut_after", "drop_answer"])
async def test_an_album_whose_answer_is_lost_is_not_sent_twice(
    client: TelegramClient,
    sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
    repeats: str,
    kind: str,
) -> None:
    """Whether Telegram names the messages of a repeat or says that they are there; by another process too."""
    monkeypatch.setattr(albums, "MEDIA_TIMEOUT", 3)
    await sandbox.settings(repeats=repeats)
    peer = await met(client, sandbox)
    text = Text("x", media=tuple([await stored(b"%d" % number) for number in range(3)]))
    await sandbox.fault(kind, "messages.sendMultiMedia", times=1)
    with pytest.raises(AnswerLost) as caught:
        await Gateway(client).send_media(peer, text, 7)
    assert not isinstance(caught.value, Undone | NotYet), "it may be in the chat"
    await client.online.wait()
    ids = await until_sent(Gateway(client), peer, text, 7)
    messages = await shown(sandbox, peer)
    assert len(messages) == 3
    assert ids == ([message["id"] for message in messages] if repeats == "echo" else [0, 0, 0])


async def test_an_album_that_is_there_in_part_is_completed(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """Telegram refuses the whole repeat because of one file: the others are sent, none twice."""
    await sandbox.settings(repeats="error")
    gateway, peer = Gateway(client), await met(client, sandbox)
    media = tuple([await stored(b"%d" % number) for number in range(3)])
    await gateway.send_media(peer, Text("x", media=media[:2]), 7)
    before = await calls(sandbox, "messages.sendMedia")
    await sandbox.fault("flood_wait", "messages.sendMedia", value=1, times=1)
    with pytest.raises(PartlySent):
        await gateway.send_media(peer, Text("x", media=media), 7)
    ids = await gateway.send_media(peer, Text("x", media=media), 7)
    assert await calls(sandbox, "messages.sendMedia") > before
    messages = await shown(sandbox, peer)
    assert len(messages) == 3
    assert ids == [0, 0, messages[2]["id"]]
    assert [await content_of(sandbox, message) for message in messages] == [b"0", b"1", b"2"]


async def test_a_cut_goes_on_with_the_parts_that_are_missing(
    client: TelegramClient, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Telegram has is not sent again, and nothing says that the file may be in the chat."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    parts = 20
    text = Text("", media=(await stored(random.Random(1).randbytes(parts * PART)),))
    gateway.uploads._places = asyncio.Semaphore(1)  # one part after another
    send_part, sent = gateway.uploads._send_part, 0

    async def cut_at_half(*args: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == parts // 2:
            await sandbox.fault("cut_before", "upload.saveFilePart", times=1)
        await send_part(*args)

    monkeypatch.setattr(gateway.uploads, "_send_part", cut_at_half)
    before = await calls(sandbox, "upload.saveFilePart")
    with pytest.raises(Undone):
        await gateway.send_media(peer, text, 7)
    await client.online.wait()
    await gateway.send_media(peer, text, 7)
    assert await calls(sandbox, "upload.saveFilePart") - before <= parts + 1
    [message] = await shown(sandbox, peer)
    assert message["file"]["size"] == parts * PART


@pytest.mark.parametrize("part", [None, 1])
@pytest.mark.parametrize("count", [1, 2])
async def test_forgotten_parts_go_up_again_under_the_same_random_id(
    client: TelegramClient, sandbox: SandboxProcess, part: int | None, count: int
) -> None:
    """All of them or one, of a file alone or of an album's."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    text = Text("", media=tuple([await stored(bytes(2 * PART)) for _ in range(count)]))
    method = "messages.sendMedia" if count == 1 else "messages.uploadMedia"
    await sandbox.fault("forget_parts", method, value=part, times=1)
    await gateway.send_media(peer, text, 7)
    messages = await shown(sandbox, peer)
    assert [message["file"]["size"] for message in messages] == [2 * PART] * count
    assert messages[0]["random_id"] == 7


@pytest.mark.parametrize("word", ["FILE_PARTS_INVALID", "FILE_PART_0_MISSING"])
async def test_parts_that_are_forgotten_each_time_put_the_message_off(
    client: TelegramClient, sandbox: SandboxProcess, word: str
) -> None:
    """It is not in the chat, and will be tried again."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    text = Text("", media=(await stored(b"x"),))
    await sandbox.fault("error", "messages.sendMedia", value=word, times=albums.UPLOAD_TRIES)
    with pytest.raises(NotYet):
        await gateway.send_media(peer, text, 7)
    await gateway.send_media(peer, text, 7)
    assert len(await shown(sandbox, peer)) == 1


@pytest.mark.parametrize(
    "word",
    ["PHOTO_INVALID_DIMENSIONS", "IMAGE_PROCESS_FAILED", "PHOTO_SAVE_FILE_INVALID", "PHOTO_EXT_INVALID"],
)
async def test_a_photo_that_telegram_refuses_is_sent_as_a_document(
    client: TelegramClient, sandbox: SandboxProcess, word: str
) -> None:
    """Under the same random_id, and so it is once."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    text = Text("chart", media=(await stored(png(3), "photo", "chart.png", "image/png"),))
    await sandbox.fault("error", "messages.sendMedia", value=word, times=1)
    first = await gateway.send_media(peer, text, 7)
    assert await gateway.send_media(peer, text, 7) == first
    [message] = await shown(sandbox, peer)
    assert (message["file"]["kind"], message["text"], message["random_id"]) == ("document", "chart", 7)


async def test_a_photo_refused_in_an_album_leaves_the_album(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """Photos and documents can't be together: the refused one stands between, as a document."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    pictures = [png(1), png(2), b"no picture".ljust(40), png(3), png(4)]
    media = [await stored(picture, "photo", "p.png", "image/png") for picture in pictures]
    await gateway.send_media(peer, Text("x", media=tuple(media)), 7)
    kinds = [message["file"]["kind"] for message in await shown(sandbox, peer)]
    assert kinds == ["photo", "photo", "document", "photo", "photo"]


async def test_a_flood_wait_at_an_upload_concerns_uploads(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """A short one is waited for. After a long one no upload asks before its end. One at a call to the chat
    concerns the chat."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    text = Text("", media=(await stored(b"1"), await stored(b"2")))
    await sandbox.fault("flood_wait", "upload.saveFilePart", value=1, times=1)
    await sandbox.fault("flood_wait", "messages.uploadMedia", value=1, times=1)
    with pytest.raises(FloodWait) as caught:
        await gateway.send_media(peer, text, 7)
    assert (caught.value.scope, isinstance(caught.value, PartlySent)) == ("chat", False)
    await gateway.send_media(peer, text, 7)
    await sandbox.fault("flood_wait", "upload.saveFilePart", value=3600, times=1)
    asked = await calls(sandbox, "upload.saveFilePart")
    for name in "ab":
        with pytest.raises(FloodWait) as caught:
            await gateway.send_media(peer, Text("", media=(await stored(b"3", name=name),)), 8)
        assert caught.value.scope == "uploads"
        assert caught.value.seconds > 30
    assert await calls(sandbox, "upload.saveFilePart") == asked + 1


async def test_a_file_that_is_gone_is_said_so(client: TelegramClient, sandbox: SandboxProcess) -> None:
    """Nothing is sent."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    media = await stored(b"x")
    await files.discard([media.file])
    with pytest.raises(FileGone):
        await gateway.send_media(peer, Text("", media=(media,)), 7)
    assert await shown(sandbox, peer) == []


async def test_an_empty_file_is_refused(client: TelegramClient, sandbox: SandboxProcess) -> None:
    """Telegram has no empty files."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    with pytest.raises(Refused):
        await gateway.send_media(peer, Text("", media=(await stored(b""),)), 7)


@pytest.mark.parametrize(("size", "is_shown"), [(1 << 10, False), (3 << 20, True)])
async def test_the_person_sees_that_a_large_file_is_being_sent(
    client: TelegramClient, sandbox: SandboxProcess, size: int, is_shown: bool
) -> None:
    """A small one is there at once."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    await gateway.send_media(peer, Text("", media=(await stored(bytes(size)),)), 7)
    actions = (await sandbox.request("GET", "/journal"))["actions"]
    found = [action["action"] for action in actions if action["chat"] == peer.id]
    assert found == (["upload_document"] if is_shown else [])


async def test_messages_are_shown_again_with_their_files(
    client: TelegramClient, sandbox: SandboxProcess
) -> None:
    """Once per random_id, without an upload."""
    gateway, peer = Gateway(client), await met(client, sandbox)
    media = (await stored(b"1"), await stored(b"2"))
    ids = await gateway.send_media(peer, Text("x", media=media), 7)
    uploads = await calls(sandbox, "upload.saveFilePart")
    for _ in range(2):
        await gateway.copy(peer, ids, 8)
    messages = await shown(sandbox, peer)
    assert [await content_of(sandbox, message) for message in messages] == [b"1", b"2", b"1", b"2"]
    assert await calls(sandbox, "upload.saveFilePart") == uploads


def test_what_came_after_a_part_may_be_in_the_chat() -> None:
    """A message of which a part is there is never said not to be there."""
    with pytest.raises(Cut) as caught, after_a_part():
        raise Undone
    assert not isinstance(caught.value, Undone)
    with pytest.raises(AnswerLost) as lost, after_a_part():
        raise NotYet
    assert not isinstance(lost.value, NotYet)
    with pytest.raises(NotYet), after_a_part(sent=False):
        raise NotYet

"""One message that changes, with files: as the chat and the lists show it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Peer
from djangobot.db.delivery import scheduled
from djangobot.db.messages import acceptance, deletions, messages, tags
from djangobot.db.messages.files import files
from djangobot.db.messages.history import history
from djangobot.db.messages.messages import Entry
from djangobot.db.messages.new_message import NewMessage

from .conftest import Running, chat_of, from_bot

VOICE = b"OggS".ljust(28, b"\0") + b"OpusHead" + bytes(40)


@pytest.fixture
async def worker(client: TelegramClient, token: str, tmp_path: Path) -> AsyncIterator[Worker]:
    """A worker that delivers for the length of the test."""
    files.configure(files.Rules(tmp_path / "files", most=100 << 20))
    async with Running(client) as worker:
        yield worker


class Chat:
    """A program that changes one message, and the chat that shows it."""

    def __init__(self, sandbox: SandboxProcess, worker: Worker, token: str) -> None:
        self.sandbox, self.worker, self.token = sandbox, worker, token

    async def send(self, text: str, *sent: tuple[str, bytes], **more: Any) -> str:
        """Sends a message with these files and waits until it was sent. Its id."""
        stored = []
        for name, content in sent:
            async with files.receive(name, "audio/ogg" if name.endswith("ogg") else "") as sink:
                await sink.write(content)
            stored.append(sink.file)
        new = NewMessage(text, replace="k", wait=PATIENCE, files=tuple(filter(None, stored)))
        now = datetime.now(UTC)
        accepted = await acceptance.accept(self.token, msgspec.structs.replace(new, **more), now)
        assert accepted.status == "sent"
        return accepted.id

    async def shown(self) -> list[tuple[int, str, str | None]]:
        """The program's messages in the chat: the id, the text without its sender, the file's name."""
        person, _ = await chat_of(self.sandbox)
        found = [m for m in await from_bot(self.sandbox, person) if not m["deleted"]]
        return [
            (m["id"], m["text"].removeprefix("Fedor\n"), m["file"] and m["file"]["name"])
            for m in found
            if m["file"] or m["text"].startswith("Fedor\n")
        ]

    async def entry(self, public_id: str) -> Entry:
        return await messages.of_token(public_id, self.token, datetime.now(UTC))

    async def listed(self) -> list[Entry]:
        """What the person's history shows."""
        person, _ = await chat_of(self.sandbox)
        return (await history.page(person, limit=9)).messages

    async def delete_superseded(self) -> None:
        """Does what the jobs do."""
        for job in await scheduled.due(datetime.now(UTC), 9):
            doomed = await deletions.doomed(job.message, datetime.now(UTC))
            assert doomed is not None
            await self.worker.gateway.delete(Peer(job.chat, 0), doomed.telegram_ids)
            await deletions.record(doomed, datetime.now(UTC))


@pytest.fixture
def chat(sandbox: SandboxProcess, worker: Worker, token: str) -> Chat:
    return Chat(sandbox, worker, token)


async def test_a_file_takes_the_place_of_a_file(chat: Chat) -> None:
    """In the same message. An edit without a file leaves it there, and so do the lists."""
    first = await chat.send("0", ("a.txt", b"a"))
    ((number, *_),) = await chat.shown()
    await chat.send("1", ("b.txt", b"b"))
    assert await chat.shown() == [(number, "1", "b.txt")]
    await chat.send("2 " + "x" * 2000)
    ((same, text, name),) = await chat.shown()
    assert (same, text[:3], text[-1], name) == (number, "2 x", "…", "b.txt")
    entry = await chat.entry(first)
    assert ([file.name for file in entry.content.files], entry.edited, len(entry.text)) == (
        ["b.txt"],
        2,
        2002,
    )


async def test_an_album_takes_the_place_of_one_with_as_many_files(chat: Chat) -> None:
    """File by file. With another number it is sent anew, and the former one is deleted."""
    await chat.send("0", ("a.txt", b"a"), ("b.txt", b"b"))
    before = [number for number, *_ in await chat.shown()]
    await chat.send("1", ("c.txt", b"c"), ("d.txt", b"d"))
    assert await chat.shown() == [(before[0], "1", "c.txt"), (before[1], "", "d.txt")]
    await chat.send("2", ("e.txt", b"e"))
    await chat.delete_superseded()
    ((number, text, name),) = await chat.shown()
    assert (number > before[1], text, name) == (True, "2", "e.txt")


async def test_what_telegram_can_not_put_in_its_place_is_sent_as_new(chat: Chat) -> None:
    """A voice message keeps its file. The lists show the new message alone, which goes on with the count; the
    former ids stand for it."""
    ids = [await chat.send("0", ("a.ogg", VOICE), tags=("old",))]
    ids.append(await chat.send("1", tags=("kept",)))
    ids.append(await chat.send("2", ("b.txt", b"b"), tags=("new",)))
    await chat.delete_superseded()
    assert [shown[1:] for shown in await chat.shown()] == [("2\n#new", "b.txt")]
    (listed,) = await chat.listed()
    assert (listed.text, listed.edited, listed.status) == ("2", 2, "sent")
    assert [one.tag for one in await tags.of_chat(listed.chat, limit=9)] == ["new"]
    assert [(await chat.entry(one)).edited for one in ids] == [2] * 3
    assert [(await chat.entry(one)).deleted for one in ids] == [None] * 3
    await chat.send("3")
    assert [shown[1:] for shown in await chat.shown()] == [("3", "b.txt")]


async def test_the_tags_of_an_edit_take_the_place_of_those_before(chat: Chat) -> None:
    """/history finds the message by those it shows."""
    await chat.send("0", tags=("one", "two"))
    await chat.send("1", tags=("two", "three"))
    (listed,) = await chat.listed()
    assert sorted(one.tag for one in await tags.of_chat(listed.chat, limit=9)) == ["three", "two"]
    page = await history.page(listed.chat, limit=9, tag="three")
    assert [entry.text for entry in page.messages] == ["1"]

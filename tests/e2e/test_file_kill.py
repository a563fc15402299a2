"""SIGKILL at any moment while files are sent: each that was accepted is in the chat once, whole, in order."""

import asyncio
import random
import re
import struct
from functools import partial

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .chaos import Sender, kill_under_load, misbehave_and_kill, seeded
from .conftest import Sandbox, Service

KINDS = {"photo": "image/png", "document": "application/pdf"}
METHODS = ["upload.saveFilePart", "messages.uploadMedia", "messages.sendMedia", "messages.sendMultiMedia"]
"""Telegram misbehaves at a part or at a send."""
TEXT = re.compile(r"\n(\d+-\d{6})$")


def a_file(kind: str, size: int) -> tuple[str, bytes, str]:
    """Of so many bytes, and of what Telegram shows as this kind."""
    content = bytes(size)
    if kind == "photo":
        head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 30, 20)
        content = head + bytes(size - len(head))
    return (f"{kind}.{'png' if kind == 'photo' else 'pdf'}", content, KINDS[kind])


class FileSender(Sender):
    """A program whose messages have files, an album now and then."""

    def __init__(self, port: int, chat: int, token: str, dice: random.Random) -> None:
        super().__init__(port, chat, token)
        self._dice = random.Random(dice.random())
        self.files: dict[str, list[tuple[str, int]]] = {}
        """Kind and size of each message's files, by its text."""

    async def _post(self, client: httpx.AsyncClient, text: str) -> httpx.Response:
        kinds = sorted(self._dice.choices(["photo", "document"], k=self._dice.choice([1, 1, 2, 3])))
        files = self.files.setdefault(
            text, [(kind, self._dice.choice([100, 5000, 600_000, 1_700_000])) for kind in reversed(kinds)]
        )
        return await client.post(
            "/api/send_message",
            data={"bot_token": self.token, "text": text},
            files=[("file", a_file(*file)) for file in files],
            headers={"Prefer": "respond-async"},
        )


def shown(box: Sandbox, chat: int) -> list[tuple[str, list[tuple[str, int]]]]:
    """The messages of a chat: the text, and kind and size of each file with it or below it."""
    found: list[tuple[str, list[tuple[str, int]]]] = []
    for message in box.messages(chat):
        if text := TEXT.search(message["text"]):
            found.append((text[1], []))
        if message["file"] is not None:
            found[-1][1].append((message["file"]["kind"], message["file"]["size"]))
    return found


def check(box: Sandbox, service: Service, sender: FileSender) -> None:
    """None lost, none doubled, each with its files."""
    end = service.send(sender.token, "end", "respond-async").json()["id"]
    service.wait_until_sent(sender.token, end)
    there = shown(box, sender.chat)
    texts = [text for text, _ in there]
    assert texts == sorted(set(texts))
    assert set(sender.accepted) <= set(texts) <= {*sender.accepted, *sender.unanswered}
    assert {text: sorted(files) for text, files in there} == {
        text: sorted(sender.files[text]) for text in texts
    }
    ids = box.get("/journal")["chats"][str(sender.chat)]["random_ids"]
    assert len(ids) == len(set(ids))


def run(box: Sandbox, service: Service, *, chats: int, kills: int) -> None:
    bearer, dice = service.account("Chaos"), random.Random(chats)
    people = [box.person() for _ in range(chats)]
    senders = [FileSender(service.port, chat, service.bot_token(chat, bearer), dice) for chat in people]
    kill = partial(misbehave_and_kill, box, service, seeded(), METHODS, ["cut_before", "cut_after"], 2)
    asyncio.run(kill_under_load(box, senders, 3, kills, kill))
    for sender in senders:
        check(box, service, sender)
    print(f"{kills} kills, {sum(len(sender.accepted) for sender in senders)} accepted")


def test_killed_twice_while_files_are_sent_none_is_lost_or_doubled(box: Sandbox, service: Service) -> None:
    """The short form."""
    run(box, service, chats=3, kills=2)


@pytest.mark.chaos
@pytest.mark.timeout(60 * PATIENCE)
def test_killed_twenty_times_while_files_are_sent_none_is_lost_or_doubled(
    box: Sandbox, service: Service
) -> None:
    """The long form."""
    run(box, service, chats=8, kills=20)

"""SIGKILL at every step of sending files: each file is in the chat once, and whole."""

import signal
import struct

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import Sandbox, Service, Wait

DYING = """
from djangobot.bot.telegram.files.albums import Albums
from djangobot.bot.telegram.files.uploads import Uploads

dying(Uploads, "_send_part", after="part uploaded")
dying(Uploads, "upload", after="all parts uploaded")
dying(Albums, "_store", after="file of an album stored")
dying(Albums, "_send_together", during="album under way", after="album sent")
dying(Albums, "_send_media", during="sendMedia under way", after="file sent")
"""
STEPS = [
    "part uploaded", "all parts uploaded", "file of an album stored", "album under way", "album sent",
    "sendMedia under way", "file sent",
]  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 30, 20) + bytes(10)
FILES = [
    ("file", ("1.png", PNG, "image/png")),
    ("file", ("2.png", PNG + b"2", "image/png")),
    ("file", ("paper.pdf", bytes(3 << 19) + b"end", "application/pdf")),
]
"""Two photos, which are an album, and a document of four parts."""


def kill_once(box: Sandbox, service: Service, step: str, repeats: str, wait_until: Wait) -> None:
    """One message with files, and one after it, are sent by a process that dies and by the next."""
    box.post("/settings", repeats=repeats)
    chat = box.person()
    token = service.bot_token(chat, service.account("Fedor"))
    before = len(box.messages(chat))
    service.kill()
    service.start_to_die(DYING, step)
    answer: httpx.Response = service.client.post(
        "/api/send_message",
        data={"bot_token": token, "text": "hello"},
        files=FILES,
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code == 202, answer.text
    assert service.process.wait(PATIENCE) == -signal.SIGKILL, step
    service.start()
    assert service.send(token, "end", "respond-async").status_code == 202
    wait_until(lambda: box.messages(chat)[-1]["text"].endswith("end"))
    *messages, _ = box.messages(chat)[before:]
    named = [(message["text"], message["file"]["kind"], message["file"]["size"]) for message in messages]
    assert [text.rpartition("\n")[2] for text, _, _ in named] == ["hello", "", ""], (step, named)
    assert [(kind, size) for _, kind, size in named] == [
        ("photo", len(PNG)), ("photo", len(PNG) + 1), ("document", (3 << 19) + 3),
    ], (step, named)  # fmt: skip
    ids = box.get("/journal")["chats"][str(chat)]["random_ids"]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("step", ["part uploaded", "album sent", "file sent"])
def test_killed_at_this_step_of_sending_files_none_is_lost_or_doubled(
    box: Sandbox, service: Service, step: str, wait_until: Wait
) -> None:
    """Once at each of the steps behind which most differs. The chaos run takes all of them."""
    kill_once(box, service, step, "error", wait_until)


@pytest.mark.chaos
@pytest.mark.timeout(30 * PATIENCE)
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_this_step_of_sending_files_again_and_again_none_is_lost_or_doubled(
    box: Sandbox, service: Service, step: str, wait_until: Wait
) -> None:
    """Three times for each step and each way in which Telegram answers a repeat, with cuts besides."""
    for number in range(3):
        for repeats in ("echo", "error"):
            kind = ("cut_before", "cut_after")[number % 2]
            box.post("/faults", method="upload.saveFilePart", kind=kind, times=1)
            kill_once(box, service, step, repeats, wait_until)

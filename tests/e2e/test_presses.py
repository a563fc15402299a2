"""A program asks by buttons, over real HTTP, and the person's choice is told to it."""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.http.limits.limits import SHARES

from .conftest import WAIT, Sandbox, Service, Wait

BUTTONS = [
    [{"text": "Restart", "value": "restart"}, {"text": "No", "value": "no"}],
    [{"text": "Docs", "url": "https://example.org"}],
]


class Question:
    """A message with buttons in a chat of its own, and the program that asked."""

    def __init__(self, box: Sandbox, service: Service) -> None:
        self.box, self.service = box, service
        self.chat = box.person()
        self.token = service.bot_token(self.chat, service.account("Fedor"))
        body = {"text": "Restart?", "bot_token": self.token, "buttons": BUTTONS}
        answer = service.client.post("/api/send_message", json=body, headers={"Prefer": WAIT})
        assert answer.status_code == 200, answer.text
        self.id = answer.json()["id"]

    def ask(self, seconds: int = 0, known: str | None = None) -> httpx.Response:
        """What the program learns, now or as soon as it is not as it was `known`."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if known is not None:
            headers["If-None-Match"] = known
        query = {"wait": seconds} if seconds else {}
        return self.service.client.get(f"/api/messages/{self.id}", params=query, headers=headers)

    @property
    def rows(self) -> list[list[dict[str, Any]]]:
        return list(self.box.messages(self.chat)[-1]["buttons"])

    def press(self, row: int = 0, number: int = 0) -> str:
        """Presses. Returns what the bot answers."""
        pressed = self.box.post(
            f"/chats/{self.chat}/press",
            message_id=self.box.messages(self.chat)[-1]["id"],
            data=self.rows[row][number]["data"],
        )
        return str(pressed["answer"])


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Programs that wait at the same time."""
    with ThreadPoolExecutor(100) as pool:
        yield pool


def test_a_press_is_told_to_who_waits_and_to_who_asks_after_a_restart(
    box: Sandbox,
    service: Service,
    threads: ThreadPoolExecutor,
    wait_until: Wait,
) -> None:
    """It is told once, with a new entity tag; the choice stays, whatever is pressed later."""
    question = Question(box, service)
    before = question.ask()
    assert "pressed" not in before.json()
    waiting = threads.submit(question.ask, 60, before.headers["etag"])
    assert question.press(0, 1).startswith("✓ No")
    told = waiting.result(PATIENCE)
    pressed = told.json()["pressed"]
    assert (told.status_code, pressed["value"], pressed["text"]) == (200, "no", "No")
    assert question.ask(known=told.headers["etag"]).status_code == 304
    assert question.ask(known=before.headers["etag"]).json()["pressed"] == pressed
    wait_until(lambda: len(question.rows[0]) == 1)
    assert [button["text"] for row in question.rows for button in row][1:] == ["Docs"]
    assert service.stop() == 0
    service.start()
    assert question.press().startswith("Already chosen: ✓ No")
    assert question.ask().json()["pressed"] == pressed


def test_who_knows_all_there_is_waits_its_time_and_is_told_so(box: Sandbox, service: Service) -> None:
    """304 has no body and the same tag; without a tag it is the message as it is."""
    question = Question(box, service)
    tag = question.ask().headers["etag"]
    nothing = question.ask(1, tag)
    assert (nothing.status_code, nothing.content, nothing.headers["etag"]) == (304, b"", tag)
    assert question.ask(1).json()["status"] == "sent"
    assert question.ask(60, '"another"').headers["etag"] == tag


def test_one_program_that_waits_too_often_is_refused_and_the_others_are_told(
    box: Sandbox, service: Service, threads: ThreadPoolExecutor
) -> None:
    """Its calls beyond the bound are 429 at once; a press ends the wait of all others."""
    question, other = Question(box, service), Question(box, service)
    calls = [threads.submit(question.ask, 60) for _ in range(SHARES["token"] + 3)]
    refused: set[Future[httpx.Response]] = set()
    while len(refused) < 3:
        refused |= wait(set(calls) - refused, PATIENCE, FIRST_COMPLETED).done
    assert {call.result().status_code for call in refused} == {429}
    assert all("retry-after" in call.result().headers for call in refused)
    assert other.ask(1).status_code == 200
    question.press()
    told = [call.result(PATIENCE) for call in calls if call not in refused]
    assert len(told) == SHARES["token"]
    assert {answer.json()["pressed"]["value"] for answer in told} == {"restart"}

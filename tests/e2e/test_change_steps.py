"""SIGKILL at every step of an edit, of a press, of a scheduled message and of a deletion: each takes effect
once."""

import contextlib
import signal
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import Sandbox, Service, Wait

DYING = """
from types import SimpleNamespace
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db.delivery import scheduled_messages, settlement
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.messages import deletions, presses

def of_edits(results, now):
    return any(result.message.is_edit for result in results)

def of_ours(gateway, peer, message_id, text, file=None):
    return "after" in text.text

def of_anew(gateway, peer, text, random_id):
    return "anew" in text.text

dying(Gateway, "send", "before it is sent anew", "sending anew", "sent anew", of_anew)
dying(Gateway, "delete", "before the deletion", "deletion under way", "deleted in the chat")
dying(deletions, "record", "deletion not recorded", "deletion being recorded", "deletion recorded")
dying(Gateway, "edit_media", "before the file", "file under way", "file replaced")
dying(Gateway, "edit", "before the edit", "edit under way", "edit done", of_ours)
dying(settlement, "settle", "before recording", "recording", "edit recorded", of_edits)
dying(presses, "press", "pressed", "press being recorded", "press recorded")
dying(Gateway, "edit_buttons", "before the line is shown", "line under way", "line shown")
scheduled_messages.wakeups = SimpleNamespace(
    notify_new=lambda chat, **how: die("due, moved and not claimed") or wakeups.notify_new(chat, **how),
)
"""
Check = Callable[[], None]
BUTTONS = [[{"text": "Restart", "value": "restart"}, {"text": "No", "value": "no"}]]


class Chat:
    """One chat to which a program sends, of a service that dies."""

    def __init__(self, box: Sandbox, service: Service, wait_until: Wait) -> None:
        self.box, self.service, self.wait_until = box, service, wait_until
        self.id = box.person()
        self.token = service.bot_token(self.id, service.account("Fedor"))
        wait_until(lambda: any("was used" in message["text"] for message in self.messages))
        self.shown_before = len(self.messages)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for message in self.box.messages(self.id) if message["from"] == "bot"]

    @property
    def texts(self) -> list[str]:
        """What the chat shows of ours."""
        there = [message for message in self.messages[self.shown_before :] if not message["deleted"]]
        return [message["text"].removeprefix("Fedor\n") for message in there]

    def post(self, text: str, prefer: str = "respond-async", **fields: Any) -> str:
        """Sends. Returns the id."""
        body = {"text": text, "bot_token": self.token, **fields}
        answer = self.service.client.post("/api/send_message", json=body, headers={"Prefer": prefer})
        assert answer.status_code in (200, 202), answer.text
        return str(answer.json()["id"])

    def status(self, public_id: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        return dict(self.service.client.get(f"/api/messages/{public_id}", headers=headers).json())

    def press(self) -> None:
        """The person presses the first button of the newest message."""
        message = self.messages[-1]
        data = message["buttons"][0][0]["data"]
        self.box.post(f"/chats/{self.id}/press", message_id=message["id"], data=data)

    def edit(self, step: str) -> Check:
        """A message is edited while the service dies."""
        root = self.post("before", prefer=f"wait={int(PATIENCE)}", replace="k")
        edit = self.post("after", replace="k")

        def check() -> None:
            self.wait_until(lambda: self.status(edit)["status"] == "sent")
            assert self.texts == ["after"], step
            assert self.status(root)["edited"] == self.status(edit)["edited"] == 1, step
            assert self.status(root)["text"] == "after"

        return check

    def replace_file(self, step: str) -> Check:
        """A file takes the place of another while the service dies."""
        files = [[{"name": name, "base64": "aGVsbG8="}] for name in ("a.txt", "b.txt")]
        self.post("before", prefer=f"wait={int(PATIENCE)}", replace="k", files=files[0])
        edit = self.post("after", replace="k", files=files[1])

        def check() -> None:
            self.wait_until(lambda: self.status(edit)["status"] == "sent")
            assert self.texts == ["after"], step
            assert self.messages[-1]["file"]["name"] == "b.txt", step

        return check

    def delete(self, step: str) -> Check:
        """A message is deleted while the service dies."""
        sent = self.post("before", prefer=f"wait={int(PATIENCE)}")
        headers = {"Authorization": f"Bearer {self.token}", "Prefer": "respond-async"}
        with contextlib.suppress(httpx.TransportError):  # it may die before it has answered
            self.service.client.delete(f"/api/messages/{sent}", headers=headers)

        def check() -> None:
            self.wait_until(lambda: "deleted" in self.status(sent))
            assert [one["deleted"] for one in self.messages[self.shown_before :]] == [True], step

        return check

    def choose(self, step: str) -> Check:
        """A button is pressed while the service dies, and again after its next start."""
        asked = self.post("Restart?", prefer=f"wait={int(PATIENCE)}", buttons=BUTTONS)
        self.press()

        def check() -> None:
            if len(self.messages[-1]["buttons"][0]) == 2:  # the line is still to come
                self.press()
            self.wait_until(lambda: len(self.messages[-1]["buttons"][0]) == 1)
            pressed = self.status(asked)["pressed"]
            assert (pressed["value"], pressed["text"]) == ("restart", "Restart"), step
            assert self.messages[-1]["buttons"][0][0]["text"].startswith("✓ Restart"), step
            self.press()
            assert self.status(asked)["pressed"] == pressed, step

        return check

    def send_anew(self, step: str) -> Check:
        """A message that Telegram does not edit any more is deleted once the new one was sent."""
        root = self.post("before", prefer=f"wait={int(PATIENCE)}", replace="k")
        fault = {"kind": "error", "value": "400 MESSAGE_ID_INVALID", "times": 1}
        self.box.post("/faults", method="messages.editMessage", **fault)
        anew = self.post("anew", replace="k")

        def check() -> None:
            self.wait_until(lambda: self.status(anew)["status"] == "sent")
            self.wait_until(lambda: self.texts == ["anew"])
            last = self.post("last", prefer=f"wait={int(PATIENCE)}", replace="k")
            assert self.texts == ["last"], step
            assert self.status(last)["edited"] == self.status(root)["edited"], step

        return check

    def schedule(self, step: str) -> Check:
        """A message falls due while the service dies."""
        later = self.post("later", delay=0.5)

        def check() -> None:
            self.wait_until(lambda: self.status(later)["status"] == "sent")
            assert self.texts == ["later"], step

        return check


ACTS: dict[str, Callable[[Chat, str], Check]] = {
    **dict.fromkeys(
        [
            "before the edit", "edit under way", "edit done",
            "before recording", "recording", "edit recorded",
        ],
        Chat.edit,
    ),
    **dict.fromkeys(
        [
            "pressed", "press being recorded", "press recorded",
            "before the line is shown", "line under way", "line shown",
        ],
        Chat.choose,
    ),
    **dict.fromkeys(["before the file", "file under way", "file replaced"], Chat.replace_file),
    **dict.fromkeys(
        [
            "before the deletion", "deletion under way", "deleted in the chat",
            "deletion not recorded", "deletion being recorded", "deletion recorded",
        ],
        Chat.delete,
    ),
    **dict.fromkeys(["before it is sent anew", "sending anew", "sent anew"], Chat.send_anew),
    "due, moved and not claimed": Chat.schedule,
}  # fmt: skip


def kill_at_each(box: Sandbox, service: Service, steps: list[str], wait_until: Wait) -> None:
    """Each start takes up what the process before it has left, and dies at the next step."""
    box.post("/settings", press_timeout=1)
    chats = [Chat(box, service, wait_until) for _ in steps]
    checks: list[Check] = []
    service.kill()
    for step, chat in zip(steps, chats, strict=True):
        service.start_to_die(DYING, step)
        checks.append(ACTS[step](chat, step))
        assert service.process.wait(PATIENCE) == -signal.SIGKILL, step
    service.start()
    for check in checks:
        check()
    for chat in chats:
        ids = box.get("/journal")["chats"][str(chat.id)]["random_ids"]
        assert len(ids) == len(set(ids)) == len(chat.messages)


def test_killed_at_these_steps_of_a_change_it_takes_effect_once(
    box: Sandbox, service: Service, wait_until: Wait
) -> None:
    """Once at each of the steps behind which most differs. The chaos run takes all of them."""
    steps = ["pressed", "edit done", "press recorded", "due, moved and not claimed", "deleted in the chat"]
    kill_at_each(box, service, steps, wait_until)


@pytest.mark.chaos
@pytest.mark.timeout(30 * PATIENCE)
@pytest.mark.parametrize("step", ACTS)
def test_killed_at_this_step_of_a_change_again_and_again_it_takes_effect_once(
    box: Sandbox, service: Service, step: str, wait_until: Wait
) -> None:
    """Three times for each step, answers dropped and connections cut besides."""
    for number in range(3):
        kind = ("cut_before", "cut_after", "drop_answer")[number % 3]
        box.post("/faults", method="messages.editMessage", kind=kind, times=1)
        kill_at_each(box, service, [step], wait_until)

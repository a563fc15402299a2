"""/start and /code: a code, the ready call, and what the message says once the code is dead."""

import json
import re
import shlex
from typing import Any

import pytest

from .conftest import Sandbox, Service, Wait

CODE = re.compile(r"\b\d{3} \d{3} \d{4}\b")


def shown(box: Sandbox, chat: int, message: dict[str, Any]) -> dict[str, Any]:
    """The message as it is by now."""
    return dict(next(known for known in box.messages(chat) if known["id"] == message["id"]))


def press(box: Sandbox, chat: int, message: dict[str, Any], words: str) -> dict[str, Any]:
    """Presses the button that says so; what the bot answers."""
    (button,) = [button for row in message["buttons"] for button in row if words in button["text"]]
    return dict(box.post(f"/chats/{chat}/press", message_id=message["id"], data=button["data"]))


@pytest.mark.parametrize(
    ("language", "call", "back"), [("en", "curl call", "Back"), ("ru", "вызов curl", "Назад")]
)
def test_the_ready_call_does_what_it_says(
    box: Sandbox, service: Service, language: str, call: str, back: str
) -> None:
    """The call under the code is complete but for the account's token, and works as it stands."""
    alex = box.person(language=language)
    for command in ("/start", "/code"):
        message = box.say(alex, command)
        press(box, alex, message, call)
        with_call = shown(box, alex, message)
        (pre,) = [entity for entity in with_call["entities"] if entity["type"] == "pre"]
        text = with_call["text"].encode("utf-16-le")
        curl = text[pre["offset"] * 2 : (pre["offset"] + pre["length"]) * 2].decode("utf-16-le")
        words = shlex.split(curl)
        assert words[:4] == ["curl", "-X", "POST", f"http://127.0.0.1:{service.port}/api/cabinet/"]
        press(box, alex, with_call, back)
        assert shown(box, alex, message)["text"] == message["text"]
        body = json.loads(words[-1])
        answer = service.client.post("/api/cabinet/", json=body, headers=service.account())
        assert answer.status_code == 200
        box.next_from_bot(alex, message["id"])


@pytest.mark.parametrize(
    ("language", "used", "replaced"),
    [
        ("en", "This code was used: Fedor can now write to you", "there is a newer one"),
        ("ru", "Код использован: теперь вам может писать Fedor", "есть код новее"),
    ],
)
def test_a_message_with_a_dead_code_says_why(
    box: Sandbox, service: Service, wait_until: Wait, language: str, used: str, replaced: str
) -> None:
    """Replaced or used, its digits are gone, and its button."""
    alex = box.person(language=language)
    first, second = box.say(alex, "/start"), box.say(alex, "/code")
    wait_until(lambda: replaced in shown(box, alex, first)["text"])
    code = CODE.search(second["text"])
    assert code
    service.client.post("/api/cabinet/", json={"code": code.group()}, headers=service.account())
    wait_until(lambda: used in shown(box, alex, second)["text"])
    for message in (first, second):
        now = shown(box, alex, message)
        assert not CODE.search(now["text"])
        assert not [button for row in now["buttons"] for button in row if button["data"].startswith("curl:")]


def test_a_code_that_was_used_while_the_service_was_down_is_told_after(
    box: Sandbox, service: Service, wait_until: Wait
) -> None:
    """What is to be done about a message survives a kill."""
    alex = box.person()
    message = box.say(alex, "/code")
    code = CODE.search(message["text"])
    assert code
    box.post("/faults", method="messages.editMessage", kind="cut_before", times=2)
    service.client.post("/api/cabinet/", json={"code": code.group()}, headers=service.account())
    service.kill()
    box.delete("/faults")
    service.start()
    wait_until(lambda: "was used" in shown(box, alex, message)["text"])


@pytest.mark.parametrize("command", ["/code ci-server", "/start ci-server", "/code  nightly · отчёты "])
def test_a_code_can_name_the_token_to_come(box: Sandbox, service: Service, command: str) -> None:
    """By /code and by a link's parameter; whoever redeems it may still choose another name."""
    alex = box.person()
    name = command.partition(" ")[2].strip()
    message = box.say(alex, command)
    assert f"named {name}" in message["text"]
    code = CODE.search(message["text"])
    assert code
    answer = service.client.post("/api/cabinet/", json={"code": code.group()}, headers=service.account())
    assert answer.status_code == 200
    assert f"Fedor · {name}" in box.next_from_bot(alex, message["id"])["text"]
    code = CODE.search(box.say(alex, command)["text"])
    assert code
    body = {"code": code.group(), "name": "another"}
    seen = box.messages(alex)[-1]["id"]
    assert service.client.post("/api/cabinet/", json=body, headers=service.account()).status_code == 200
    assert "Fedor · another" in box.next_from_bot(alex, seen)["text"]


def test_a_name_that_cannot_be_is_refused_in_words(box: Sandbox, service: Service) -> None:
    """Too long for a token; a link's parameter that is none of ours is ignored."""
    alex = box.person()
    assert "64" in box.say(alex, "/code " + "x" * 65)["text"]
    assert CODE.search(box.say(alex, "/start " + "x" * 65)["text"])

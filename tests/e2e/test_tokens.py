"""/tokens: the list, the cards and every button of theirs, in both languages."""

import re
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from djangobot.db.credentials import gotify_token

from .conftest import Sandbox, Service, Wait

WORDS = {
    "en": {
        "all": "All tokens", "rename": "Rename", "pause": "Pause", "resume": "Resume", "limit": "Limit",
        "one": "1 a minute", "no limit": "No limit", "expiry": "Expiry", "week": "7 days", "ever": "Forever",
        "new": "New value", "sure new": "Yes, a new value", "hide": "Hide", "refuse": "Refuse urgent",
        "allow": "Allow urgent", "revoke": "Revoke", "sure revoke": "Yes, revoke", "undo": "Undo",
        "back": "Back", "is paused": "Paused:", "is limited": "1 message a minute", "expires": "Expires:",
        "not urgent": "like all others", "is revoked": "is revoked", "called": "be called",
        "undone": "Undone: it", "asks": "Revoke Fedor · ci?", "wrong name": "64",
        "own": "my own program", "hello": "Hello!", "own card": "For your own program",
    },
    "ru": {
        "all": "Все токены", "rename": "Переименовать", "pause": "Пауза", "resume": "Возобновить",
        "limit": "Лимит", "one": "1 в минуту", "no limit": "Без лимита", "expiry": "Срок", "week": "7 дней",
        "ever": "Бессрочно", "new": "Сменить", "sure new": "Да, сменить", "hide": "Скрыть",
        "refuse": "Без срочных", "allow": "Со срочными", "revoke": "Отозвать",
        "sure revoke": "Да, отозвать", "undo": "Вернуть", "back": "Назад", "is paused": "Приостановлен:",
        "is limited": "1 сообщение в минуту", "expires": "Действует до", "not urgent": "как все остальные",
        "is revoked": "отозван", "called": "Как назвать", "undone": "Возвращён",
        "asks": "Отозвать Fedor · ci?", "wrong name": "64",
        "own": "своей программы", "hello": "Привет!", "own card": "Для своей программы",
    },
}  # fmt: skip


@dataclass
class Chat:
    """A person, and one message of the bot that they press buttons under."""

    box: Sandbox
    id: int
    words: dict[str, str]
    message_id: int = 0

    def say(self, text: str) -> dict[str, Any]:
        message = self.box.say(self.id, text)
        self.message_id = message["id"]
        return dict(message)

    @property
    def shown(self) -> dict[str, Any]:
        return dict(next(one for one in self.box.messages(self.id) if one["id"] == self.message_id))

    def button(self, what: str) -> dict[str, Any]:
        words = self.words.get(what, what)
        found = [button for row in self.shown["buttons"] for button in row if words in button["text"]]
        return dict(found[0])

    def press(self, what: str, twice: bool = True) -> dict[str, Any]:
        """Presses it, and again as it was if it is still there; what the bot answered first."""
        data = self.button(what)["data"]
        answer = self.box.post(f"/chats/{self.id}/press", message_id=self.message_id, data=data)
        if twice and any(button["data"] == data for row in self.shown["buttons"] for button in row):
            self.box.post(f"/chats/{self.id}/press", message_id=self.message_id, data=data)
        return dict(answer)


@pytest.fixture(params=["en", "ru"])
def chat(request: pytest.FixtureRequest, box: Sandbox) -> Chat:
    """Somebody who reads that language."""
    return Chat(box, box.person(language=request.param), WORDS[request.param])


def open_card(chat: Chat, service: Service) -> str:
    """A token named ci, its card open; the token."""
    token: str = service.bot_token(chat.id, service.account(), name="ci")
    chat.say("/tokens")
    chat.press("Fedor · ci")
    return token


def test_a_card_opens_in_place_of_the_list_and_goes_back(chat: Chat, service: Service) -> None:
    """Name, account, first characters, use, and this week's messages."""
    token: str = service.bot_token(chat.id, service.account(), name="ci")
    assert service.send(token, "hello").status_code == 200
    listed = chat.say("/tokens")
    chat.press("Fedor · ci")
    text = chat.shown["text"]
    for part in ("ci", "Fedor", token[:4], ": 1"):
        assert part in text
    chat.press("all")
    assert chat.shown["text"] == listed["text"]


def test_many_tokens_are_listed_in_pages(box: Sandbox, service: Service) -> None:
    """Eight on a page, forth and back in one message."""
    chat = Chat(box, box.person(), WORDS["en"])
    bearer = service.account()
    for number in range(9):
        service.bot_token(chat.id, bearer, name=f"n{number}")
    chat.say("/tokens")
    assert "9 tokens" in chat.shown["text"]
    assert len(chat.shown["buttons"]) == 9
    chat.press("›")
    assert [button["text"] for row in chat.shown["buttons"] for button in row] == ["Fedor · n0", "‹"]
    chat.press("‹")
    assert "Fedor · n8" in chat.shown["buttons"][0][0]["text"]


def test_a_token_is_renamed_by_the_next_text(chat: Chat, service: Service) -> None:
    """A wrong name is asked for again; a command leaves the name as it is."""
    open_card(chat, service)
    seen = chat.message_id
    chat.press("rename", twice=False)
    question = chat.box.next_from_bot(chat.id, seen)
    assert chat.words["called"] in question["text"]
    assert chat.words["wrong name"] in chat.say("x" * 65)["text"]
    assert "nightly builds" in chat.say("nightly builds")["text"]
    card = chat.message_id
    chat.press("rename", twice=False)
    chat.box.next_from_bot(chat.id, card)
    chat.say("/tokens")
    chat.say("not a name")
    chat.say("/tokens")
    assert "Fedor · nightly builds" in chat.button("nightly")["text"]


def test_a_paused_token_is_refused_until_it_is_resumed(chat: Chat, service: Service) -> None:
    """403 in a sentence of its own; pressed twice it is still paused."""
    token = open_card(chat, service)
    chat.press("pause")
    assert chat.words["is paused"] in chat.shown["text"]
    refused = service.send(token, "hello")
    assert refused.status_code == 403
    assert "paused" in refused.json()["answer"]
    chat.press("resume")
    assert chat.words["is paused"] not in chat.shown["text"]
    assert service.send(token, "hello").status_code == 200


def test_a_limit_is_chosen_and_lifted(chat: Chat, service: Service) -> None:
    """429 with Retry-After; then as many as one likes."""
    token = open_card(chat, service)
    chat.press("limit")
    chat.press("back")
    chat.press("limit")
    chat.press("one")
    assert chat.words["is limited"] in chat.shown["text"]
    assert service.send(token, "one").status_code == 200
    refused = service.send(token, "two")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    chat.press("limit")
    chat.press("no limit")
    assert chat.words["is limited"] not in chat.shown["text"]
    assert service.send(token, "three").status_code == 200


def test_an_expiry_is_chosen_and_lifted(chat: Chat, service: Service) -> None:
    """The card says until when."""
    open_card(chat, service)
    chat.press("expiry")
    chat.press("week")
    assert re.search(chat.words["expires"] + r" \d\d\.\d\d\.\d{4}", chat.shown["text"])
    chat.press("expiry")
    chat.press("ever")
    assert chat.words["expires"] not in chat.shown["text"]


def test_a_token_of_ones_own_takes_two_steps(chat: Chat, service: Service) -> None:
    """A command or a button and a name; the call that is shown sends the first message as it stands."""
    chat.say("/start")
    seen = chat.message_id
    chat.press("own", twice=False)
    chat.box.next_from_bot(chat.id, seen)
    for said, name in (("nightly builds", "nightly builds"), ("/token ci", "ci")):
        shown = chat.say(said)
        spoilers = [
            shown["text"][one["offset"] : one["offset"] + one["length"]]
            for one in shown["entities"]
            if one["type"] == "spoiler"
        ]
        value, call, gotify = spoilers
        assert re.fullmatch(r"[A-Za-z0-9]{25}", value)
        assert gotify == gotify_token(value)
        assert shown["text"].count(value) == 2
        assert shown["text"].startswith(name) or name in shown["text"].splitlines()[0]
        ran = subprocess.run(["sh", "-c", call], capture_output=True, text=True, check=True)
        assert '"status":"sent"' in ran.stdout
        message = chat.box.messages(chat.id)[-1]
        assert message["text"] == f"{name}\n{chat.words['hello']}"
        chat.press("hide", twice=False)
        assert value not in chat.shown["text"]
        assert chat.words["own card"] in chat.shown["text"]
    for either in (value, gotify):
        assert service.send(either, "again").status_code == 200


def test_urgent_messages_are_refused_and_allowed(chat: Chat, service: Service) -> None:
    """The card says what is so."""
    open_card(chat, service)
    chat.press("refuse")
    assert chat.words["not urgent"] in chat.shown["text"]
    chat.press("allow")
    assert chat.words["not urgent"] not in chat.shown["text"]


def test_a_new_value_is_shown_once_and_hidden(chat: Chat, service: Service) -> None:
    """In a spoiler, and gone with a tap; the value before is dead."""
    token = open_card(chat, service)
    chat.press("new")
    chat.press("sure new")
    shown = chat.shown
    fresh, gotify = (
        shown["text"][one["offset"] : one["offset"] + one["length"]]
        for one in shown["entities"]
        if one["type"] == "spoiler"
    )
    assert gotify == gotify_token(fresh)
    assert re.fullmatch(r"[A-Za-z0-9]{25}", fresh)
    assert service.send(token, "old").status_code == 401
    assert service.send(fresh, "new").status_code == 200
    chat.press("hide")
    assert fresh not in chat.shown["text"]
    assert fresh[:4] in chat.shown["text"]


def test_a_revoked_token_can_be_taken_back(chat: Chat, service: Service) -> None:
    """From the notice of the link; what waited comes after all."""
    token: str = service.bot_token(chat.id, service.account(), name="ci")
    chat.message_id = chat.box.messages(chat.id)[-1]["id"]
    chat.press("revoke")
    assert chat.words["asks"] in chat.shown["text"]
    chat.press("sure revoke")
    assert chat.words["is revoked"] in chat.shown["text"]
    assert service.send(token, "refused").status_code == 401
    assert chat.words["undone"] in chat.press("undo")["answer"]
    assert service.send(token, "back").status_code == 200


@pytest.mark.parametrize("chat", ["en"], indirect=True)
def test_after_ten_seconds_a_revoked_token_can_not_be_taken_back(
    chat: Chat, service: Service, wait_until: Wait
) -> None:
    """The button is gone."""
    token: str = service.bot_token(chat.id, service.account(), name="ci")
    chat.message_id = chat.box.messages(chat.id)[-1]["id"]
    chat.press("revoke")
    chat.press("sure revoke")
    wait_until(lambda: len(chat.shown["buttons"]) == 1)
    assert chat.words["is revoked"] in chat.shown["text"]
    assert service.send(token, "refused").status_code == 401


def test_a_new_network_is_told_with_a_way_to_revoke(chat: Chat, service: Service, wait_until: Wait) -> None:
    """Once for each; behind a proxy on this machine the caller is whom the proxy names."""
    token = open_card(chat, service)
    if "DJANGOBOT_TRUSTED_PROXIES" not in service.env:
        service.stop()
        service.env["DJANGOBOT_TRUSTED_PROXIES"] = "127.0.0.1"
        service.start()

    def notes() -> list[int]:
        return [one["id"] for one in chat.box.messages(chat.id) if "198.51.100.0/24" in one["text"]]

    for text in ("one", "two"):
        body = {"text": text, "type": "Text", "bot_token": token}
        there = {"X-Forwarded-For": "198.51.100.7"}
        assert service.client.post("/api/send_message", json=body, headers=there).status_code == 200
        wait_until(lambda: bool(notes()))
    (chat.message_id,) = notes()
    chat.press("revoke")
    assert chat.words["asks"] in chat.shown["text"]

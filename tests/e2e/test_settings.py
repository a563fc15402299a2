"""/settings, /language, /quiet, /mute and /unmute with every button of theirs, in both languages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .conftest import Sandbox, Service

WORDS = {
    "en": {
        "settings": "Settings", "ask": "Which city", "unknown": "don’t know that place",
        "zone": "Your time zone",
        "wrong": "don’t understand", "off": "Quiet hours are off", "none": "Quiet hours: none",
        "digest": "messages wait for one digest", "silent": "messages arrive silently",
        "no news": "service: no", "news": "service: yes", "quiet": "While it was quiet: 1 message",
        "muted": "is muted until", "nobody": "Nobody is muted", "whose": "Whose messages", "other": "ru",
        "said": "Настройки", "shown": "You will see", "berlin": ": Berlin",
    },
    "ru": {
        "settings": "Настройки", "ask": "каком городе", "unknown": "Такого места не знаю",
        "zone": "Ваш часовой пояс", "wrong": "Не понимаю", "off": "Тихие часы отключены",
        "none": "Тихие часы: нет", "digest": "сообщения ждут одной сводки",
        "silent": "сообщения приходят без звука", "no news": "сервиса: нет", "news": "сервиса: да",
        "quiet": "Пока было тихо: 1 сообщение", "muted": "без показа до", "nobody": "Сейчас показываются все",
        "whose": "Чьи сообщения", "other": "en", "said": "Settings", "shown": "снова показываются",
        "berlin": ": Берлин",
    },
}  # fmt: skip


class Chat:
    """A person and what they read."""

    def __init__(self, box: Sandbox, language: str) -> None:
        self.box = box
        self.id = box.person(language=language)
        self.words = WORDS[language]

    def press(self, message: dict[str, Any], data: str) -> tuple[dict[str, Any], str]:
        """Presses it, and again if it is still there; the message as it is then, and the first answer."""
        path = f"/chats/{self.id}/press"
        said = self.box.post(path, message_id=message["id"], data=data)["answer"]
        now = self.shown(message)
        if any(button["data"] == data for row in now["buttons"] for button in row):
            self.box.post(path, message_id=message["id"], data=data)
            now = self.shown(message)
        return now, said or ""

    def shown(self, message: dict[str, Any]) -> dict[str, Any]:
        """The message as it is now."""
        return next(one for one in self.box.messages(self.id) if one["id"] == message["id"])

    def data(self, message: dict[str, Any], verb: str) -> str:
        """A button's."""
        return next(
            str(button["data"])
            for row in message["buttons"]
            for button in row
            if button["data"].startswith(verb)
        )

    def after(self, message: dict[str, Any]) -> dict[str, Any]:
        return dict(self.box.next_from_bot(self.id, message["id"]))


@pytest.fixture(params=["en", "ru"])
def chat(request: pytest.FixtureRequest, box: Sandbox) -> Chat:
    """Somebody who reads that language."""
    return Chat(box, request.param)


def quiet_now() -> str:
    """Hours around this moment, in UTC."""
    now = datetime.now(UTC)
    return f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"


@pytest.mark.usefixtures("service")
def test_quiet_hours_are_set_and_the_zone_is_asked_once(chat: Chat) -> None:
    """In words; hours nobody understands change nothing."""
    assert chat.words["wrong"] in chat.box.say(chat.id, "/quiet 25:00-26:00")["text"]
    said = chat.box.say(chat.id, "/quiet 23-8:30")
    assert "23:00–08:30" in said["text"]
    assert chat.words["ask"] in chat.after(said)["text"]
    assert chat.words["unknown"] in chat.box.say(chat.id, "Atlantis")["text"]
    assert chat.words["berlin"] in chat.box.say(chat.id, "берлин")["text"]
    again = chat.box.say(chat.id, "/quiet 22:00-07:00")
    assert "22:00–07:00" in again["text"]
    assert again["buttons"]
    assert chat.words["off"] in chat.box.say(chat.id, "/quiet off")["text"]
    assert chat.words["none"] in chat.box.say(chat.id, "/settings")["text"]


@pytest.mark.usefixtures("service")
def test_everything_is_set_on_one_card(chat: Chat) -> None:
    """Each button pressed twice does what it says, once."""
    card = chat.box.say(chat.id, "/settings")
    assert chat.words["settings"] in card["text"]
    card, _ = chat.press(card, "hours")
    card, _ = chat.press(card, "set_hours:23:00-08:00")
    assert f"23:00–08:00, {chat.words['silent']}" in card["text"]
    card, _ = chat.press(card, "set_mode:digest")
    assert f"23:00–08:00, {chat.words['digest']}" in card["text"]
    card, _ = chat.press(card, chat.data(card, "set_news:"))
    assert chat.words["no news"] in card["text"]
    card, _ = chat.press(card, chat.data(card, "set_news:"))
    assert chat.words["news"] in card["text"]
    card, _ = chat.press(card, "keep")
    card, _ = chat.press(card, "set_keep:30")
    assert ": 30 " in card["text"]
    card, _ = chat.press(card, "hours")
    card, _ = chat.press(card, "set_hours")
    assert chat.words["none"] in card["text"]
    card, _ = chat.press(card, "languages")
    card, _ = chat.press(card, f"set_language:{chat.words['other']}")
    assert chat.words["said"] in card["text"]
    choice = chat.box.say(chat.id, "/language")
    card, _ = chat.press(choice, "set_language")
    assert chat.words["settings"] in card["text"]


def test_in_quiet_hours_messages_are_silent_and_urgent_ones_are_not(chat: Chat, service: Service) -> None:
    """As Telegram shows it."""
    token = service.bot_token(chat.id, service.account())
    chat.after(chat.box.say(chat.id, f"/quiet {quiet_now()}"))
    seen = chat.box.say(chat.id, "UTC")["id"]
    assert service.send(token, "sleep well").json()["status"] == "sent"
    body = {"text": "fire", "type": "Text", "bot_token": token, "urgent": True}
    assert service.client.post("/api/send_message", json=body).json()["status"] == "sent"
    shown = {one["text"]: one["silent"] for one in chat.box.messages(chat.id, seen)}
    assert shown == {"Fedor\nsleep well": True, "Fedor\nfire": False}


def test_a_message_waits_for_the_digest(chat: Chat, service: Service) -> None:
    """It is held; it is told of as soon as the quiet hours are over, here by the person's own word."""
    token = service.bot_token(chat.id, service.account())
    chat.after(chat.box.say(chat.id, f"/quiet {quiet_now()}"))
    card = chat.box.say(chat.id, "UTC")
    card, _ = chat.press(card, "set_mode:digest")
    assert service.send(token, "later").json()["status"] == "held"
    card, _ = chat.press(card, "hours")
    chat.press(card, "set_hours")
    digest = chat.after(card)
    assert chat.words["quiet"] in digest["text"]
    assert "later" in digest["text"]


def test_a_muted_sender_is_held_and_counted_when_it_ends(chat: Chat, service: Service) -> None:
    """Chosen from the list, ended from the list."""
    token = service.bot_token(chat.id, service.account())
    assert chat.words["nobody"] in chat.box.say(chat.id, "/unmute")["text"]
    card = chat.box.say(chat.id, "/mute")
    assert chat.words["whose"] in card["text"]
    card, _ = chat.press(card, chat.data(card, "mute_ask:"))
    data = next(button["data"] for row in card["buttons"] for button in row if ":tomorrow" in button["data"])
    card, said = chat.press(card, data)
    assert chat.words["muted"] in said
    assert service.send(token, "psst").json()["status"] == "held"
    muted = chat.box.say(chat.id, "/unmute")
    _, said = chat.press(muted, chat.data(muted, "unmute:"))
    assert chat.words["shown"] in said
    digest = chat.after(muted)
    assert chat.words["quiet"] in digest["text"]
    assert "psst" in digest["text"]
    assert service.send(token, "hello").json()["status"] == "sent"


def test_a_sender_who_writes_much_can_be_muted_under_the_message(chat: Chat, service: Service) -> None:
    """Once in a burst, and ended in the same place; the token stands behind the sender's name."""
    token = service.bot_token(chat.id, service.account(), name="ci")
    seen = chat.box.messages(chat.id)[-1]["id"]
    for number in range(5):
        assert service.send(token, str(number)).json()["status"] == "sent"
    shown = chat.box.messages(chat.id, seen)
    assert [one["text"] for one in shown] == [f"Fedor · ci\n{number}" for number in range(5)]
    assert [bool(one["buttons"]) for one in shown] == [False, False, True, False, False]
    message, said = chat.press(shown[2], chat.data(shown[2], "mute_here:"))
    assert chat.words["muted"] in said
    assert service.send(token, "kept").json()["status"] == "held"
    message, said = chat.press(message, chat.data(message, "unmute_here:"))
    assert chat.words["shown"] in said
    assert message["text"] == "Fedor · ci\n2"
    assert "kept" in chat.after(shown[-1])["text"]

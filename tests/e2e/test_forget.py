"""/forget, in both languages."""

from typing import Any

import pytest

WORDS = {
    "en": (
        "What I keep about you",
        "Messages in the history: 1",
        "Nothing was deleted",
        "is deleted",
        "No messages",
    ),
    "ru": (
        "Что я о вас храню",
        "Сообщения в истории: 1",
        "Ничего не удалено",
        "удалено",
        "Сообщений пока нет",
    ),
}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_person_is_shown_what_is_kept_and_has_it_deleted(box: Any, service: Any, language: str) -> None:
    """No keeps it; yes, also pressed where it was asked before, deletes it, and tokens end with it."""
    keeps, history, kept, deleted, none = WORDS[language]
    chat = box.person(language=language)
    token = service.bot_token(chat, service.account())
    assert service.send(token, "a secret").json()["status"] == "sent"
    first, second, third = (box.say(chat, "/forget") for _ in range(3))
    assert keeps in first["text"]
    assert history in first["text"]

    def press(message: dict[str, Any], data: str) -> str:
        box.post(f"/chats/{chat}/press", message_id=message["id"], data=data)
        return str(next(one for one in box.messages(chat) if one["id"] == message["id"])["text"])

    assert kept in press(first, "forget:no")
    assert service.send(token, "still here").json()["status"] == "sent"
    assert deleted in press(second, "forget:yes")
    assert service.send(token, "anybody?").status_code == 401
    assert deleted in press(third, "forget:yes")
    assert none in box.say(chat, "/history")["text"]
    assert box.say(chat, "/start")["text"]

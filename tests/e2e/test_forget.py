"""/forget, in both languages."""

from pathlib import Path
from typing import Any

import pytest

from djangobot.bot.callback_data.buttons import Forget

from .conftest import Run, Sandbox, Service

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
def test_a_person_is_shown_what_is_kept_and_has_it_deleted(
    box: Sandbox, service: Service, language: str
) -> None:
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

    assert kept in press(first, Forget(False).pack())
    assert service.send(token, "still here").json()["status"] == "sent"
    assert deleted in press(second, Forget(True).pack())
    assert service.send(token, "anybody?").status_code == 401
    assert deleted in press(third, Forget(True).pack())
    assert none in box.say(chat, "/history")["text"]
    assert box.say(chat, "/start")["text"]


@pytest.mark.parametrize(
    ("language", "stays", "gone"),
    [
        ("en", "stays among the admins", "except for your number among the admins"),
        ("ru", "останется в списке администраторов", "кроме вашего номера в списке администраторов"),
    ],
)
def test_an_admin_is_told_where_their_number_stays(
    box: Sandbox, service: Service, run: Run, tmp_path: Path, language: str, stays: str, gone: str
) -> None:
    """Before and after."""
    chat = box.person(language=language)
    box.say(chat, "/start")
    assert run(tmp_path, "admin", "add", str(chat), **service.env).returncode == 0
    asked = box.say(chat, "/forget")
    assert stays in asked["text"]
    box.post(f"/chats/{chat}/press", message_id=asked["id"], data=Forget(True).pack())
    assert gone in next(one for one in box.messages(chat) if one["id"] == asked["id"])["text"]

"""How to send, and signatures: what the card of a token offers, over Telegram's protocol and real HTTP."""

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import apprise
import pytest

from djangobot.bot.rendering.snippets import SENDERS
from djangobot.db.credentials import gotify_token

from .conftest import Sandbox, Service
from .test_tokens import Chat, open_card

WORDS = {
    "en": {"how": "How to send", "signatures": "Signatures", "make": "Make a secret", "own": "I have one",
           "remove": "Remove", "others": "Other programs", "back": "Back", "new": "New value",
           "sure new": "Yes, a new value", "hide": "Hide", "none": "no secret is set", "wrong": "8 to 200",
           "refused": "1 wrong signature was refused", "stored": "Stored."},
    "ru": {"how": "Как отправлять", "signatures": "Подписи", "make": "Создать секрет", "own": "есть свой",
           "remove": "Убрать", "others": "Другие", "back": "Назад", "new": "Сменить",
           "sure new": "Да, сменить", "hide": "Скрыть", "none": "секрет не задан", "wrong": "до 200",
           "refused": "Отклонена 1 неверная подпись", "stored": "Сохранён."},
}  # fmt: skip


@pytest.fixture(params=["en", "ru"])
def chat(request: pytest.FixtureRequest, box: Sandbox) -> Chat:
    """Somebody who reads that language."""
    return Chat(box, box.person(language=request.param), WORDS[request.param])


def test_a_snippet_has_the_token_as_long_as_it_is_shown(chat: Chat, service: Service) -> None:
    """Made in the chat: filled in, under a spoiler. Hidden: a placeholder, and how to get a new value."""
    chat.say("/token ci")
    made = chat.shown
    token = re.search(r"\b[A-Za-z0-9]{25}\b", made["text"])
    assert token is not None
    chat.press("how")
    assert len(SENDERS) == 15
    chat.press("Alertmanager")
    assert f"credentials: {token[0]}" in chat.shown["text"]
    assert "spoiler" in [one["type"] for one in chat.shown["entities"]]
    chat.press("others")
    chat.press("back")
    chat.press("how")
    chat.press("Alertmanager")
    assert "credentials: BOT_TOKEN" in chat.shown["text"]
    chat.press("new")
    chat.press("sure new")
    chat.press("how")
    chat.press("GitHub")
    address = re.search(r"http://\S+/api/hook/[A-Za-z0-9]{25}", chat.shown["text"])
    assert address is not None
    assert token[0] not in address[0]
    answer = service.client.post(address[0], content=b"from the snippet")
    assert answer.status_code == 200, answer.text
    assert "from the snippet" in chat.box.next_from_bot(chat.id, chat.message_id)["text"]


def test_a_secret_of_the_card_is_asked_for(chat: Chat, service: Service) -> None:
    """Made here: shown once. Wrong signatures are counted on the card; without a secret none is asked."""
    token = open_card(chat, service)
    chat.press("signatures")
    assert chat.words["none"] in chat.shown["text"]
    chat.press("make")
    secret = re.search(r"[A-Za-z0-9_-]{43}", chat.shown["text"])
    assert secret is not None
    body = json.dumps({"zen": "Design for failure."}).encode()
    signed = hmac.new(secret[0].encode(), body, hashlib.sha256).hexdigest()

    def ping(signature: str) -> int:
        headers = {"x-github-event": "ping", "x-hub-signature-256": f"sha256={signature}"}
        answer = service.client.post(f"/api/hook/{token}", content=body, headers=headers)
        return int(answer.status_code)

    assert (ping("0" * 64), ping(signed)) == (401, 200)
    chat.press("hide")
    assert secret[0] not in chat.shown["text"]
    chat.press("signatures")
    assert chat.words["refused"] in chat.shown["text"]
    chat.press("remove")
    assert chat.words["none"] in chat.shown["text"]
    assert ping("0" * 64) == 200


def test_a_secret_of_ones_own_is_the_next_text(chat: Chat, service: Service) -> None:
    """A wrong one is asked for again."""
    token = open_card(chat, service)
    chat.press("signatures")
    seen = chat.message_id
    chat.press("own", twice=False)
    chat.box.next_from_bot(chat.id, seen)
    assert chat.words["wrong"] in chat.say("short")["text"]
    assert chat.words["stored"] in chat.say("my-own-secret")["text"]
    headers = {"x-gitlab-event": "Push Hook", "x-gitlab-token": "my-own-secret"}
    answer = service.client.post(f"/api/hook/{token}", json={"object_kind": "push"}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("chat", ["en"], indirect=True)
def test_apprise_reaches_the_chat(chat: Chat, service: Service, tmp_path: Path) -> None:
    """By Gotify's call and by ntfy's, with the address and the token alone: text, emoji, button, file."""
    token = service.bot_token(chat.id, service.account(), name="ci")
    seen = chat.box.messages(chat.id)[-1]["id"]
    (tmp_path / "report.csv").write_text("a;b\n")
    place = f"127.0.0.1:{service.port}"
    query = "xtags=tada,nightly&click=https://example.org"

    def notify(address: str, **more: Any) -> dict[str, Any]:
        nonlocal seen
        sender = apprise.Apprise()
        assert sender.add(address)
        assert sender.notify(title="Backup", body="all done", **more)
        message: dict[str, Any] = chat.box.next_from_bot(chat.id, seen)
        seen = message["id"]
        return message

    by_gotify = notify(f"gotify://{place}/{gotify_token(token)}?priority=low")
    assert by_gotify["text"].splitlines()[1:] == ["Backup", "all done"]
    assert by_gotify["silent"]
    by_ntfy = notify(f"ntfy://apprise:{token}@{place}/backups?{query}")
    assert by_ntfy["text"].splitlines()[1:] == ["🎉 Backup", "all done", "#nightly #backups"]
    assert by_ntfy["buttons"][0][0]["url"] == "https://example.org"
    with_file = notify(f"ntfy://{place}/{token}", attach=str(tmp_path / "report.csv"))
    assert with_file["file"]["name"] == "report.csv"
    assert "all done" in with_file["text"]


def test_one_incident_is_one_message_in_the_chat(chat: Chat, service: Service) -> None:
    """The red message turns green in place; a silent reply says after how long."""
    token: str = service.bot_token(chat.id, service.account(), name="kuma")
    seen = chat.box.messages(chat.id)[-1]["id"]

    def tell(status: int, time: str) -> None:
        """Returns when the chat shows it. An edit lets new messages pass."""
        monitor = {"id": 1, "name": "Shop", "url": "https://shop.example.org"}
        beat = {"monitorID": 1, "status": status, "time": f"2026-11-23 {time}", "msg": "timeout"}
        body = {"heartbeat": beat, "monitor": monitor, "msg": "[Shop] …"}
        answer = service.client.post(f"/api/hook/{token}", json=body)
        assert answer.status_code == 200
        shown = f"/api/messages/{answer.json()['id']}?wait=30"
        bearer = {"authorization": f"Bearer {token}"}
        while service.client.get(shown, headers=bearer).json()["status"] != "sent":
            pass

    tell(0, "05:00:00.527")
    down = chat.box.next_from_bot(chat.id, seen)
    assert "🔴 Shop is down" in down["text"]
    assert [button["text"] for row in down["buttons"] for button in row] == ["Open"]
    tell(1, "05:07:00.112")
    reply = chat.box.next_from_bot(chat.id, down["id"])
    assert "🟢 Up again after 7 min" in reply["text"]
    assert (reply["reply_to"], reply["silent"]) == (down["id"], True)
    (up,) = [one for one in chat.box.messages(chat.id) if one["id"] == down["id"]]
    assert "🟢 Shop is up" in up["text"]

"""A program takes back what is in the chat: the whole way to Telegram, through cuts and a kill."""

from typing import Any

import pytest

from .conftest import WAIT, Sandbox, Service, Wait


@pytest.fixture
def chat(box: Sandbox, service: Service) -> tuple[int, dict[str, str]]:
    """A person, and the header of a program that may write to them."""
    person = box.person()
    return person, {"Authorization": f"Bearer {service.bot_token(person, service.account())}"}


def send(service: Service, bearer: dict[str, str], **fields: Any) -> str:
    """Sends a message. Its id, when it is in the chat."""
    headers = {**bearer, "Prefer": WAIT}
    answer = service.client.post("/api/send_message", json={"text": "hello", **fields}, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "sent"), answer.text
    return str(answer.json()["id"])


def delete(service: Service, bearer: dict[str, str], public_id: str, prefer: str = WAIT) -> tuple[int, str]:
    """What a DELETE of this message is answered."""
    headers = {**bearer, "Prefer": prefer}
    answer = service.client.delete(f"/api/messages/{public_id}", headers=headers)
    return answer.status_code, str(answer.json()["answer"])


def shown(box: Sandbox, person: int) -> list[dict[str, Any]]:
    """What the person sees of the bot."""
    return [one for one in box.messages(person) if one["from"] == "bot" and not one.get("deleted")]


def test_what_is_in_the_chat_is_deleted_whole(
    box: Sandbox, service: Service, chat: tuple[int, dict[str, str]]
) -> None:
    """A text, a long one in several parts, and one with two files: nothing of them is left, the rest stays.
    The history has a line without the words."""
    person, bearer = chat
    before = [one["id"] for one in shown(box, person)]
    files = [{"name": f"{name}.txt", "base64": "aGVsbG8="} for name in "ab"]
    ids = [
        send(service, bearer, text="swordfish"),
        send(service, bearer, text="word " * 2000),
        send(service, bearer, text="two files", files=files),
    ]
    assert len(shown(box, person)) > len(before) + 3
    for public_id in ids:
        assert delete(service, bearer, public_id) == (200, "message was deleted")
    assert [one["id"] for one in shown(box, person)] == before
    listed = box.say(person, "/history")["text"]
    assert listed.count("deleted by its sender") == 3
    assert "swordfish" not in listed


def test_what_telegram_refuses_to_delete_is_409(
    box: Sandbox, service: Service, chat: tuple[int, dict[str, str]]
) -> None:
    """It stays in the chat, and later it may be tried again."""
    person, bearer = chat
    public_id = send(service, bearer)
    fault = {"method": "messages.deleteMessages", "kind": "error", "value": "403 MESSAGE_DELETE_FORBIDDEN"}
    box.post("/faults", **fault)
    status, said = delete(service, bearer, public_id)
    assert (status, "does not let a bot delete" in said) == (409, True)
    assert shown(box, person)[-1]["text"].endswith("hello")
    assert delete(service, bearer, public_id) == (200, "message was deleted")


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_lost_answer_does_not_lose_the_deletion(
    box: Sandbox, service: Service, chat: tuple[int, dict[str, str]], kind: str
) -> None:
    """Whatever became of the call, it is made again."""
    person, bearer = chat
    public_id = send(service, bearer)
    box.post("/faults", method="messages.deleteMessages", kind=kind)
    assert delete(service, bearer, public_id) == (200, "message was deleted")
    assert "hello" not in "".join(one["text"] for one in shown(box, person))


def test_a_deletion_outlives_a_kill(
    box: Sandbox,
    service: Service,
    chat: tuple[int, dict[str, str]],
    wait_until: Wait,
) -> None:
    """What was answered 202 is deleted by the next process."""
    person, bearer = chat
    public_id = send(service, bearer)
    box.post("/faults", method="messages.deleteMessages", kind="flood_wait", value=1)
    assert delete(service, bearer, public_id, "respond-async") == (202, "message will be deleted")
    service.kill()
    service.start()
    wait_until(lambda: not any(one["text"].endswith("hello") for one in shown(box, person)))
    assert delete(service, bearer, public_id) == (200, "message was deleted")

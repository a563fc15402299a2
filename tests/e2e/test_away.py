"""What people do while the bot is away is not lost."""

import re
from functools import partial
from pathlib import Path

from .conftest import WAIT, Sandbox, Service, Wait

CODE = re.compile(r"\b\d{3} \d{3} \d{4}\b")


def codes_in(box: Sandbox, chat: int) -> list[str]:
    texts = [message["text"] for message in box.messages(chat) if message["from"] == "bot"]
    return [found.group() for text in texts if (found := CODE.search(text))]


def test_who_pressed_start_while_the_bot_was_down_gets_a_code(box: Sandbox, service: Service) -> None:
    """After a kill and a start the code is there, once, and works."""
    alex = box.person()
    box.say(alex, "/help")
    service.kill()
    box.post(f"/chats/{alex}/say", text="/start")
    seen = box.messages(alex)[-1]["id"]
    service.start()
    box.next_from_bot(alex, seen)
    (code,) = codes_in(box, alex)
    answer = service.client.post("/api/cabinet/", json={"code": code}, headers=service.account())
    assert answer.status_code == 200


def test_what_is_said_during_a_cut_is_answered_after_it(box: Sandbox, service: Service) -> None:
    """The connection is cut and refused for a while; nothing said meanwhile is missed or answered twice."""
    people = [box.person() for _ in range(3)]
    for person in people:
        box.say(person, "/help")
    box.post("/faults", method="*", kind="refuse_connections", times=3)
    box.post("/cut")
    for person in people:
        box.post(f"/chats/{person}/say", text="/code")
    for person in people:
        box.next_from_bot(person, box.messages(person)[2]["id"])
        assert len(codes_in(box, person)) == 1


def test_a_block_while_the_bot_was_down_is_known_after_the_start(
    box: Sandbox, service: Service, wait_until: Wait
) -> None:
    """The sender hears 403 at once."""
    alex = box.person()
    token = service.bot_token(alex, service.account())
    service.kill()
    box.post(f"/chats/{alex}/block")
    service.start()
    refused_before = box.get("/journal")["errors"].get("USER_IS_BLOCKED", 0)
    wait_until(lambda: service.send(token, "are you there?").status_code == 403)
    assert service.send(token, "and now?").status_code == 403
    assert box.get("/journal")["errors"].get("USER_IS_BLOCKED", 0) == refused_before
    box.post(f"/chats/{alex}/unblock")


def test_nothing_is_answered_again_after_a_restart(box: Sandbox, service: Service) -> None:
    """What was handled before the stop is not handled anew."""
    alex = box.person()
    box.say(alex, "/code")
    box.say(alex, "/help")
    before = len(box.messages(alex))
    assert service.stop() == 0
    service.start()
    box.say(alex, "/history")
    assert len(box.messages(alex)) == before + 2
    assert len(codes_in(box, alex)) == 1


def test_while_telegram_is_away_messages_are_accepted_and_come_in_order_when_it_is_back(
    box: Sandbox, service: Service, wait_until: Wait
) -> None:
    """Its server is gone, then it is back with its state; /health says so meanwhile."""
    alex, eve = box.person(), box.person()
    bearer = service.account()
    tokens = {chat: service.bot_token(chat, bearer) for chat in (alex, eve)}
    box.process.kill()
    wait_until(lambda: service.client.get("/health").status_code == 503)
    for number in range(10):
        for token in tokens.values():
            assert service.send(token, f"number {number}", prefer="respond-async").status_code == 202
    short = service.client.post(
        "/api/send_message",
        json={"text": "not worth the wait", "bot_token": tokens[alex], "ttl": 1},
        headers={"Prefer": WAIT},
    )
    assert (short.status_code, short.json()["status"]) == (504, "expired")
    box.process.start_again()

    def complete(chat: int) -> bool:
        return bool(box.messages(chat)[-1]["text"] == "Fedor\nnumber 9")

    for chat in tokens:
        wait_until(partial(complete, chat))
        texts = [message["text"] for message in box.messages(chat) if "number" in message["text"]]
        assert texts == [f"Fedor\nnumber {number}" for number in range(10)]
    wait_until(lambda: service.client.get("/health").is_success)


def test_a_flood_wait_of_the_sign_in_is_waited_out(box: Sandbox, tmp_path: Path, service: Service) -> None:
    """The process neither ends nor asks again before."""
    box.post("/faults", method="auth.importBotAuthorization", kind="flood_wait", value=1, times=1)
    other = type(service)(box, tmp_path / "data", DJANGOBOT_BOT_TOKEN="7:sandbox")
    try:
        assert box.get("/faults") == []
        assert "flood wait of the sign-in" in other.log.read_text()
    finally:
        assert other.stop() == 0
        other.client.close()


def test_a_session_that_telegram_ended_is_replaced_and_nothing_is_lost(
    box: Sandbox, service: Service
) -> None:
    """The send that hears of it is not taken for refused: after a new sign-in it is repeated."""
    alex = box.person()
    token = service.bot_token(alex, service.account())
    before = box.get("/journal")["sign_ins"]["bot 1"]
    for word in ("AUTH_KEY_UNREGISTERED", "SESSION_REVOKED"):
        box.post("/faults", method="messages.sendMessage", kind="error", value=f"401 {word}", times=1)
        assert service.send(token, word, prefer=WAIT).json()["status"] == "sent"
    assert [m["text"] for m in box.messages(alex)][-2:] == [
        "Fedor\nAUTH_KEY_UNREGISTERED",
        "Fedor\nSESSION_REVOKED",
    ]
    assert box.get("/journal")["sign_ins"]["bot 1"] == before + 2


def test_a_stop_in_the_middle_of_a_send_waits_for_its_answer(
    box: Sandbox, service: Service, wait_until: Wait
) -> None:
    """Exit code 0; it is in the chat once, and the next process does not ask again."""
    alex = box.person()
    token = service.bot_token(alex, service.account())
    box.post("/faults", method="messages.sendMessage", kind="delay", value=1, times=1)
    accepted = service.send(token, "in the middle", prefer="respond-async").json()
    wait_until(lambda: box.get("/faults") == [])
    assert service.stop() == 0
    asked = box.get("/journal")["methods"]["messages.sendMessage"]
    service.start()
    found = service.client.get(
        f"/api/messages/{accepted['id']}", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert found["status"] == "sent"
    assert [m["text"] for m in box.messages(alex)].count("Fedor\nin the middle") == 1
    assert box.get("/journal")["methods"]["messages.sendMessage"] == asked

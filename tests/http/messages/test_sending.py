"""POST /api/send_message and GET /api/messages/{id}."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.admin import bans, users
from djangobot.db.delivery import backlog, outbox
from djangobot.db.engine import current
from djangobot.db.messages import acceptance
from djangobot.db.people import chats, erasure
from djangobot.db.programs import accounts, revocations, tokens
from djangobot.http.limits.limits import SHARES
from djangobot.http.messages.sending import preferred

from ..conftest import Api, Clock, Telegram, a_client, an_app, served


async def test_a_message_telegram_took_within_the_wait_is_200(api: Api) -> None:
    """The documented sentence, to the letter."""
    token = await api.bot_token(await api.access())
    await api.deliver()
    answer, _ = await asyncio.gather(api.send(token, prefer=""), api.deliver_next())
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["answer", "id", "status"]
    assert answer.json()["answer"] == "message was successfully send"
    assert answer.json()["status"] == "sent"


async def test_a_message_that_still_waits_is_202(api: Api) -> None:
    """It is on disk; the history has it."""
    access = await api.access()
    token = await api.bot_token(access)
    answer = await api.send(token, prefer="wait=0")
    assert answer.status_code == 202
    assert list(answer.json()) == ["answer", "id", "status"]
    assert (answer.json()["answer"], answer.json()["status"]) == ("message was accepted", "queued")
    assert answer.headers["preference-applied"] == "wait=0"
    history = (await api.client.get("/api/cabinet", headers=access)).json()
    assert [line["id"] for line in history["messages"]] == [answer.json()["id"]]


async def test_respond_async_answers_at_once(database: None) -> None:
    """Nobody delivers here, and the default wait is an hour."""
    async with served(an_app(send_wait=3600)) as address, a_client(address) as client:
        api = Api(client, Clock(), Telegram())
        token = await api.bot_token(await api.access())
        async with asyncio.timeout(PATIENCE):
            answer = await api.send(token, prefer="respond-async")
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")


@pytest.mark.parametrize(
    ("header", "wait", "applied"),
    [
        ("", None, b""),
        ("respond-async", 0, b"respond-async"),
        ("Respond-Async", 0, b"respond-async"),
        ("wait=7", 7, b"wait=7"),
        ('wait="7"', 7, b"wait=7"),
        ("respond-async, wait=7", 7, b"respond-async, wait=7"),
        ("wait=1; x=y, wait=9", 1, b"wait=1"),
        ("wait=3600", 60, b"wait=60"),
        ("wait=" + "9" * 150, 60, b"wait=60"),
        ("wait=-1", None, b""),
        ("wait=soon", None, b""),
        ("wait=1.5", None, b""),
        ("wait=²", None, b""),
        ("return=minimal, handling=strict,,;=", None, b""),
    ],
)
def test_prefer_is_read_as_rfc_7240_says(header: str, wait: float | None, applied: bytes) -> None:
    """What is not understood is ignored; the wait has its bounds."""
    assert preferred(header) == (wait, applied)


async def test_the_token_may_come_as_a_header(api: Api) -> None:
    """Alone, or beside the same one in the body."""
    token = await api.bot_token(await api.access())
    headers = {"authorization": f"Bearer {token}", "prefer": "respond-async"}
    for body in ({"text": "a"}, {"text": "b", "type": "File", "bot_token": token}):
        answer = await api.client.post("/api/send_message", json=body, headers=headers)
        assert answer.status_code == 202, answer.text


async def test_two_tokens_that_differ_are_refused(api: Api) -> None:
    """Which of the two was meant is not for us to guess."""
    token = await api.bot_token(await api.access())
    headers = {"authorization": f"Bearer {token}"}
    body = {"text": "a", "bot_token": "7EVgXzmREWIf1qHsaYkegiQMa"}
    answer = await api.client.post("/api/send_message", json=body, headers=headers)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["bot_token"])


async def test_no_token_at_all_is_a_missing_field(api: Api) -> None:
    """400, and the answer says where it may stand."""
    answer = await api.client.post("/api/send_message", json={"text": "a", "type": "Text"})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["bot_token"])


@pytest.mark.parametrize("token", ["", "7EVgXzmREWIf1qHsaYkegiQMa", "x" * 5000, "\x00", "é", "' OR 1=1 --"])
async def test_an_invalid_token_is_401(api: Api, token: str) -> None:
    """Whatever it looks like."""
    answer = await api.send(token)
    assert (answer.status_code, answer.json()) == (401, {"answer": "This bot token is not valid."})
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_revoked_token_is_401(api: Api) -> None:
    """The person pressed Revoke."""
    person = await api.person()
    token = await api.bot_token(await api.access(), person)
    await api.revoke(person)
    assert (await api.send(token)).status_code == 401


async def test_a_person_who_blocked_the_bot_is_403_until_they_come_back(api: Api) -> None:
    """Known before the message came: it is not even accepted."""
    person = await api.person()
    token = await api.bot_token(await api.access(), person)
    await chats.block(person.id, datetime.now(UTC))
    answer = await api.send(token)
    assert (answer.status_code, answer.json()) == (403, {"answer": "The person has blocked the bot."})
    await chats.unblock(person.id, datetime.now(UTC))
    assert (await api.send(token)).status_code == 202


async def test_a_block_learned_from_the_message_itself_is_403(api: Api) -> None:
    """With the id, for the message stands in the history as failed."""
    token = await api.bot_token(await api.access())
    await api.deliver()
    answer, _ = await asyncio.gather(api.send(token, prefer="wait=30"), api.deliver_next("blocked"))
    assert answer.status_code == 403
    assert (answer.json()["answer"], answer.json()["status"]) == ("The person has blocked the bot.", "failed")


async def test_a_message_telegram_refused_within_the_wait_is_502(api: Api) -> None:
    """With Telegram's own word for why."""
    token = await api.bot_token(await api.access())
    await api.deliver()
    answer, _ = await asyncio.gather(api.send(token, prefer="wait=30"), api.deliver_next("PEER_ID_INVALID"))
    assert answer.status_code == 502
    assert answer.json()["failure"] == "PEER_ID_INVALID"
    assert "PEER_ID_INVALID" in answer.json()["answer"]


@pytest.mark.parametrize("text", ["x" * 4096, "я" * 4096, "😀" * 4096, " a\n\tb ", "<b>*_`"])
async def test_4096_characters_of_any_script_fit(api: Api, text: str) -> None:
    """Escaped as \\uXXXX by the client too; and the text is kept as it came."""
    access = await api.access()
    token = await api.bot_token(access)
    answer = await api.client.post(
        "/api/send_message",
        content=__import__("json").dumps({"text": text, "bot_token": token}),
        headers={"prefer": "respond-async"},
    )
    assert answer.status_code == 202, answer.text
    assert (await api.told(access))[0]["text"] == text


@pytest.mark.parametrize("text", ["x" * 65_537, "x" * 5_000_000])
async def test_a_text_that_is_too_long_is_413(api: Api, text: str) -> None:
    """By one character or by millions; nothing is accepted."""
    access = await api.access()
    token = await api.bot_token(access)
    answer = await api.send(token, text)
    assert answer.status_code == 413
    assert answer.json()["answer"]
    assert await api.told(access) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "\x00"}, "text"),
        ({"text": "\u200b\n\u3164 \u2800"}, "text"),
        ({"text": None}, "text"),
        ({"text": 1}, "text"),
        ({"text": "a", "type": "Photo"}, "type"),
        ({"text": "a", "type": "text"}, "type"),
        ({"text": "a", "type": None}, "type"),
        ({"text": "a", "bot_token": 1}, "bot_token"),
        ({"text": "a", "chat": 1}, "chat"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_accepted(
    api: Api, body: dict[str, object], field: str
) -> None:
    """400 with one sentence per field."""
    access = await api.access()
    token = await api.bot_token(access)
    answer = await api.client.post("/api/send_message", json={"bot_token": token, **body})
    assert answer.status_code == 400, answer.text
    assert answer.json()["answer"] == "Some fields are missing or wrong."
    assert list(answer.json()["details"]) == [field]
    assert await api.told(access) == []


async def keyed(api: Api, token: str, key: str, text: str = "once", prefer: str = "wait=0") -> httpx.Response:
    headers = {"idempotency-key": key, "prefer": prefer}
    body = {"text": text, "bot_token": token}
    return await api.client.post("/api/send_message", json=body, headers=headers)


async def test_the_same_key_is_the_same_message_and_says_so(api: Api) -> None:
    """Accepted, then sent: a repeat tells how things are now; who sends without a key hears nothing of it."""
    access = await api.access()
    token = await api.bot_token(access)
    await api.deliver()
    first, second = await keyed(api, token, "a-key"), await keyed(api, token, "a-key", prefer="respond-async")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert second.headers["preference-applied"] == "respond-async"
    await api.deliver()
    third = await keyed(api, token, "a-key", prefer="")
    assert (third.status_code, third.json()["id"]) == (200, first.json()["id"])
    assert third.json()["answer"] == "message was successfully send"
    plain = await api.send(token, "once")
    assert plain.json()["id"] != first.json()["id"]
    replayed = [answer.headers.get("idempotency-replayed") for answer in (first, second, third, plain)]
    assert replayed == [None, "true", "true", None]
    history = (await api.client.get("/api/cabinet", headers=access)).json()
    assert len(history["messages"]) == 2


async def test_a_repeat_waits_for_telegram_as_the_first_would(api: Api) -> None:
    """The connection broke while the message was queued; the retry hears that it was sent."""
    token = await api.bot_token(await api.access())
    await api.deliver()
    first = await keyed(api, token, "a-key")
    again, _ = await asyncio.gather(keyed(api, token, "a-key", prefer="wait=30"), api.deliver_next())
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


async def test_the_same_key_for_another_message_is_409(api: Api) -> None:
    """A sentence says why; nothing is accepted."""
    access = await api.access()
    token = await api.bot_token(access)
    await keyed(api, token, "a-key")
    answer = await keyed(api, token, "a-key", "something else")
    assert (answer.status_code, list(answer.json())) == (409, ["answer"])
    assert "Idempotency-Key" in answer.json()["answer"]
    assert len(await api.told(access)) == 1


@pytest.mark.parametrize("more", [{"urgent": True}, {"ttl": 61}])
async def test_the_same_key_with_another_urgency_or_ttl_is_409(api: Api, more: dict[str, object]) -> None:
    """It is another message; the very same again is the first one."""
    token = await api.bot_token(await api.access())
    headers = {"idempotency-key": "a-key", "prefer": "wait=0"}
    body = {"text": "once", "bot_token": token, "ttl": 60}
    answers = [
        (await api.client.post("/api/send_message", json=one, headers=headers)).status_code
        for one in (body, body, {**body, **more})
    ]
    assert answers == [202, 202, 409]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("urgent", "yes", "must be true or false"),
        ("urgent", 1, "must be true or false"),
        ("urgent", None, "must be true or false"),
        *(
            ("ttl", wrong, "must be a whole number from 1 to 2592000")
            for wrong in (0, -1, 2592001, 1.5, "60", None, True, 10**30)
        ),
    ],
)
async def test_an_urgency_or_a_ttl_that_is_none_is_named(
    api: Api, field: str, value: Any, sentence: str
) -> None:
    """400, with what it must be."""
    token = await api.bot_token(await api.access())
    answer = await api.send(token, **{field: value})
    assert (answer.status_code, answer.json().get("details")) == (400, {field: sentence})


async def test_a_hundred_with_one_key_at_the_same_moment_make_one_message(api: Api) -> None:
    """Over as many connections; all hear the same id."""
    access = await api.access()
    token = await api.bot_token(access)
    answers = await asyncio.gather(*(keyed(api, token, "a-key") for _ in range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert len(await api.told(access)) == 1


@pytest.mark.parametrize("key", [b"", b"a b", "é".encode(), b"\xff", b"a" * 256])
async def test_a_key_that_is_none_is_400_by_its_name(api: Api, key: bytes) -> None:
    """Rather a refusal than a message that is thought to be protected and is not."""
    access = await api.access()
    body = {"text": "a", "bot_token": await api.bot_token(access)}
    answer = await api.client.post("/api/send_message", json=body, headers={b"idempotency-key": key})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["Idempotency-Key"])
    assert await api.told(access) == []


async def test_the_status_of_a_message_is_its_tokens_to_ask(api: Api) -> None:
    """Found with the token it was sent with, and with no other."""
    access = await api.access()
    token = await api.bot_token(access)
    public_id = (await api.send(token, "look")).json()["id"]
    await api.deliver()
    mine = await api.client.get(f"/api/messages/{public_id}", headers={"authorization": f"Bearer {token}"})
    assert mine.status_code == 200
    found = mine.json()
    assert (found["answer"], found["id"], found["status"]) == ("success", public_id, "sent")
    assert (found["text"], found["type"], "failure" in found) == ("look", "Text", False)
    other = await api.bot_token(await api.access("other"))
    theirs = await api.client.get(f"/api/messages/{public_id}", headers={"authorization": f"Bearer {other}"})
    assert (theirs.status_code, theirs.json()) == (404, {"answer": "There is no such message."})


@pytest.mark.parametrize(
    "public_id", ["1", "dce1dc8d-ee6f-4021-bb46-f6d8ea8b723c", "%00", "%ff", "..%2f", "x" * 3000]
)
async def test_an_id_that_is_no_messages_is_404(api: Api, public_id: str) -> None:
    """Whatever it looks like."""
    token = await api.bot_token(await api.access())
    answer = await api.client.get(f"/api/messages/{public_id}", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 404
    assert answer.json()["answer"]


async def test_the_status_needs_a_valid_token(api: Api) -> None:
    """401 without one, and with an access token in its place."""
    access = await api.access()
    for headers in ({}, access):
        assert (await api.client.get(f"/api/messages/{uuid4()}", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("body", "headers", "query"),
    [
        ({"text": "hello"}, {}, ""),
        ({"text": ""}, {}, ""),
        ({"text": "hello", "type": "Song"}, {}, ""),
        ({"text": "hello", "bot_token": "x" * 25}, {}, ""),
        ({"text": "hello"}, {}, "?wait=1"),
        ({"text": "hello"}, {"content-type": "multipart/form-data"}, ""),
        ({"text": "hello"}, {"content-type": "multipart/mixed; boundary=x"}, ""),
        ({"text": "hello"}, {"sec-fetch-site": "cross-site"}, ""),
        ({"text": "hello"}, {"idempotency-key": ""}, ""),
    ],
)
async def test_the_short_way_answers_as_the_router_does(
    api: Api, body: dict[str, str], headers: dict[str, str], query: str
) -> None:
    """The router takes this Host, and only plain ones go without it."""
    token = await api.bot_token(await api.access())
    answers = []
    for host in ("example.org", "example_1.org"):
        answer = await api.client.post(
            f"/api/send_message{query}",
            json={"bot_token": token, **body},
            headers={"prefer": "respond-async", "host": host, **headers},
        )
        fields = {
            name: value for name, value in answer.headers.items() if name not in ("date", "content-length")
        }
        answers.append((answer.status_code, fields, {**answer.json(), "id": None}))
    assert answers[0] == answers[1]


async def test_a_fault_of_ours_is_noted_with_its_address(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """500, and the log says which call it was."""

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(acceptance, "accept", broken)
    token = await api.bot_token(await api.access())
    with structlog.testing.capture_logs() as logs:
        answer = await api.send(token, "hello")
    assert answer.status_code == 500
    assert [(line["event"], line["path"], line["error"]) for line in logs] == [
        ("request failed", "/api/send_message", "ZeroDivisionError")
    ]


async def test_a_host_that_is_none_is_400(api: Api) -> None:
    """Here, too."""
    token = await api.bot_token(await api.access())
    answer = await api.client.post(
        "/api/send_message", json={"bot_token": token, "text": "hello"}, headers={"host": "a b"}
    )
    assert answer.status_code == 400


CANCELERS = {
    "the owner deletes the account": "its owner deleted this account",
    "an admin deletes the account": "an admin deleted the account or the person",
    "an admin deletes the person": "an admin deleted the account or the person",
    "an admin bans the account": "an admin banned this account",
    "the person erases everything": "the person deleted everything kept about them",
    "the person revokes the token": "the person revoked this bot token",
    "an admin gives the message up": "an admin gave it up",
}


async def cancel(api: Api, who: str, access: dict[str, str], person: chats.Chat) -> None:
    """Does what cancels every message that waits."""
    now = datetime.now(UTC)
    match who:
        case "the owner deletes the account":
            assert (await api.client.delete("/api/user/", headers=access)).status_code == 200
        case "an admin deletes the account":
            assert await users.delete("account", (await the_account(api, access)).id, 1, now, of_settings=())
        case "an admin deletes the person":
            assert await users.delete("chat", person.id, 1, now, of_settings=())
        case "an admin bans the account":
            assert await bans.ban("account", (await the_account(api, access)).id, 1, now, of_settings=())
        case "the person erases everything":
            await erasure.erase(person.id, now)
        case "the person revokes the token":
            (card,) = await tokens.of_chat(person.id, now)
            await revocations.revoke(person.id, card.id, now)
        case _:
            (row,) = await current().fetch("SELECT id FROM message WHERE kind = 'message'")
            assert await backlog.apply("drop", row["id"], 1, now)


async def the_account(api: Api, access: dict[str, str]) -> accounts.Account:
    return await accounts.authenticate(*api.signer.read(access["authorization"].removeprefix("Bearer ")))


@pytest.mark.parametrize("who", CANCELERS)
async def test_who_waits_for_a_message_that_is_canceled_hears_at_once_who_canceled_it(
    api: Api, who: str
) -> None:
    """502, long before the wait is over, and the sentence names the one who did it."""
    access, person = await api.access(), await api.person()
    token = await api.bot_token(access, person)
    await api.deliver()
    waiting = asyncio.create_task(api.send(token, prefer="wait=60"))
    while not await outbox.oldest_due(datetime.now(UTC)):
        pass
    await cancel(api, who, access, person)
    async with asyncio.timeout(PATIENCE):
        answer = await waiting
    assert (answer.status_code, answer.json()["status"]) == (502, "canceled")
    assert answer.json()["answer"] == f"The message was canceled: {CANCELERS[who]}."


async def test_one_wait_too_many_is_refused_and_was_never_begun(
    api: Api, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """429, and no coroutine is left that nobody awaits: Python would warn of it in the log."""
    token = await api.bot_token(await api.access())
    sent = await api.send(token, prefer="respond-async")
    monkeypatch.setitem(SHARES, "token", 0)
    headers = {"authorization": f"Bearer {token}"}
    answer = await api.client.get(f"/api/messages/{sent.json()['id']}?wait=1", headers=headers)
    assert (answer.status_code, answer.headers["retry-after"].isdecimal()) == (429, True)
    assert not [warned for warned in recwarn if "never awaited" in str(warned.message)]


async def test_what_goes_with_a_text_is_in_every_list(api: Api) -> None:
    """Title and tags come back; the text is what people see."""
    access = await api.access()
    token = await api.bot_token(access)
    sent = await api.send(token, "**disk** full", format="markdown", title="Alarm", tags=["disk"])
    assert sent.status_code == 202, sent.text
    shown = (await api.told(access))[0]
    status = await api.client.get(
        f"/api/messages/{sent.json()['id']}", headers={"authorization": f"Bearer {token}"}
    )
    for found in (shown, status.json()):
        assert (found["text"], found["title"], found["tags"]) == ("disk full", "Alarm", ["disk"])


async def test_a_plain_text_has_neither_title_nor_tags(api: Api) -> None:
    """Answers stay as they were documented."""
    access = await api.access()
    token = await api.bot_token(access)
    await api.send(token)
    shown = (await api.told(access))[0]
    assert not {"title", "tags"} & shown.keys()


async def test_a_form_writes_lists_as_json(api: Api) -> None:
    """curl -d can send everything that JSON can."""
    access = await api.access()
    token = await api.bot_token(access)
    form = {"text": "x", "bot_token": token, "tags": '["a"]', "silent": "on", "progress": "0.5"}
    at_once = {"prefer": "respond-async"}
    assert (await api.client.post("/api/send_message", data=form, headers=at_once)).status_code == 202
    wrong = await api.client.post("/api/send_message", data={**form, "tags": "a, b"})
    assert (wrong.status_code, wrong.json()["details"]) == (400, {"tags": "must be a list of words"})


async def test_a_key_stands_for_the_whole_message(api: Api) -> None:
    """Another title under the same key is another message, so it is refused."""
    token = await api.bot_token(await api.access())
    headers = {"idempotency-key": "k", "prefer": "respond-async"}
    body = {"text": "x", "bot_token": token, "title": "a"}
    first, again = [await api.client.post("/api/send_message", json=body, headers=headers) for _ in range(2)]
    assert first.json()["id"] == again.json()["id"]
    other = await api.client.post("/api/send_message", json={**body, "title": "b"}, headers=headers)
    assert other.status_code == 409

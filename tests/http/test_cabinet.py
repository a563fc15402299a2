"""POST and GET /api/cabinet: codes become bot tokens, and the history is read page by page."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from djangobot.db.people import codes

from .conftest import Api

WRONG_CODE = "This code is wrong, used or expired; ask the bot for a new one with /code."


async def test_a_code_becomes_a_bot_token(api: Api) -> None:
    """25 letters and digits, as the original's."""
    access = await api.access()
    answer = await api.client.post("/api/cabinet/", json={"code": await api.code()}, headers=access)
    assert answer.status_code == 200
    assert list(answer.json()) == ["answer", "bot_token", "gotify_token"]
    assert answer.json()["answer"] == "success"
    assert re.fullmatch("[A-Za-z0-9]{25}", answer.json()["bot_token"])
    assert re.fullmatch("A[A-Za-z0-9]{14}", answer.json()["gotify_token"])


async def test_a_code_may_be_written_in_groups(api: Api) -> None:
    """As the bot shows it, or as people type it."""
    access = await api.access()
    code = await api.code()
    grouped = f" {code[:4]} {code[4:7]}-{code[7:]} "
    assert (await api.client.post("/api/cabinet/", json={"code": grouped}, headers=access)).status_code == 200


@pytest.mark.parametrize("name", ["\u200b", "\u3164", "\u202eevil", "line\nbreak", "Bank\u2060"])
async def test_a_token_name_nobody_can_read_is_refused(api: Api, name: str) -> None:
    """It stands above messages; the code is still good after that."""
    access, code = await api.access(), await api.code()
    answer = await api.client.post("/api/cabinet/", json={"code": code, "name": name}, headers=access)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["name"])
    answer = await api.client.post(
        "/api/cabinet/", json={"code": code, "name": "👩\u200d🚀 бэкап"}, headers=access
    )
    assert answer.status_code == 200


async def test_wrong_used_and_expired_codes_get_the_same_answer(api: Api) -> None:
    """Guessing tells nothing."""
    access = await api.access()
    used = await api.code()
    await api.client.post("/api/cabinet/", json={"code": used}, headers=access)
    long_ago = datetime.now(UTC) - timedelta(minutes=11)
    expired = await codes.issue(await api.person(), long_ago)
    for code in ("0000000000", used, expired, "0001", "", "not a code", "\x00", "١" * 10):
        answer = await api.client.post("/api/cabinet/", json={"code": code}, headers=access)
        assert (answer.status_code, answer.json()) == (403, {"answer": WRONG_CODE}), code


async def test_of_two_who_redeem_one_code_at_once_one_wins(api: Api) -> None:
    """A code is good for one bot token."""
    access = await api.access()
    body = {"code": await api.code()}
    both = await asyncio.gather(
        *(api.client.post("/api/cabinet/", json=body, headers=access) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in both) == [200, 403]


async def test_the_history_is_as_documented_newest_first(api: Api) -> None:
    """time with six decimals and Z, text and type first, then what we add."""
    access = await api.access()
    token = await api.bot_token(access, name="backups")
    for text in ("first", "second <b>*plain*</b>"):
        await api.send(token, text)
    await api.deliver()
    answer = await api.client.get("/api/cabinet", headers=access)
    assert answer.status_code == 200
    history = answer.json()
    assert list(history) == ["answer", "messages", "name", "next"]
    assert (history["answer"], history["name"], history["next"]) == ("success", "Fedor", None)
    assert [line["text"] for line in history["messages"]] == ["second <b>*plain*</b>", "first"]
    line = history["messages"][0]
    assert list(line)[:3] == ["time", "text", "type"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["time"])
    assert (line["type"], line["status"], line["token"]) == ("Text", "sent", "backups")


async def test_pages_follow_each_other_without_gap_or_double(api: Api) -> None:
    """`next` is the `before` of the page after, null on the last."""
    access = await api.access()
    token = await api.bot_token(access)
    for number in range(5):
        await api.send(token, str(number))
    seen: list[str] = []
    before: dict[str, int] = {}
    while True:
        page = (await api.client.get("/api/cabinet", params={"limit": 2, **before}, headers=access)).json()
        seen += [line["text"] for line in page["messages"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert seen == ["4", "3", "2", "1", "0"]


async def test_a_history_is_its_accounts_alone_and_can_be_one_chats(api: Api) -> None:
    """?chat= picks one person; other accounts see nothing."""
    access = await api.access()
    ann, ben = await api.person(), await api.person()
    await api.send(await api.bot_token(access, ann), "to ann")
    await api.send(await api.bot_token(access, ben), "to ben")
    of_ann = (await api.client.get("/api/cabinet", params={"chat": ann.id}, headers=access)).json()
    assert [(line["text"], line["chat"]) for line in of_ann["messages"]] == [("to ann", ann.id)]
    other = (await api.client.get("/api/cabinet", headers=await api.access("other"))).json()
    assert other["messages"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.5", "limit"),
        ("limit=%00", "limit"),
        ("before=0", "before"),
        ("before=-1", "before"),
        ("before=9223372036854775808", "before"),
        (f"before={'9' * 5000}", "before"),
        ("chat=Ann", "chat"),
        ("chat=99999999999999999999", "chat"),
        ("befor=1", "befor"),
        ("limit=1&limit=2", "limit"),
        ("limit=%ff", "limit"),
    ],
)
async def test_a_wrong_parameter_is_named(api: Api, query: str, field: str) -> None:
    """Misspelt ones too: a page that is silently the first again would loop for ever."""
    answer = await api.client.get(f"/api/cabinet?{query}", headers=await api.access())
    assert answer.status_code == 400, answer.text
    assert field in answer.json().get("details", {field: ""})


async def test_the_history_answers_head(api: Api) -> None:
    """Like GET, without the body."""
    access = await api.access()
    head = await api.client.head("/api/cabinet", headers=access)
    assert (head.status_code, head.content) == (200, b"")

"""POST /message and GET /version, as clients of Gotify use them."""

from datetime import UTC, datetime

import httpx
import pytest
import structlog

from djangobot.db.credentials import gotify_token
from djangobot.db.messages.buttons import Button
from djangobot.db.people import chats
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.gotify import CreateMessage, message_of, number_of, read
from djangobot.http.limits.limits import Limits

from ..conftest import Api, Clock, Telegram, a_client, an_app, served

MARKDOWN = {"client::display": {"contentType": "text/markdown"}}
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def refusal(answer: httpx.Response) -> tuple[int, str, int]:
    """The status of a refusal, and what Gotify's error object says of it."""
    body = answer.json()
    assert list(body) == ["error", "errorCode", "errorDescription"], body
    assert body["errorDescription"]
    return answer.status_code, body["error"], body["errorCode"]


async def test_the_token_stands_in_the_query_or_in_either_header(api: Api) -> None:
    """Both values of a token work in each place."""
    access = await api.access()
    token = await api.bot_token(access)
    for value in (token, gotify_token(token)):
        for query, headers in (
            ({"token": value}, {}),
            ({}, {"x-gotify-key": value}),
            ({}, {"authorization": f"Bearer {value}"}),
        ):
            answer = await api.client.post("/message", json={"message": "hi"}, params=query, headers=headers)
            assert answer.status_code == 200, answer.text
    assert [line["text"] for line in await api.told(access)] == ["hi"] * 6


async def test_the_answer_is_gotify_s_message_object(api: Api) -> None:
    """With a number as the id, the time of RFC 3339, and our own id among the extras."""
    access = await api.access()
    token = await api.bot_token(access)
    body = {"message": "**done**", "title": "Backup", "priority": 2, "extras": MARKDOWN}
    answer = await api.client.post("/message", json=body, headers={"x-gotify-key": token})
    assert answer.status_code == 200
    shown = answer.json()
    (line,) = await api.told(access)
    assert (line["title"], line["text"], line["status"]) == ("Backup", "done", "queued")
    assert shown == {
        **body,
        "id": number_of(line["id"]),
        "appid": shown["appid"],
        "extras": {**MARKDOWN, "djangobot::message": {"id": line["id"], "status": "queued"}},
        "date": shown["date"],
    }
    assert datetime.fromisoformat(shown["date"]).tzinfo is not None
    assert isinstance(shown["appid"], int)


def test_ids_grow_and_fit_into_a_number_of_javascript() -> None:
    """Those of a later millisecond are larger."""
    early, late = "018b2c3e-0000-7000-8000-0000000003ff", "018b2c3e-0001-7000-8000-000000000000"
    assert number_of(early) < number_of(late) < 2**53


@pytest.mark.parametrize(
    ("body", "headers", "query"),
    [
        (b'{"message": "m", "title": "t", "priority": 8}', JSON, ""),
        (b'{"Message": "m", "Title": "t", "Priority": 8.0}', {}, ""),
        (b"message=m&title=t&priority=8", FORM, ""),
        (b"", {}, "message=m&title=t&priority=8"),
        (b"message=m", FORM, "title=t&priority=8&token=x"),
    ],
)
def test_json_a_form_and_the_query_say_the_same(body: bytes, headers: dict[str, str], query: str) -> None:
    """Names in JSON may be in upper case."""
    given = dict(part.split("=") for part in query.split("&")) if query else {}
    assert read(InletRequest(headers, given, body)) == CreateMessage("m", "t", 8)


@pytest.mark.parametrize(
    ("priority", "silent", "urgent"),
    [(-5, True, False), (0, True, False), (3, True, False), (4, False, False), (7, False, False),
     (8, False, True), (10, False, True), (99, False, True)],
)  # fmt: skip
def test_a_priority_says_how_loud_a_message_is(priority: int, silent: bool, urgent: bool) -> None:
    """As in Gotify's app: up to 3 without sound, from 8 on the loudest."""
    message = message_of(CreateMessage("m", priority=priority))
    assert (message.silent, message.urgent) == (silent, urgent)


def test_a_message_without_priority_is_a_usual_one() -> None:
    """Neither silent nor urgent."""
    message = message_of(read(InletRequest({}, {"message": "m"})))
    assert (message.silent, message.urgent) == (False, False)


def test_extras_say_the_format_the_link_and_the_picture() -> None:
    """A link is a button; a picture is shown by Telegram's preview of its address."""
    message = message_of(
        CreateMessage(
            "*m*",
            extras={
                **MARKDOWN,
                "client::notification": {
                    "click": {"url": "https://example.org/run/1"},
                    "bigImageUrl": "https://example.org/a.png",
                },
            },
        )
    )
    assert message.format == "markdown"
    assert message.buttons == (Button("example.org", url="https://example.org/run/1"),)
    assert message.text == "*m*\n\n🖼 <https://example.org/a.png>"
    assert message.preview


def test_a_link_that_telegram_takes_no_button_for_is_a_line() -> None:
    """Telegram would refuse the whole message for a host without a dot."""
    message = message_of(
        CreateMessage("m", extras={"client::notification": {"click": {"url": "http://nas:8080/"}}})
    )
    assert (message.text, message.buttons) == ("m\n\n🔗 http://nas:8080/", ())


@pytest.mark.parametrize("extras", [None, [], "x", {"client::display": 1}, {"client::notification": [1]}])
async def test_extras_of_any_shape_are_no_reason_to_refuse(api: Api, extras: object) -> None:
    """What is not understood is left alone."""
    token = await api.bot_token(await api.access())
    body = {"message": "m", "extras": extras}
    assert (await api.client.post(f"/message?token={token}", json=body)).status_code == 200


async def test_what_no_answer_can_repeat_is_left_out_of_it(api: Api) -> None:
    """Halves of characters, and numbers without an end."""
    access = await api.access()
    token = await api.bot_token(access)
    for extra in (r'"\ud800"', "9" * 400, "1e999", "NaN", "[" * 2000 + "]" * 2000):
        body = f'{{"message": "m\\ud800", "title": "\\ud800", "extras": {{"a::b": {extra}}}}}'
        answer = await api.client.post(f"/message?token={token}", content=body)
        assert answer.status_code in (200, 400), (extra, answer.text)
    assert {line["text"] for line in await api.told(access)} == {"m"}


async def test_refusals_have_gotify_s_shape(api: Api) -> None:
    """A missing or wrong token, no message, a wrong priority, JSON that is none, and too much of it."""
    token = await api.bot_token(await api.access())
    client, wrong = api.client, "Awrongwrongwron"
    assert refusal(await client.post("/message", json={"message": "m"})) == (401, "Unauthorized", 401)
    assert refusal(await client.post(f"/message?token={wrong}", json={"message": "m"})) == (
        401, "Unauthorized", 401,
    )  # fmt: skip
    for body, headers in (
        (b'{"title": "t"}', JSON),
        (b'{"message": ""}', JSON),
        (b'{"message": "m", "priority": "loud"}', JSON),
        (b'{"message": "m"', JSON),
        (b"", {}),
    ):
        answer = await client.post(f"/message?token={token}", content=body, headers=headers)
        assert refusal(answer) == (400, "Bad Request", 400), answer.text
    answer = await client.post(f"/message?token={token}", content=b"x" * (5 * 1024 * 1024 + 1))
    assert refusal(answer) == (413, "Request Entity Too Large", 413)


async def test_a_token_stands_in_no_answer_and_no_log(api: Api) -> None:
    """Neither that of a query nor that of a header is repeated anywhere."""
    token = "AsecretSecret12"
    with structlog.testing.capture_logs() as logs:
        answers = [
            await api.client.post(f"/message?token={token}", json={"message": "m"}),
            await api.client.post("/message", json={"message": "m"}, headers={"x-gotify-key": token}),
            await api.client.get(f"/message?token={token}"),
            await api.client.get(f"/version?token={token}"),
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 405, 200]
    assert token not in repr([answer.text for answer in answers]) + repr(logs)
    assert token not in (await api.client.get("/metrics")).text


async def test_the_version_is_answered_as_gotify_does(api: Api) -> None:
    """Without a token."""
    answer = await api.client.get("/version")
    assert answer.status_code == 200
    assert list(answer.json()) == ["version", "commit", "buildDate"]
    assert answer.json()["version"][0] == "2"


async def test_both_values_of_a_token_have_one_limit(database: None) -> None:
    """A throttle says when to come again, in the shape of Gotify and in that of ntfy."""
    limited = an_app(limits=Limits(limit_send=2))
    async with served(limited) as address, a_client(address) as client:
        api = Api(client, Clock(), Telegram())
        token = await api.bot_token(await api.access())
        alias = gotify_token(token)
        for value in (token, alias):
            assert (await client.post(f"/message?token={value}", json={"message": "m"})).status_code == 200
        for value in (token, alias):
            answer = await client.post(f"/message?token={value}", json={"message": "m"})
            assert refusal(answer) == (429, "Too Many Requests", 429)
            assert int(answer.headers["retry-after"]) > 0
            answer = await client.put(f"/{value}", content="m")
            assert (answer.json()["code"], "retry-after" in answer.headers) == (42901, True)


async def test_who_blocked_the_bot_is_403(api: Api) -> None:
    """As everywhere, in the shape of Gotify."""
    person = await api.person()
    token = await api.bot_token(await api.access(), person)
    await chats.block(person.id, datetime.now(UTC))
    answer = await api.client.post(f"/message?token={token}", json={"message": "m"})
    assert refusal(answer) == (403, "Forbidden", 403)


async def test_a_closed_inlet_is_404(database: None) -> None:
    """DJANGOBOT_INLETS names the open ones."""
    async with served(an_app(inlets=("hook",))) as address, a_client(address) as client:
        assert (await client.post("/message", json={"message": "m"})).status_code == 404
        assert (await client.get("/version")).status_code == 404

"""The addresses to which clients of ntfy publish: where the token stands, answers, refusals, and 404s."""

import base64
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import structlog

from djangobot.db.credentials import gotify_token
from djangobot.db.people import chats

from ...conftest import Api, a_client, an_app, served

WRONG = "7EVgXzmREWIf1qHsaYkegiQMa"


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def refusal(answer: httpx.Response) -> tuple[int, int]:
    """The status of a refusal, and ntfy's number for it."""
    body = answer.json()
    assert list(body)[:3] == ["code", "http", "error"], body
    assert body["http"] == answer.status_code
    assert body["error"]
    return answer.status_code, body["code"]


async def test_a_body_goes_to_the_token_as_the_topic(api: Api) -> None:
    """By PUT and POST, with either value of the token; the answer is ntfy's message object."""
    access = await api.access()
    token = await api.bot_token(access)
    for method in ("PUT", "POST"):
        for topic in (token, gotify_token(token)):
            answer = await api.client.request(method, f"/{topic}", content="Backup successful 😀")
            assert answer.status_code == 200, answer.text
            shown = answer.json()
            assert shown["event"] == "message"
            assert (shown["topic"], shown["message"]) == (topic, "Backup successful 😀")
            assert shown["id"] == (await api.told(access))[0]["id"]
    assert [line["text"] for line in await api.told(access)] == ["Backup successful 😀"] * 4


async def test_the_token_stands_in_authorization_and_the_topic_is_a_hashtag(api: Api) -> None:
    """Bearer, Basic with any user, and both in base64 in the query. A token as the topic is no hashtag."""
    access = await api.access()
    token = await api.bot_token(access)
    ways = [f"Bearer {token}", basic("phil", token), basic("", token), basic(token, "")]
    for way in ways:
        encoded = base64.urlsafe_b64encode(way.encode()).decode().rstrip("=")
        for headers, query in (({"authorization": way}, {}), ({}, {"auth": encoded})):
            answer = await api.client.put("/back-ups", content="hi", headers=headers, params=query)
            assert answer.status_code == 200, answer.text
    lines = await api.told(access)
    assert [(line["text"], line["tags"]) for line in lines] == [("hi", ["back_ups"])] * 8
    answer = await api.client.put(f"/{token}", content="hi", headers={"authorization": basic("phil", "x")})
    assert answer.status_code == 200
    assert "tags" not in (await api.told(access))[0]


async def test_json_names_its_topic(api: Api) -> None:
    """To the root of the server, with headers beside it."""
    access = await api.access()
    token = await api.bot_token(access)
    body = {"topic": token, "title": "Disk", "message": "*full*", "tags": ["warning", "db1"]}
    for headers in ({"x-markdown": "yes"}, {"x-markdown": "yes", "content-type": "application/json"}):
        answer = await api.client.post("/", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
    body["topic"] = "disks"
    answer = await api.client.put("/", json=body, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    newest, *_, oldest = await api.told(access)
    assert (oldest["title"], oldest["text"], oldest["tags"]) == ("⚠️ Disk", "*full*".strip("*"), ["db1"])
    assert newest["tags"] == ["db1", "disks"]


async def test_a_file_is_the_body(api: Api) -> None:
    """With its name and a message beside it, as curl -T sends it."""
    access = await api.access()
    token = await api.bot_token(access)
    headers = {"filename": "log.txt", "message": "the log"}
    answer = await api.client.put(f"/{token}", content=b"a\nb\n", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["attachment"] == {"name": "log.txt", "url": "", "size": 4}
    (line,) = await api.told(access)
    assert (line["text"], line["files"][0]["name"], line["files"][0]["size"]) == ("the log", "log.txt", 4)


async def test_get_publishes_what_its_query_says(api: Api) -> None:
    """For programs that can only fetch an address."""
    access = await api.access()
    token = await api.bot_token(access)
    for word in ("publish", "send", "trigger"):
        answer = await api.client.get(f"/{token}/{word}", params={"message": word, "t": "Title"})
        assert answer.status_code == 200, answer.text
    assert [(line["title"], line["text"]) for line in await api.told(access)] == [
        ("Title", "trigger"), ("Title", "send"), ("Title", "publish"),
    ]  # fmt: skip


async def test_a_sequence_id_changes_the_message(api: Api) -> None:
    """In the path, or as a header."""
    access = await api.access()
    token = await api.bot_token(access)
    first = await api.client.put(f"/{token}/download-1", content="10 %")
    await api.deliver()
    second = await api.client.put(f"/{token}", content="20 %", headers={"x-sequence-id": "download-1"})
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json()["sequence_id"] == "download-1"
    await api.deliver()
    (line,) = await api.told(access)
    assert (line["text"], line["edited"]) == ("20 %", 1)


async def test_a_delayed_message_is_scheduled(api: Api) -> None:
    """A time of the day is meant in the time zone of the person."""
    access, person = await api.access(), await api.person()
    token = await api.bot_token(access, person)
    await chats.change_settings(person.id, zone="UTC+05:00")
    for delay in ("30min", "tomorrow, 10am"):
        answer = await api.client.put(f"/{token}", content="later", headers={"at": delay})
        assert answer.status_code == 200, answer.text
    morning, soon = await api.told(access)
    assert (morning["status"], soon["status"]) == ("scheduled", "scheduled")
    assert datetime.fromisoformat(morning["send_at"]).astimezone(UTC).hour == 5
    ahead = datetime.fromisoformat(soon["send_at"]) - datetime.now(UTC)
    assert timedelta(minutes=1) < ahead <= timedelta(minutes=30)


async def test_refusals_have_ntfy_s_shape(api: Api) -> None:
    """A wrong token, wrong parameters, JSON that is none, and too large a body."""
    token = await api.bot_token(await api.access())
    put, post = api.client.put, api.client.post
    answer = await put(f"/{WRONG}", content="x")
    assert refusal(answer) == (401, 40101)
    assert answer.json()["link"].startswith("https://ntfy.sh/docs/")
    assert refusal(await put("/topic", content="x", headers={"authorization": f"Bearer {WRONG}"})) == (
        401,
        40101,
    )
    assert refusal(await put("/topic", content="x", headers={"authorization": basic("a", "b")})) == (
        401,
        40101,
    )
    assert refusal(await put(f"/{token}?p=9", content="x")) == (400, 40007)
    assert refusal(await put(f"/{token}?delay=never", content="x")) == (400, 40004)
    assert refusal(await post("/", content=b'{"topic": ')) == (400, 40024)
    assert refusal(await post("/", json={"topic": "not a topic"})) == (400, 40009)
    assert refusal(await post("/", json={"topic": WRONG})) == (401, 40101)
    assert refusal(await put(f"/{token}", content=b"x" * (5 * 1024 * 1024 + 1))) == (413, 41301)
    compressed = await put(f"/{token}", content=b"x", headers={"content-encoding": "gzip"})
    assert refusal(compressed) == (415, 41500)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"), ("HEAD", "/"), ("POST", "/"), ("DELETE", "/"), ("OPTIONS", "/"),
        ("GET", "/favicon.ico"),
        ("POST", "/login"), ("PUT", "/a/b"), ("OPTIONS", "/anything"), ("PATCH", "/anything"),
        ("POST", "/a/b/c"),
        ("GET", f"/{WRONG}"), ("DELETE", f"/{WRONG}"), ("GET", f"/{WRONG}/json"), ("GET", "/a/publish"),
        ("POST", "/api/nothing"), ("POST", "/health/x"), ("POST", "/messages"),
    ],
)  # fmt: skip
async def test_an_address_of_nobody_is_404_as_everywhere(api: Api, method: str, path: str) -> None:
    """In our own words: nothing there speaks of ntfy."""
    answer = await api.client.request(method, path, content=None if method == "GET" else b"x")
    assert answer.status_code == 404, answer.text
    if method != "HEAD":
        assert answer.json() == {"answer": "There is nothing at this address; the calls are listed at /api/."}


async def test_the_other_calls_are_where_they_were(api: Api) -> None:
    """No topic hides them."""
    for method, path, status in (
        ("GET", "/health", 200), ("GET", "/metrics", 200), ("GET", "/api/", 200), ("POST", "/health", 405),
        ("POST", "/message", 401), ("GET", "/api/openapi.json", 200), ("PUT", "/api/send_message", 405),
        ("OPTIONS", "/api/send_message", 204),
    ):  # fmt: skip
        assert (await api.client.request(method, path)).status_code == status, path


async def test_a_token_stands_in_no_refusal_and_no_log(api: Api) -> None:
    """Wherever it was sent."""
    with structlog.testing.capture_logs() as logs:
        encoded = base64.b64encode(f"Bearer {WRONG}".encode()).decode()
        answers = [
            await api.client.put(f"/{WRONG}", content="x"),
            await api.client.get(f"/{WRONG}/publish?m=x"),
            await api.client.get(f"/{WRONG}/more/x"),
            await api.client.post("/", json={"topic": WRONG, "message": "x"}),
            await api.client.put(f"/topic?auth={encoded}", content="x"),
            await api.client.put(f"/topic?authorization={encoded}", content="x"),
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 404, 401, 401, 401]
    everything = repr([answer.text for answer in answers]) + repr(logs)
    everything += (await api.client.get("/metrics")).text
    assert WRONG not in everything
    assert encoded not in everything


async def test_a_closed_inlet_is_404(database: None) -> None:
    """DJANGOBOT_INLETS names the open ones."""
    async with served(an_app(inlets=("hook",))) as address, a_client(address) as client:
        for path in ("/", f"/{WRONG}", f"/{WRONG}/publish"):
            assert (await client.post(path, json={"topic": WRONG})).status_code == 404

"""The access log: who asked for what, how it ended, and no secret."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from djangobot.http import access_log
from djangobot.http.access_log import AccessLog, with_access_log
from djangobot.http.app import Application
from djangobot.http.inlets.common.request import LARGEST
from djangobot.http.limits.limits import Limits

from .conftest import Api, Clock, Telegram, a_client, an_app, served

TOKEN = "aB3dE6gH9jK2mN5pQ8sT1vW4x"
"""Has the form of a bot token, and is none."""


@pytest.fixture
async def logging_api(database: None) -> AsyncIterator[Api]:
    """The door with every request in its log."""
    clock, telegram = Clock(), Telegram()
    app = with_access_log(an_app(limits=Limits(clock=clock), telegram=telegram), "on")
    async with served(app) as address, a_client(address) as client:
        yield Api(client, clock, telegram)


def requests_of(logs: list[Any]) -> list[dict[str, Any]]:
    """The events of the access log."""
    return [dict(event) for event in logs if event["event"] == "request"]


async def test_every_call_says_who_asked_and_how_it_ended(logging_api: Api) -> None:
    """An account by its id, a bot token by what people know it by."""
    access = await logging_api.access()
    token = await logging_api.bot_token(access)
    with capture_logs() as logs:
        sent = await logging_api.send(token)
        await logging_api.client.get(f"/api/messages/{sent.json()['id']}", headers=bearer(token))
        await logging_api.client.post(f"/api/hook/{token}", json={"text": "hello"})
        await logging_api.client.post(f"/message?token={token}", json={"message": "hello"})
        await logging_api.client.post(f"/{token}", content="hello")
        await logging_api.client.get("/api/cabinet", headers=access)
        await logging_api.client.get("/health/live")
    found = [
        (one["method"], one["path"], one["status"], one.get("token"), "account" in one)
        for one in requests_of(logs)
    ]
    assert found == [
        ("POST", "/api/send_message", 202, token[:4], False),
        ("GET", "/api/messages/{id}", 200, token[:4], False),
        ("POST", "/api/hook/{bot_token}", 200, token[:4], False),
        ("POST", "/message", 200, token[:4], False),
        ("POST", "/{bot_token}", 200, token[:4], False),
        ("GET", "/api/cabinet", 200, None, True),
        ("GET", "/health/live", 200, None, False),
    ]
    assert all(one["ms"] >= 0 and one["log_level"] == "info" for one in requests_of(logs))
    assert token not in repr(logs)
    assert access["authorization"] not in repr(logs)


async def test_a_webhook_that_is_refused_or_tells_nothing_new_says_who_asked(logging_api: Api) -> None:
    """Not only one that becomes a message: who sends too much is found by this."""
    token = await logging_api.bot_token(await logging_api.access())
    check = {"name": "db1", "status": "down", "grace": 60}
    with capture_logs() as logs:
        for pings in (5, 3):
            await logging_api.client.post(f"/api/hook/{token}", json={**check, "n_pings": pings})
        for path in (f"/api/hook/{token}", f"/message?token={token}", f"/{token}"):
            await logging_api.client.post(path, content=b"x" * (LARGEST + 1))
    found = [(one["path"], one["status"], one.get("token")) for one in requests_of(logs)]
    assert found == [
        ("/api/hook/{bot_token}", 200, token[:4]),
        ("/api/hook/{bot_token}", 200, token[:4]),
        ("/api/hook/{bot_token}", 413, token[:4]),
        ("/message", 413, token[:4]),
        ("/{bot_token}", 413, token[:4]),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/api/hook/{TOKEN}"),
        ("GET", f"/api/hook/{TOKEN}"),
        ("POST", f"/api/hooks/{TOKEN}/x"),
        ("GET", f"/api/messages/{TOKEN}"),
        ("PUT", f"/{TOKEN}"),
        ("GET", f"/{TOKEN}/publish?message=hello"),
        ("POST", f"/message?token={TOKEN}"),
        ("GET", f"/{TOKEN}.txt"),
        (TOKEN, "/health"),
    ],
)
async def test_a_secret_in_a_request_that_is_refused_is_not_told(
    logging_api: Api, method: str, path: str
) -> None:
    """Wherever it stands. Even its first characters are left out, because it is no token of ours."""
    with capture_logs() as logs:
        answer = await logging_api.client.request(method, path, headers=bearer(TOKEN), content="{}")
    (told,) = requests_of(logs)
    assert answer.status_code >= 400
    assert told["status"] == answer.status_code
    assert TOKEN[:4] not in repr(told)


async def answer_well(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers 200."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def break_down(scope: Any, receive: Any, send: Any) -> None:
    """An application that ends without an answer."""
    raise RuntimeError("broken")


async def told_of(application: Application, mode: AccessLog) -> list[dict[str, Any]]:
    """What is logged of one request to it."""

    async def send(message: Any) -> None:
        """Nobody reads it."""

    with capture_logs() as logs:
        try:
            await with_access_log(application, mode)({"type": "http", "method": "GET"}, None, send)
        except RuntimeError:
            assert application is break_down
    return requests_of(logs)


async def test_slow_tells_what_took_long_and_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off tells nothing and costs nothing: the application is left as it is."""
    monkeypatch.setattr(access_log, "SLOW", 1e9)
    assert await told_of(answer_well, "slow") == []
    assert [one["status"] for one in await told_of(break_down, "slow")] == [500]
    monkeypatch.setattr(access_log, "SLOW", 0.0)
    assert [one["status"] for one in await told_of(answer_well, "slow")] == [200]
    assert with_access_log(answer_well, "off") is answer_well


def bearer(token: str) -> dict[str, str]:
    """The header with a bot token."""
    return {"authorization": f"Bearer {token}"}

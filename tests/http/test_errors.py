"""Bad input gets a clear refusal in JSON, whatever it is; our own faults say nothing of themselves."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import errors as family
from djangobot.db.engine import current
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.messages import acceptance
from djangobot.db.programs import accounts
from djangobot.http import errors

from .conftest import PASSWORD, Api

BODIES = [("POST", "/api/user/"), ("POST", "/api/auth/"), ("POST", "/api/send_message")]


def kin(error: type[family.DjangoBotError]) -> Iterator[type[family.DjangoBotError]]:
    for child in error.__subclasses__():
        yield child
        yield from kin(child)


def test_every_error_of_the_family_has_its_status() -> None:
    """Whoever adds an error decides here what HTTP says."""
    missing = [error.__name__ for error in kin(family.DjangoBotError) if error not in errors.STATUS]
    assert missing == []


def test_every_error_of_the_family_has_its_sentence() -> None:
    """The docstring is what people read, here and in the document."""
    for error in errors.STATUS:
        sentence = inspect.getdoc(error)
        assert sentence is not None, error
        assert "\n" not in sentence, error


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[",
        b"null",
        b"[]",
        b'"text"',
        b"login=a&psw=b",
        b"\xef\xbb\xbf{}",
        b'{"login":"\xff"}',
        b'{"login":"\xed\xa0\x80"}',
        b'{"login":"\\ud800","psw":"x","name":"x"}',
        b'{"text":"\\ud800","bot_token":"x"}',
        b'{"text":"\\udc00\\ud800"}',
        b'{"text":"line\nbreak"}',
        b'{"text":1e999}',
        b'{"text":' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b'{"login":' + b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"\\u0000":1}',
        b'{"login":{"a":1},"login":"twice"}',
        b"{" + b",".join(b'"f%d":1' % n for n in range(5000)) + b"}",
    ],
)
async def test_a_broken_body_is_400(api: Api, method: str, path: str, body: bytes) -> None:
    """Malformed, of another encoding, too deep, of a wrong shape: a sentence each, never a stack trace."""
    answer = await api.client.request(method, path, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["answer"].endswith(".")
    assert len(answer.content) < 5000
    assert not {"Traceback", "msgspec", "Struct"} & set(answer.text.split())


async def test_all_fields_at_fault_are_named_at_once(api: Api) -> None:
    """Missing, of a wrong type, and unknown: nobody has to fix them one by one."""
    answer = await api.client.post("/api/user/", json={"login": 5, "psw": "x", "nme": "Fedor"})
    assert answer.status_code == 400
    assert answer.json() == {
        "answer": "Some fields are missing or wrong.",
        "details": {
            "nme": "is not known here; known are: name, login, psw, invite",
            "name": "is missing",
            "login": "must be text",
        },
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "a\x00b"),
        ("name", "\u200b"),
        ("name", "\u3164"),
        ("name", "\u202eevil"),
        ("name", "line\nbreak"),
        ("login", "\u2800"),
        ("login", "\u202eevil"),
        ("login", ""),
        ("login", "x" * 101),
        ("login", "a\x00b"),
        ("psw", ""),
        ("psw", "x" * 257),
        ("psw", "a\x00b"),
    ],
)
async def test_a_field_db_refuses_is_named_as_the_document_names_it(api: Api, field: str, value: str) -> None:
    """`psw`, not `password`."""
    body = {"name": "Fedor", "login": "FedXL", "psw": PASSWORD, field: value}
    answer = await api.client.post("/api/user/", json=body)
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert value == "" or value not in answer.text


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "application/xml", "", "nonsense"]
)
async def test_json_is_read_whatever_its_content_type_says(api: Api, kind: str) -> None:
    """`curl -d` says application/x-www-form-urlencoded."""
    body = '{"name": "Fedor", "login": "FedXL", "psw": "password1234"}'
    answer = await api.client.post("/api/user/", content=body, headers={"content-type": kind})
    assert answer.status_code == 201


async def test_multipart_is_415(api: Api) -> None:
    """That is never JSON."""
    answer = await api.client.post("/api/user/", files={"name": b"Fedor"})
    assert answer.status_code == 415
    assert answer.json()["answer"]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_413_before_it_is_read(api: Api, announced: bool) -> None:
    """Neither one that says its size nor one that comes in endless pieces is held in memory."""
    host = urlsplit(str(api.client.base_url))
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    head = b"POST /api/auth/ HTTP/1.1\r\nHost: x\r\n"
    writer.write(
        head + (b"Content-Length: 5000000\r\n\r\n" if announced else b"Transfer-Encoding: chunked\r\n\r\n")
    )
    if not announced:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n1\r\n \r\n")
    async with asyncio.timeout(PATIENCE):
        assert b" 413 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/", "/api/nothing", "/api/user/1", "/admin", "/api/docs/../door.py", "/%2e%2e/x"]
)
async def test_a_wrong_path_is_404(api: Api, method: str, path: str) -> None:
    """In JSON, with the way to the list of calls."""
    answer = await api.client.request(method, path)
    assert answer.status_code == 404
    if method != "HEAD":
        assert "/api/" in answer.json()["answer"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/api/user/", "DELETE, OPTIONS, POST, PUT"),
        ("PATCH", "/api/user/", "DELETE, OPTIONS, POST, PUT"),
        ("GET", "/api/auth/", "OPTIONS, POST"),
        ("DELETE", "/api/cabinet", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/api/send_message", "OPTIONS, POST"),
        ("HEAD", "/api/send_message", "OPTIONS, POST"),
        ("TRACE", "/api/send_message", "OPTIONS, POST"),
        ("POST", "/api/messages/1", "DELETE, GET, HEAD, OPTIONS"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("POST", "/api/", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_405_with_allow(api: Api, method: str, path: str, allow: str) -> None:
    """The header names those there are; so does OPTIONS."""
    answer = await api.client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    if method != "HEAD":
        assert answer.json() == {"answer": "This address does not take this method."}
    options = await api.client.options(path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, allow, b"")


async def test_a_host_that_is_none_is_400(api: Api) -> None:
    """Litestar refuses it; we only say so in our words."""
    answer = await api.client.get("/health", headers={"host": "a b"})
    assert answer.status_code == 400
    assert answer.json()["answer"]


async def test_a_database_that_is_away_is_503_with_retry_after(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the hot path and elsewhere."""

    async def away(*_: Any, **__: Any) -> None:
        raise family.DatabaseUnavailable from OSError("/secret/path is full")

    monkeypatch.setattr(accounts, "register", away)
    monkeypatch.setattr(acceptance, "accept", away)
    for answer in (await api.register(), await api.send("7EVgXzmREWIf1qHsaYkegiQMa")):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "secret" not in answer.text


async def test_a_fault_of_ours_is_500_without_secrets(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence for the caller, the place for the log, and neither the text nor the token in either."""

    async def broken(token: str, text: str, *_: Any, **__: Any) -> None:
        raise RuntimeError(f"{token} could not send {text}")

    monkeypatch.setattr(acceptance, "accept", broken)
    with structlog.testing.capture_logs() as logs:
        answer = await api.send("the-secret-token", "the secret text")
    assert (answer.status_code, answer.json()) == (500, {"answer": errors.BUG})
    assert [entry["event"] for entry in logs] == ["request failed"]
    assert logs[0]["error"] == "RuntimeError"
    assert "secret" not in str(logs)


async def test_nothing_ordinary_is_logged_with_secrets(api: Api) -> None:
    """Through a whole round of registering, redeeming, sending and being refused."""
    with structlog.testing.capture_logs() as logs:
        access = await api.access(psw="the-password")
        code = await api.code()
        token = await api.bot_token(access)
        await api.send(token, "the text")
        await api.send("wrong-token", "the text")
        await api.client.post("/api/auth/", json={"login": "FedXL", "psw": "the-wrong-password"})
    written = str(logs)
    for secret in ("password", code, token, "the text", "wrong-token", access["authorization"][7:]):
        assert secret not in written


async def test_a_full_disk_is_a_clear_503_and_work_goes_on_when_there_is_room(api: Api) -> None:
    """The sentence names the disk; what was accepted before is delivered after."""
    token = await api.bot_token(await api.access())
    await api.deliver()
    before = await api.send(token, "before")
    engine = current()
    assert isinstance(engine, SQLiteEngine)

    async def limit(pages: int) -> None:
        await engine.writer.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}"))

    await limit(1)  # never less than what there is
    answers = [await api.send(token, "x" * 4000) for _ in range(20)]
    refused = answers[-1]
    assert refused.status_code == 503, refused.text
    assert "disk" in refused.json()["answer"]
    assert int(refused.headers["retry-after"]) >= 30
    await limit(1_000_000)
    accepted = [answer for answer in (before, *answers) if answer.status_code == 202]
    assert (await api.send(token, "after")).status_code == 202
    assert await api.deliver() == len(accepted) + 1

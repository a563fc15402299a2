"""Files that come with a message, as a form or in JSON: all of them are kept with it, or none."""

import asyncio
import base64
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.delivery.limits import disk_floor, quotas
from djangobot.db.engine import current
from djangobot.db.messages.files import file_storage, files, incoming_files
from djangobot.db.messages.files.files import MIB, Rules
from djangobot.http.messages.sending import LARGEST_JSON

from ..conftest import Api

JsonFile = dict[str, object]
TYPE = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the files, on a disk with room. All files of a message may have 8 MiB."""
    path = tmp_path / "files"
    files.configure(Rules(path, most=8 * MIB))
    return path


@pytest.fixture
async def token(api: Api) -> str:
    """A bot token."""
    return await api.bot_token(await api.access())


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "prefer": "respond-async", **more}


def in_json(name: object, content: bytes) -> JsonFile:
    return {"name": name, "base64": base64.b64encode(content).decode()}


async def kept(folder: Path) -> tuple[int, int, int]:
    """How many messages of programs, rows of files, and files on disk there are."""
    (row,) = await current().fetch(
        "SELECT (SELECT COUNT(*) FROM message WHERE kind = 'message') AS messages,"
        " (SELECT COUNT(*) FROM file) AS files"
    )
    return row["messages"], row["files"], len(file_storage.names(folder))


async def shown(api: Api, token: str, answer: httpx.Response) -> Any:
    found = await api.client.get(f"/api/messages/{answer.json()['id']}", headers=bearer(token))
    return found.json()


async def test_a_form_with_files_is_a_message(api: Api, token: str) -> None:
    """The lists name its files; the bytes are as they were sent."""
    answer = await api.client.post(
        "/api/send_message",
        data={"text": "Отчёт", "type": "Document"},
        files=[("file", ("отчёт.txt", b"one")), ("file", ("b.png", b"\x89PNG", "image/png"))],
        headers=bearer(token),
    )
    assert answer.status_code == 202, answer.text
    found = await shown(api, token, answer)
    assert found["files"] == [
        {"name": "отчёт.txt", "size": 3, "mime": "text/plain"},
        {"name": "b.png", "size": 4, "mime": "image/png"},
    ]
    history = (await api.client.get("/api/cabinet", headers=await api.access())).json()["messages"]
    assert (history[0]["files"], history[0]["type"]) == (found["files"], "Document")
    assert [await files.read(number, 0, 10) for number in (1, 2)] == [b"one", b"\x89PNG"]


async def test_json_holds_small_files(api: Api, token: str) -> None:
    """In base64, of any length: pieces that are decoded one by one make the same bytes."""
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    for size in (1, 2, 3, 49_151, 49_152, 49_153, 200_000):
        content = dice.randbytes(size)
        answer = await api.send(token, "", files=[in_json("a.bin", content)])
        assert answer.status_code == 202, answer.text
        (row,) = await current().fetch("SELECT MAX(id) AS id FROM file")
        assert await files.read(row["id"], 0, size + 1) == content
        assert (await shown(api, token, answer))["files"][0]["size"] == size


async def test_a_text_may_be_left_out_beside_a_file(api: Api, token: str) -> None:
    """In a form and in JSON; never without one."""
    form = await api.client.post("/api/send_message", files={"file": ("a", b"x")}, headers=bearer(token))
    body = await api.client.post(
        "/api/send_message", json={"files": [in_json("a", b"x")]}, headers=bearer(token)
    )
    assert (form.status_code, body.status_code) == (202, 202)
    refused: list[dict[str, object]] = [{"files": []}, {"text": "", "files": []}, {}]
    for wrong in refused:
        answer = await api.client.post("/api/send_message", json=wrong, headers=bearer(token))
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["text"])


async def test_a_repeat_under_a_key_keeps_no_second_copy(api: Api, token: str, folder: Path) -> None:
    """It is answered with the first message; other bytes are another message."""
    answers = [
        await api.client.post(
            "/api/send_message",
            files={"file": ("a.txt", content)},
            headers=bearer(token, **{"idempotency-key": "k"}),
        )
        for content in (b"one", b"one", b"two")
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 409]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert await kept(folder) == (1, 1, 1)


async def test_bytes_are_not_stored_for_who_may_not_send(api: Api, token: str, folder: Path) -> None:
    """The token is checked before the first byte: a client that is refused has not sent its file."""
    for headers, fields, status in (
        ({}, b"", 400),
        ({"authorization": "Bearer wrong"}, b"", 401),
        ({}, b'--x\r\nContent-Disposition: form-data; name="bot_token"\r\n\r\nwrong\r\n', 401),
        ({"authorization": f"Bearer {token}"}, b'--x\r\nContent-Disposition: form-data; name="bot_token"'
         b"\r\n\r\nwrong\r\n", 400),
    ):  # fmt: skip
        address = urlsplit(str(api.client.base_url))
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        lines = ["POST /api/send_message HTTP/1.1", "Host: x", f"Content-Type: {TYPE['content-type']}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "Content-Length: 8000000", "", ""]).encode() + fields)
        writer.write(b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc')
        async with asyncio.timeout(PATIENCE):
            answer = await reader.readline()
        writer.close()
        assert answer.split()[1] == str(status).encode()
        assert await kept(folder) == (0, 0, 0)


async def test_a_token_may_be_a_field_before_the_files(api: Api, token: str) -> None:
    """As a form has it."""
    form: dict[str, tuple[str | None, str | bytes]] = {
        "bot_token": (None, token),
        "text": (None, "x"),
        "file": ("a", b"x"),
    }
    answer = await api.client.post("/api/send_message", files=form, headers={"prefer": "respond-async"})
    assert answer.status_code == 202, answer.text


WRONG_JSON: dict[str, tuple[object, int, str]] = {
    "no list": ("a", 400, "files"),
    "an object": ({"name": "a", "base64": "YQ=="}, 400, "files"),
    "texts": (["YQ=="], 400, "files"),
    "a list in a list": ([[in_json("a", b"a")]], 400, "files"),
    "no bytes": ([{"name": "a"}], 400, "files"),
    "no name": ([{"base64": "YQ=="}], 400, "files"),
    "a number": ([in_json(7, b"a")], 400, "files"),
    "more": ([{**in_json("a", b"a"), "path": "/etc/passwd"}], 400, "files"),
    "an empty file": ([in_json("a", b"")], 400, "files"),
    "eleven": ([in_json("a", b"a")] * 11, 400, "files"),
    "no padding": ([{"name": "a", "base64": "YQ"}], 400, "files"),
    "too much padding": ([{"name": "a", "base64": "YQ===="}], 400, "files"),
    "bytes after the padding": ([{"name": "a", "base64": "YQ==YQ=="}], 400, "files"),
    "padding between pieces": ([{"name": "a", "base64": "YQ==" * 40_000}], 400, "files"),
    "a line break": ([{"name": "a", "base64": "YWFh\nYWFh"}], 400, "files"),
    "a space": ([{"name": "a", "base64": " YWFh"}], 400, "files"),
    "another alphabet": ([{"name": "a", "base64": "__--"}], 400, "files"),
    "bits that are left": ([{"name": "a", "base64": "YR=="}], 400, "files"),
    "a data URL": ([{"name": "a", "base64": "data:text/plain;base64,YQ=="}], 400, "files"),
    "no ASCII": ([{"name": "a", "base64": "ЙЙЙЙ"}], 400, "files"),
    "NUL": ([{"name": "a", "base64": "YW\x00Fh"}], 400, "files"),
}


@pytest.mark.parametrize("name", WRONG_JSON)
@pytest.mark.parametrize("after", [False, True])
async def test_wrong_files_in_json_are_refused_and_not_kept(
    api: Api, token: str, folder: Path, name: str, after: bool
) -> None:
    """Also when a good one stands before them."""
    given, status, field = WRONG_JSON[name]
    if after and isinstance(given, list):
        given = [in_json("good", b"good"), *given]
    answer = await api.send(token, files=given)
    assert (answer.status_code, list(answer.json()["details"])) == (status, [field]), answer.text
    assert await kept(folder) == (0, 0, 0)


async def test_a_large_json_body_is_told_of_forms(api: Api, token: str, folder: Path) -> None:
    """It would be kept in memory."""
    answer = await api.send(token, files=[in_json("a", bytes(LARGEST_JSON))])
    assert answer.status_code == 413
    assert "multipart/form-data" in answer.json()["answer"]
    files.configure(Rules(folder, most=MIB))
    answer = await api.send(token, files=[in_json("a", bytes(MIB // 2 + 1))] * 2)
    assert (answer.status_code, answer.json()["answer"]) == (
        413,
        "The files of this message are larger than 1 MiB together.",
    )
    assert await kept(folder) == (0, 0, 0)


@pytest.mark.parametrize(
    ("parts", "status", "details"),
    [
        ([("picture", ("a", b"x"))], 400, ["picture"]),
        ([("file", ("a", b"x")), ("files[]", ("b", b"x"))], 400, ["files[]"]),
        ([("file", ("a", b"x"))] * 11, 400, ["files"]),
        ([("file", ("a", b"x")), ("file", ("b", b""))], 400, ["files"]),
        ([("file", ("a", b"x")), ("ttl", (None, b"soon"))], 400, ["ttl"]),
        ([("file", ("a", b"x")), ("colour", (None, b"red"))], 400, ["colour"]),
        ([("file", ("a", b"x")), ("text", (None, b"a" * 65_537))], 413, None),
        ([("file", ("a", bytes(5 * MIB)))] * 2, 413, None),
    ],
)
async def test_a_wrong_form_is_refused_and_its_files_are_not_kept(
    api: Api, token: str, folder: Path, parts: Any, status: int, details: list[str] | None
) -> None:
    """Whatever is wrong, and wherever it stands."""
    try:
        answer = await api.client.post("/api/send_message", files=parts, headers=bearer(token))
    except httpx.WriteError:  # it went on sending after the refusal
        assert status == 413
    else:
        assert answer.status_code == status, answer.text
        assert list(answer.json().get("details", [])) == (details or [])
    assert await kept(folder) == (0, 0, 0)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\me\\a.txt", "a.txt"),
        ("..", "file.txt"),
        ("", "file"),
        ("a\x00b\u202efdp.exe", "abfdp.exe"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
async def test_a_name_in_json_is_made_safe(api: Api, token: str, given: str, name: str) -> None:
    """As that of a part."""
    answer = await api.send(token, files=[in_json(given, b"x")])
    assert answer.status_code == 202, answer.text
    assert (await shown(api, token, answer))["files"][0]["name"].startswith(name.removesuffix(".txt"))


async def test_a_body_that_ends_early_leaves_nothing(api: Api, token: str, folder: Path) -> None:
    """The first file had come whole."""

    async def body() -> AsyncIterator[bytes]:
        for name in ("a", "b"):
            head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
            yield head.encode() + bytes(MIB) + b"\r\n"

    answer = await api.client.post("/api/send_message", content=body(), headers={**TYPE, **bearer(token)})
    assert answer.status_code == 400, answer.text
    assert await kept(folder) == (0, 0, 0)


async def test_a_client_that_goes_away_leaves_nothing(api: Api, token: str, folder: Path) -> None:
    """In the middle of the second file."""
    address = urlsplit(str(api.client.base_url))
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = ["POST /api/send_message HTTP/1.1", "Host: x", f"Content-Type: {TYPE['content-type']}"]
    lines += [f"Authorization: Bearer {token}", "Content-Length: 8000000", "", ""]
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    writer.write("\r\n".join(lines).encode() + head + b"one\r\n" + head + bytes(2 * MIB))
    await writer.drain()
    async with asyncio.timeout(PATIENCE):
        while (await kept(folder))[2] < 2:
            pass
        writer.close()
        while await kept(folder) != (0, 0, 0):
            pass


async def test_a_disk_without_room_is_503_and_keeps_nothing(api: Api, token: str, folder: Path) -> None:
    """With Retry-After: somebody must make room."""
    disk_floor.configure(1 << 60)
    answer = await api.client.post("/api/send_message", files={"file": b"x"}, headers=bearer(token))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert await kept(folder) == (0, 0, 0)


async def test_files_that_wait_are_bounded(api: Api, token: str, folder: Path) -> None:
    """For one person: what was sent makes room; the refusal names the bound."""
    quotas.bound(quotas.Bounds(file_bytes=MIB))
    try:
        for status in (202, 429):
            answer = await api.client.post(
                "/api/send_message", files={"file": bytes(700_000)}, headers=bearer(token)
            )
            assert answer.status_code == status, answer.text
        assert "for this person (at most 1 MiB of files)" in answer.json()["answer"]
        assert await kept(folder) == (1, 1, 1)
        await api.deliver()
        answer = await api.client.post(
            "/api/send_message", files={"file": bytes(700_000)}, headers=bearer(token)
        )
        assert answer.status_code == 202, answer.text
        assert not incoming_files._coming
    finally:
        quotas.bound(quotas.Bounds())


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_curl_sends_a_file(api: Api, token: str, tmp_path: Path) -> None:
    """As the documentation shows it."""
    path = tmp_path / "отчёт.txt"
    path.write_bytes(b"hello")
    curl = await asyncio.create_subprocess_exec(
        "curl", "-sS", f"{api.client.base_url}/api/send_message", "-H", f"Authorization: Bearer {token}",
        "-H", "Prefer: respond-async", "-F", "text=Отчёт", "-F", f"file=@{path}",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    answer, _ = await curl.communicate()
    assert b"message was accepted" in answer
    assert (await current().fetch("SELECT name, size FROM file"))[0] == {"name": "отчёт.txt", "size": 5}

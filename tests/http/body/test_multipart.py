"""multipart/form-data over a real socket: a form is read within its bounds, or refused with a sentence."""

import asyncio
import json
import os
import random
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.clock import utc_now
from djangobot.db.delivery.limits import disk_floor
from djangobot.db.engine import current
from djangobot.db.messages.files import files
from djangobot.db.messages.files.files import MIB, Rules
from djangobot.http.body.multipart import (
    FIELD_LARGEST,
    FIELDS_LARGEST,
    HEADER_LARGEST,
    HEADERS_MOST,
    NAME_LONGEST,
    PARTS_MOST,
    Field,
    Form,
)
from djangobot.http.errors import Refused, refuse
from djangobot.http.server.bounds import PACE, Bounds

from ..conftest import Api, a_client, served
from ..server.timed import timed

GROWTH = 32 * MIB
TYPE = {"content-type": "multipart/form-data; boundary=x"}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Stores the files of a form, and answers with all that was in it."""
    fields: dict[str, str] = {}
    stored: list[Any] = []
    try:
        async for part in Form(scope, receive, files.limit()):
            if isinstance(part, Field):
                fields[part.name] = part.value
                continue
            async with files.receive(part.filename, part.mime) as sink:
                async for piece in part:
                    await sink.write(piece)
            stored.append(msgspec.to_builtins(sink.file))
    except Exception as exc:
        return await refuse(exc, scope, receive, send)
    body = json.dumps({"fields": fields, "files": stored}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the files, on a disk with room. All files of a message may have 8 MiB."""
    path = tmp_path / "files"
    files.configure(Rules(path, most=8 * MIB))
    return path


@pytest.fixture
async def client(database: None, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the echo."""
    async with served(echo) as address, a_client(address) as client:
        yield client


def part(name: str, content: bytes = b"", *more: str, disposition: str = "") -> bytes:
    """A part, with its boundary before it."""
    lines = ["--x", f'Content-Disposition: form-data; name="{name}"{disposition}', *more, "", ""]
    return "\r\n".join(lines).encode() + content + b"\r\n"


def begun(size: int) -> bytes:
    """The head of a form of so many bytes, for a connection of its own."""
    lines = ["POST / HTTP/1.1", "Host: x", f"Content-Type: {TYPE['content-type']}", f"Content-Length: {size}"]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


def on_disk(folder: Path) -> list[str]:
    return os.listdir(folder) if os.path.exists(folder) else []


async def stored_bytes(folder: Path) -> tuple[int, int]:
    """How many rows and files there are."""
    (row,) = await current().fetch("SELECT COUNT(*) AS files FROM file")
    return row["files"], len(on_disk(folder))


async def test_a_form_with_files_is_read_in_its_order(client: httpx.AsyncClient) -> None:
    """As a common client writes it."""
    answer = await client.post(
        "/",
        data={"text": "Готово: 100 %", "title": "build"},
        files=[("file", ("отчёт.txt", b"one", "text/plain")), ("file", ("b.png", b"\x89PNG", "image/png"))],
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["fields"] == {"text": "Готово: 100 %", "title": "build"}
    assert [(file["name"], file["size"], file["mime"]) for file in found["files"]] == [
        ("отчёт.txt", 3, "text/plain"),
        ("b.png", 4, "image/png"),
    ]
    assert await files.read(found["files"][1]["id"], 0, 10) == b"\x89PNG"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_curl_sends_fields_and_files(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """`curl -F`, as the documentation shows it, also with `Expect: 100-continue` and in chunks."""
    path = tmp_path / "дамп.sql"
    path.write_bytes(os.urandom(3 * MIB))
    for more in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
        curl = await asyncio.create_subprocess_exec(
            "curl", "-sS", *more, "-F", "text=hello", "-F", f"file=@{path}", f"{client.base_url}",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await curl.communicate()
        found = json.loads(out)
        assert found["fields"] == {"text": "hello"}
        (file,) = found["files"]
        assert (file["name"], file["size"]) == ("дамп.sql", 3 * MIB)
        assert await files.read(file["id"], 0, 4 * MIB) == path.read_bytes()


async def test_bytes_arrive_however_they_are_cut(client: httpx.AsyncClient) -> None:
    """Random contents that are full of almost-boundaries, sent in random pieces."""
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    address = urlsplit(str(client.base_url))
    for _ in range(20):
        content = b"".join(dice.choice([b"\r\n", b"\r", b"--", b"\r\n--", b"-", b"x"]) for _ in range(500))
        content = content.replace(b"\r\n--x", b"")
        while b"\r\n--x" in content:
            content = content.replace(b"\r\n--x", b"")
        body = part("text", b"hi") + part("file", content) + b"--x--\r\n"
        raw = begun(len(body)) + body
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while raw:
            size = dice.choice([1, 2, 7, 100, 1000])
            writer.write(raw[:size])
            raw = raw[size:]
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            answer = (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()
        (file,) = json.loads(answer)["files"]
        assert await files.read(file["id"], 0, len(content) + 1) == content


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('; filename="a.txt"', "a.txt"),
        ("; filename=\"x\"; filename*=UTF-8''%D0%B0.txt", "а.txt"),
        ('; filename="../../etc/passwd"', "passwd"),
        ('; filename="C:\\\\me\\\\a.txt"', "a.txt"),
        ('; filename=".."', "file.txt"),
        ('; filename=""', "file.txt"),
        ('; filename="a\u202etxt.exe"', "atxt.exe"),
        ('; filename="a\x00.txt"', "a.txt"),
        ("; filename*=UTF-8''a%00%2Fb.txt", "b.txt"),
        ("", "file.txt"),
    ],
)
async def test_the_name_of_a_file_is_made_safe(
    client: httpx.AsyncClient, disposition: str, name: str
) -> None:
    """Whatever a client calls it."""
    body = part("file", b"x", "Content-Type: text/plain", disposition=disposition) + b"--x--\r\n"
    answer = await client.post("/", content=body, headers=TYPE)
    assert answer.status_code == 200, answer.text
    assert [file["name"] for file in answer.json()["files"]] == [name]


REFUSED: dict[str, tuple[bytes, int]] = {
    "an empty body": (b"", 400),
    "no part": (b"hello", 400),
    "a body that is cut in a head": (b"--x\r\nContent-Disp", 400),
    "a body that is cut in a file": (part("file", b"abc")[:-2], 400),
    "no last boundary": (part("text", b"a"), 400),
    "no disposition": (b"--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x--\r\n", 400),
    "another disposition": (b"--x\r\nContent-Disposition: attachment\r\n\r\na\r\n--x--\r\n", 400),
    "no name": (b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", 400),
    "a long name": (part("n" * (NAME_LONGEST + 1)) + b"--x--", 400),
    "a header without a colon": (b"--x\r\nhello\r\n\r\na\r\n--x--\r\n", 400),
    "a header that is no text": (b"--x\r\nContent-Disposition: \xff\r\n\r\na\r\n--x--\r\n", 400),
    "a length that is too small": (part("file", b"abc", "Content-Length: 2") + b"--x--", 400),
    "a length that is too large": (part("file", b"abc", "Content-Length: 4") + b"--x--", 400),
    "a length that is none": (part("file", b"abc", "Content-Length: -1") + b"--x--", 400),
    "a field that is no text": (part("text", b"\xff\xfe") + b"--x--", 400),
    "an unknown charset": (part("text", b"a", "Content-Type: text/plain; charset=zip") + b"--x--", 400),
    "a field twice": (part("text", b"a") * 2 + b"--x--", 400),
    "a malformed name of a file": (part("file", b"", disposition="; filename*=UTF-8''%FF") + b"--x--", 400),
    "a long header": (part("file", b"a", "A: " + "a" * HEADER_LARGEST) + b"--x--", 413),
    "an endless header": (b"--x\r\n" + b"a" * MIB, 413),
    "many headers": (part("file", b"a", *["A: b"] * HEADERS_MOST) + b"--x--", 413),
    "endless headers": (b"--x\r\n" + b"A: b\r\n" * 100_000, 413),
    "many parts": (b"".join(part(f"{n}") for n in range(PARTS_MOST + 1)) + b"--x--", 413),
    "10 000 parts": (part("file") * 10_000 + b"--x--", 413),
    "a large field": (part("text", b"a" * (FIELD_LARGEST + 1)) + b"--x--", 413),
    "large fields": (
        b"".join(part(name, b"a" * (FIELDS_LARGEST // 3 + 1)) for name in ("a", "b", "c")) + b"--x--",
        413,
    ),
    "a large file": (part("file", bytes(8 * MIB + 1)) + b"--x--", 413),
    "large files": (part("file", bytes(3 * MIB)) * 3 + b"--x--", 413),
    "a large preamble": (b"a" * 12 * MIB, 413),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_wrong_form_is_refused_and_not_kept(
    client: httpx.AsyncClient, folder: Path, name: str, chunked: bool
) -> None:
    """With its status and a sentence; a file that came before the fault is not kept by anybody."""
    body, status = REFUSED[name]

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 65_536):
            yield body[at : at + 65_536]

    try:
        answer = await client.post("/", content=pieces() if chunked else body, headers=TYPE)
    except httpx.WriteError:  # it went on sending after the refusal
        assert status == 413
    else:
        assert answer.status_code == status, answer.text
        assert answer.json()["answer"].endswith(".")
        assert "details" in answer.json() or len(answer.json()["answer"]) > 20
    await files.sweep(utc_now() + files.ORPHAN_AFTER * 2)
    assert await stored_bytes(folder) == (0, 0)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ('multipart/form-data; boundary=""', 400),
        ("multipart/form-data; boundary=" + "x" * 71, 400),
        ('multipart/form-data; boundary="a\u00e9"', 400),
        ("multipart/mixed; boundary=x", 415),
        ("multipart/form-data; charset=utf-8; BOUNDARY=x", 200),
        ('multipart/form-data; boundary="x"', 200),
    ],
)
async def test_a_boundary_is_needed(client: httpx.AsyncClient, content_type: str, status: int) -> None:
    """RFC 2046: 1 to 70 characters of a small alphabet."""
    body = part("text", b"a") + b"--x--\r\n"
    answer = await client.post("/", content=body, headers={b"content-type": content_type.encode("latin-1")})
    assert answer.status_code == status, answer.text


async def test_a_compressed_form_is_refused(client: httpx.AsyncClient) -> None:
    """A small body must not become a large one here."""
    answer = await client.post("/", content=b"--x--", headers={**TYPE, "content-encoding": "gzip"})
    assert answer.status_code == 415


async def test_the_limit_is_named_before_the_body_is_sent(client: httpx.AsyncClient) -> None:
    """With its Content-Length a client is refused at once."""
    address = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE['content-type']}\r\n"
    writer.write(f"{head}Expect: 100-continue\r\nContent-Length: 2000000000\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["answer"] == (
        "The files of this message are larger than 8 MiB together."
    )


async def test_a_client_that_goes_away_leaves_nothing(client: httpx.AsyncClient, folder: Path) -> None:
    """In the middle of a file."""
    address = urlsplit(str(client.base_url))
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(begun(9_000_000) + part("file", bytes(4 * MIB)))
    await writer.drain()
    async with asyncio.timeout(PATIENCE):
        while (await stored_bytes(folder))[1] == 0:
            pass
        writer.close()
        while (await stored_bytes(folder))[1] > 0:
            pass
    assert await stored_bytes(folder) == (0, 0)


async def test_an_upload_may_take_long_and_must_not_stand_still(database: None, folder: Path) -> None:
    """What counts is progress: the time a body has in all grows with its bytes."""
    bounds = Bounds(head=20 * PATIENCE, body=10 * PATIENCE)
    async with timed(echo, bounds) as (address, time):
        host = urlsplit(address)
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        writer.write(begun(9_000_000) + part("file", b"a")[:-2])
        for _ in range(4):
            await time.until_read(bounds.body)
            time.pass_by(bounds.body / 2)
            writer.write(b"a" * int(bounds.body * PACE))
        answering = asyncio.create_task(reader.read())
        async with asyncio.timeout(PATIENCE):
            while not answering.done():  # whatever is still read of what came gives more time
                time.pass_by(2 * bounds.body)
                await asyncio.sleep(0.05)
        answer = await answering
        writer.close()
        assert answer.startswith(b"HTTP/1.1 408 ")
    assert await stored_bytes(folder) == (0, 0)


async def test_a_disk_without_room_is_503_and_keeps_nothing(client: httpx.AsyncClient, folder: Path) -> None:
    """With Retry-After: somebody must make room."""
    disk_floor.configure(1 << 60)
    answer = await client.post("/", files={"file": b"x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert await stored_bytes(folder) == (0, 0)


async def test_a_large_upload_takes_little_memory(client: httpx.AsyncClient, folder: Path) -> None:
    """200 MB through the server, the reader and the disk: the process, which is the client's too, grows by
    less than 32 MB."""
    files.configure(Rules(folder, most=1 << 40))
    process = psutil.Process()
    chunk = os.urandom(65_536)
    most = before = 0

    async def body(size: int) -> AsyncIterator[bytes]:
        nonlocal most
        yield part("file")[:-2]
        for number in range(size // len(chunk)):
            yield chunk
            if number % 50 == 0:
                most = max(most, process.memory_info().rss)
        yield b"\r\n--x--\r\n"

    await client.post("/", content=body(8 * MIB), headers=TYPE)  # what is loaded once
    most = before = process.memory_info().rss
    answer = await client.post("/", content=body(200 * MIB), headers=TYPE, timeout=PATIENCE)
    assert answer.json()["files"][0]["size"] == 200 * MIB
    assert most - before < GROWTH


async def test_who_takes_nothing_lets_the_client_wait(database: None) -> None:
    """Back-pressure: a handler that does not read leaves the bytes with the client."""
    proceed = asyncio.Event()

    async def lazy(scope: Any, receive: Any, send: Any) -> None:
        await proceed.wait()
        await echo(scope, receive, send)

    files.configure(Rules(Path(os.devnull).parent / "none", most=1 << 40))
    disk_floor.configure(1 << 60)
    async with served(lazy) as address:
        host = urlsplit(address)
        with socket.create_connection((host.hostname or "", host.port or 0)) as stranger:
            stranger.setblocking(False)
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
            stranger.send(begun(99_999_999) + part("text", b"a"))
            sent = waits = 0
            while waits < 1000:
                try:
                    sent += stranger.send(bytes(65_536))
                    waits = 0
                except BlockingIOError:
                    waits += 1
                    await asyncio.sleep(0)
            assert sent < 16 * MIB
            proceed.set()


async def test_no_form_is_a_fault_of_ours() -> None:
    """A form with bytes changed, doubled, cut out and moved is read or refused, and nothing else."""
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    whole = part("text", b"hello") + part(
        "file", b"\r\n--y\r", "Content-Type: a/b", disposition='; filename="a"'
    )
    whole += b"--x--\r\n"
    scope: Any = {"headers": [(b"content-type", TYPE["content-type"].encode())]}
    outcomes: set[str] = set()
    for _ in range(3000):
        body = bytearray(whole)
        for _ in range(dice.randrange(4)):
            at, size = dice.randrange(len(body) + 1), dice.randrange(12)
            body[at : at + size] = dice.choice(
                [b"", dice.randbytes(size), body[at : at + size] * 2, b"\r\n--x"]
            )
        pieces = [bytes(body[at : at + 40]) for at in range(0, len(body), 40)]
        messages = iter(
            {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
            for number, piece in enumerate(pieces or [b""])
        )

        async def receive(messages: Iterator[Any] = messages) -> Any:
            return next(messages)

        try:
            async for one in Form(scope, receive, MIB):
                outcomes.add(type(one).__name__)
        except Refused as exc:
            outcomes.add(str(exc.status))
    assert outcomes >= {"Field", "Upload", "400"}


async def test_a_message_comes_as_a_form_in_parts(api: Api) -> None:
    """The same fields as in JSON, true and false as forms write them, the token as a field or as Bearer."""
    token = await api.bot_token(await api.access())
    for fields, headers in (
        ({"text": "Готово", "urgent": "on", "ttl": "60", "bot_token": token}, {}),
        ({"text": "a=b&c"}, {"authorization": f"Bearer {token}"}),
    ):
        form = [(name, (None, value)) for name, value in fields.items()]
        answer = await api.client.post(
            "/api/send_message", files=form, headers={"prefer": "respond-async", **headers}
        )
        assert answer.status_code == 202, answer.text
        headers = {"authorization": f"Bearer {token}"}
        found = await api.client.get(f"/api/messages/{answer.json()['id']}", headers=headers)
        assert found.json()["text"] == fields["text"]


@pytest.mark.parametrize(
    ("form", "details"),
    [
        ([("text", "a"), ("colour", "red")], {"colour"}),
        ([("text", "a"), ("ttl", "soon")], {"ttl"}),
        ([("type", "Text")], {"text"}),
        ([("text", "a"), ("text", "b")], {"text"}),
    ],
)
async def test_a_wrong_field_of_a_form_in_parts_is_named(
    api: Api, form: list[tuple[str, str]], details: set[str]
) -> None:
    """As in JSON."""
    parts = [(name, (None, value)) for name, value in form]
    answer = await api.client.post("/api/send_message", files=parts, headers={"authorization": "Bearer x"})
    assert (answer.status_code, set(answer.json()["details"])) == (400, details)


async def test_other_calls_take_no_form_in_parts(api: Api) -> None:
    """Only a message has parts."""
    answer = await api.client.post("/api/auth/", files={"login": (None, "a"), "psw": (None, "b")})
    assert answer.status_code == 415

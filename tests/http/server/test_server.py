"""The HTTP server's bounds, over real sockets, on the loop the process runs on: what a stranger sends is read
within them, or refused in JSON."""

import asyncio
import contextlib
import gc
import json
import os
import random
import re
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import structlog

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.programs import accounts
from djangobot.http.app import Bounds
from djangobot.http.server import server
from djangobot.http.server.bounds import PACE, UNREAD
from djangobot.http.server.parser import LARGEST_HEAD, LONGEST_LINE, MOST_HEADERS

from ..conftest import Api, an_app, served
from .timed import timed

GET = b"GET /api/ HTTP/1.1\r\nHost: x\r\n\r\n"
GET_LINE = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
MISSING = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"

Scope = dict[str, Any]


class Client:
    """A connection that sends just these bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, bodyless: bool = False) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) of the next answer."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
            length = 0 if bodyless else int(headers.get("content-length", 0))
            return int(line.split()[1]), headers, await self.reader.readexactly(length)

    async def refusal(self) -> tuple[int, str]:
        """(status, sentence) of an answer in the server's own words, after which the connection ends."""
        status, headers, body = await self.answer()
        assert headers["content-type"] == "application/json"
        assert headers["connection"] == "close"
        assert await self.ends()
        return status, json.loads(body)["answer"]

    async def ends(self) -> bool:
        """The server closes the connection, and has said nothing more."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read(1) == b""
            return True


@asynccontextmanager
async def client(address: str) -> AsyncIterator[Client]:
    host = urlsplit(address)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def echo(scope: Scope, receive: Any, send: Any) -> None:
    """Answers with what it was asked."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    said = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "host": [value.decode() for name, value in scope["headers"] if name == b"host"],
        "client": scope["client"][0],
        "body": body.decode("latin-1"),
    }
    await answer(send, json.dumps(said).encode())


async def answer(send: Any, body: bytes, status: int = 200) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


Serving = Callable[..., AbstractAsyncContextManager[str]]


def post(body: bytes, *headers: str, path: str = "/") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *headers]
    if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


UPGRADES = {
    "Java, Ktor, Spring": ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAA"],
    "websocket": ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"],
    "any name": ["Connection: keep-alive, uPgRaDe", "uPGRADE: TLS/1.0, HTTP/2.0, h2c"],
    "one token in each of two headers": ["Connection: HTTP2-Settings", "Connection: UPGRADE", "Upgrade: h2c"],
    "without Connection": ["Upgrade: h2c"],
}


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_read_though_the_client_offers_to_upgrade(upgrade: str, chunked: bool) -> None:
    """Whatever the protocol's name; the next request on the connection is read, too."""
    async with served(echo) as address, client(address) as stranger:
        body = b'{"a": 1}'
        if chunked:
            framed = b"8\r\n%b\r\n0\r\n\r\n" % body
            stranger.send(post(framed, *UPGRADES[upgrade], "Transfer-Encoding: chunked"))
        else:
            stranger.send(post(body, *UPGRADES[upgrade]))
        status, _, said = await stranger.answer()
        assert (status, json.loads(said)["body"]) == (200, body.decode())
        stranger.send(MISSING)
        assert (await stranger.answer())[0] == 200


async def test_a_removal_that_names_another_login_is_403_though_the_client_offers_to_upgrade(
    api: Api,
) -> None:
    """The body that protects the account is not lost on the way."""
    access = await api.access()
    body = b'{"login": "SomebodyElse"}'
    async with client(str(api.client.base_url)) as java:
        head = [f"DELETE /api/user/ HTTP/1.1\r\nHost: x\r\nAuthorization: {access['authorization']}"]
        head += [*UPGRADES["Java, Ktor, Spring"], f"Content-Length: {len(body)}", "", ""]
        java.send("\r\n".join(head).encode() + body)
        assert (await java.answer())[0] == 403
        java.send(
            post(b'{"login": "FedXL", "psw": "password1234"}', *UPGRADES["websocket"], path="/api/auth/")
        )
        assert (await java.answer())[0] == 200
    assert (await accounts.sign_in("FedXL", "password1234")).login == "FedXL"


async def test_a_connection_may_be_idle_for_longer_than_proxies_keep_theirs() -> None:
    """60 seconds at most: it is a setting, 75 by default."""
    assert Bounds().idle == 75
    async with timed(echo) as (address, time), client(address) as proxy:
        for _ in range(2):
            proxy.send(GET)
            assert (await proxy.answer())[0] == 200
            time.pass_by(60)
        time.pass_by(15)
        assert await proxy.ends()


MALFORMED = {
    "no request at all": (b"hello\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "two spaces": (b"GET  / HTTP/1.1\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00", 400),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "another version": (b"GET / HTTP/1.2\r\n\r\n", 505),
    "a tunnel": (b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n", 405),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
    "no name": (GET_LINE + b": x\r\n\r\n", 400),
    "a continued line": (GET_LINE + b"A: b\r\n c\r\n\r\n", 400),
    "a line feed alone": (GET_LINE + b"A: b\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "a carriage return alone": (GET_LINE + b"A: b\rC: d\r\n\r\n", 400),
    "a zero byte": (GET_LINE + b"A: b\x00c\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "one Host twice": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "no Host": (b"GET /health HTTP/1.1\r\n\r\n", 400),
    "no Host beside a whole address": (b"GET http://x/health HTTP/1.1\r\n\r\n", 400),
    "a space in the address": (b"GET /a b HTTP/1.1\r\n\r\n", 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no path": (b"GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "length and chunks": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "chunks and length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
    "a list of lengths": (POST + b"Content-Length: 3, 3\r\n\r\n", 400),
    "a signed length": (POST + b"Content-Length: +3\r\n\r\n", 400),
    "a negative length": (POST + b"Content-Length: -3\r\n\r\n", 400),
    "a length in hexadecimal": (POST + b"Content-Length: 0x3\r\n\r\n", 400),
    "an empty length": (POST + b"Content-Length:\r\n\r\n", 400),
    "an endless length": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
    "an unknown encoding": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    "a disguised encoding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n", 400),
    "two encodings": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 400),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "no chunk size": (POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    "a negative chunk size": (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    "a chunk size with 0x": (POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\n", 400),
    "a chunk size that overflows": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\n",
        400,
    ),
    "a line feed alone after a chunk size": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n",
        400,
    ),
    "a chunk longer than it says": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
        400,
    ),
    "endless chunk extensions": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 100_000,
        400,
    ),
    "many chunk extensions": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1;" + b"x" * 500 + b"\r\nx\r\n") * 20,
        431,
    ),
    "many trailers": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 101,
        431,
    ),
    "a malformed trailer": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA b\r\n\r\n", 400),
}


@pytest.mark.parametrize("what", MALFORMED)
async def test_malformed_http_is_refused_in_json(what: str) -> None:
    """What two servers could read in two ways is not read at all, and the connection ends."""
    request, status = MALFORMED[what]
    async with served(an_app()) as address, client(address) as stranger:
        stranger.send(request)
        got, sentence = await stranger.refusal()
        assert got == status
        assert sentence.endswith(".")


async def test_a_body_in_chunks_is_read_with_its_extensions_and_trailers() -> None:
    """In any pieces; what comes behind it is the next request."""
    body = b'5;name="value"\r\nhello\r\n006\r\n world\r\n0\r\nTrailer: x\r\n\r\n'
    request = post(body, "Transfer-Encoding: Chunked") + post(b"next")
    async with served(echo) as address:
        for size in (1, 3, 7, len(request)):
            async with client(address) as stranger:
                for at in range(0, len(request), size):
                    stranger.send(request[at : at + size])
                    await asyncio.sleep(0)
                assert json.loads((await stranger.answer())[2])["body"] == "hello world"
                assert json.loads((await stranger.answer())[2])["body"] == "next"


async def test_requests_in_random_pieces_are_read_as_they_were_sent() -> None:
    """Lengths, chunks and cuts at random; each answer belongs to its request."""
    seed = int(os.environ.get("SERVER_SEED", random.randrange(2**32)))
    print(f"SERVER_SEED={seed}")
    dice = random.Random(seed)
    async with served(echo) as address:
        for _ in range(20):
            bodies = [dice.randbytes(dice.choice([0, 1, 100, 5000])) for _ in range(dice.randint(1, 8))]
            stream = b""
            for body in bodies:
                if dice.random() < 0.5:
                    stream += post(body)
                    continue
                cuts = sorted(dice.randint(0, len(body)) for _ in range(3))
                parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True) if a < b]
                framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
                stream += post(framed + b"0\r\n\r\n", "Transfer-Encoding: chunked")
            async with client(address) as stranger:
                while stream:
                    size = dice.choice([1, 10, 100, 10_000])
                    stranger.send(stream[:size])
                    stream = stream[size:]
                    await asyncio.sleep(0)
                for body in bodies:
                    assert json.loads((await stranger.answer())[2])["body"] == body.decode("latin-1")


HEADS = {
    "a long address": (b"GET /" + b"a" * (LONGEST_LINE + 1) + b" HTTP/1.1\r\n\r\n", 414),
    "an endless address": (b"GET /" + b"a" * 1_000_000, 414),
    "one long header": (GET_LINE + b"A: " + b"a" * LARGEST_HEAD + b"\r\n\r\n", 431),
    "an endless header": (GET_LINE + b"A: " + b"a" * 4_000_000, 431),
    "many headers": (GET_LINE + b"A: b\r\n" * (MOST_HEADERS + 1) + b"\r\n", 431),
    "endless headers": (GET_LINE + b"A: b\r\n" * 400_000, 431),
}


@pytest.mark.parametrize("what", HEADS)
async def test_a_head_over_its_bounds_is_refused(what: str) -> None:
    """64 KiB and 100 headers (431), 8 KiB of them the first line (414); the client gets to read it, however
    much it sends."""
    request, status = HEADS[what]
    async with served(an_app()) as address, client(address) as stranger:
        stranger.send(request)
        assert (await stranger.refusal())[0] == status


async def test_a_head_at_its_bounds_is_read() -> None:
    """100 headers, and nearly 64 KiB."""
    async with served(echo) as address, client(address) as stranger:
        size = (LARGEST_HEAD - 100) // MOST_HEADERS - len("A: \r\n")
        headers = b"Host: x\r\n" + (b"A: " + b"a" * size + b"\r\n") * (MOST_HEADERS - 1)
        stranger.send(b"GET /" + b"a" * 80 + b" HTTP/1.1\r\n" + headers + b"\r\n")
        assert (await stranger.answer())[0] == 200


async def test_a_client_that_pipelines_and_reads_nothing_is_not_read(api: Api) -> None:
    """A few requests are, then its socket is full; what it may send for nothing takes no memory here."""
    process = psutil.Process()
    loop = asyncio.get_running_loop()
    host = urlsplit(str(api.client.base_url))
    with socket.create_connection((host.hostname, host.port)) as stranger:
        stranger.setblocking(False)
        gc.collect()
        before, sent = process.memory_info().rss, 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                while sent < 40_000_000:
                    await loop.sock_sendall(stranger, MISSING * 10_000)
                    sent += len(MISSING) * 10_000
        assert sent < 40_000_000
        assert process.memory_info().rss - before < 30_000_000
        assert (await api.client.get("/api/")).status_code == 200


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    """One after the other, as they would be without it."""
    async with served(echo) as address, client(address) as stranger:
        stranger.send(b"".join(post(b"%d" % number) for number in range(2000)))
        for number in range(2000):
            assert json.loads((await stranger.answer())[2])["body"] == str(number)


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nA: b\r\n", post(b"", "Content-Length: 10") + b"12345"])
async def test_a_request_that_does_not_come_is_408(begun: bytes) -> None:
    """Neither its head nor its body; and one byte now and then does not help."""
    assert (Bounds().head, Bounds().body) == (10, 10)
    late = 20 * PATIENCE
    bounds = Bounds(head=late, body=late)
    async with timed(echo, bounds) as (address, time), client(address) as stranger:
        stranger.send(begun[:-1])
        async with asyncio.timeout(PATIENCE):
            while not any(one._rest or one._exchange for one in time.server._connections):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        time.pass_by(late - 2 * PATIENCE)
        stranger.send(begun[-1:])
        time.pass_by(2 * PATIENCE)
        assert (await stranger.refusal())[0] == 408


async def test_a_connection_that_asks_nothing_is_closed() -> None:
    """Without a word: there was no question."""
    async with served(echo, Bounds(head=0.3)) as address, client(address) as stranger:
        stranger.send(b"\r\n")
        assert await stranger.ends()


async def test_a_body_may_take_as_long_as_its_pace_allows() -> None:
    """A slow line is no attack."""
    bounds = Bounds(head=20 * PATIENCE, body=10 * PATIENCE)
    piece = b"x" * int(bounds.body * PACE)
    async with timed(echo, bounds) as (address, time), client(address) as stranger:
        stranger.send(post(b"", f"Content-Length: {4 * len(piece)}"))
        for _ in range(4):
            await time.until_read(bounds.body)
            time.pass_by(bounds.body / 2)
            stranger.send(piece)
        assert (await stranger.answer())[0] == 200


async def test_connections_over_the_bound_get_503_and_the_log_says_so() -> None:
    """Those there are go on."""
    with structlog.testing.capture_logs() as logs:
        async with (
            served(echo, Bounds(connections=2)) as address,
            client(address) as one,
            client(address) as two,
        ):
            for stranger in (one, two):
                stranger.send(GET)
                assert (await stranger.answer())[0] == 200
            for _ in range(3):
                async with client(address) as third:
                    third.send(GET)
                    status, headers, body = await third.answer()
                    assert (status, headers["retry-after"]) == (503, "2")
                    assert json.loads(body)["answer"]
            one.send(GET)
            assert (await one.answer())[0] == 200
    assert [entry["event"] for entry in logs] == ["too many connections"]


async def test_ever_more_connections_are_told_so_without_waiting_for_them() -> None:
    """Those that are refused take no place either."""
    asked = asyncio.Event()

    async def noting(scope: Scope, receive: Any, send: Any) -> None:
        asked.set()
        await echo(scope, receive, send)

    async with served(noting, Bounds(connections=1)) as address, contextlib.AsyncExitStack() as stack:
        one = await stack.enter_async_context(client(address))
        one.send(post(b"", "Content-Length: 10"))
        await asyncio.wait_for(asked.wait(), PATIENCE)
        for _ in range(3 * server.LINGERING):
            other = await stack.enter_async_context(client(address))
            async with asyncio.timeout(PATIENCE):
                assert (await other.reader.read(12)) == b"HTTP/1.1 503"
        one.send(b"0123456789")
        assert (await one.answer())[0] == 200


async def test_at_the_bound_the_longest_idle_connection_makes_room() -> None:
    """Idle ones cannot keep everybody else out."""
    async with contextlib.AsyncExitStack() as stack:
        # Whoever sends half a request is not ended by the bound on its time, however slow the machine is.
        bounds = Bounds(connections=5, head=2 * PATIENCE)
        address = await stack.enter_async_context(served(echo, bounds))
        idle = [await stack.enter_async_context(client(address)) for _ in range(5)]
        idle[0].send(b"GET / HTTP/1.1\r\n")
        for stranger in idle[1:]:
            stranger.send(GET)
            await stranger.answer()
        async with asyncio.timeout(PATIENCE):
            while True:
                async with client(address) as newcomer:
                    newcomer.send(GET)
                    if (await newcomer.answer())[0] == 200:
                        break
        ending = [asyncio.create_task(one.ends()) for one in idle[:2]]
        ended, others = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
        assert any(one.result() for one in ended)


async def test_accepting_goes_on_when_file_descriptors_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log says so; once there are some again, newcomers are served."""
    monkeypatch.setattr("djangobot.http.server.server._files_allowed", lambda wanted: wanted)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with structlog.testing.capture_logs() as logs:
        async with served(echo) as address:
            host = urlsplit(address)
            strangers = [socket.socket() for _ in range(20)]
            resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 2, before[1]))
            try:
                for stranger in strangers:
                    stranger.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        stranger.connect((host.hostname, host.port))
                async with asyncio.timeout(PATIENCE):
                    while not any("can be opened" in entry["event"] for entry in logs):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            async with client(address) as newcomer:
                newcomer.send(GET)
                assert (await newcomer.answer())[0] == 200
            for stranger in strangers:
                stranger.close()


def test_connections_are_fewer_than_the_files_a_process_may_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database and Telegram need some, too; the soft limit is raised where it may be."""
    limits = [(256, 256)]
    monkeypatch.setattr("resource.getrlimit", lambda _: limits[-1])
    monkeypatch.setattr("resource.setrlimit", lambda _, new: limits.append(new))
    assert server._files_allowed(10_000) == 128
    limits.append((256, 4096))
    assert server._files_allowed(1000) == 1000
    assert limits[-1][0] == 1128


async def test_unfinished_requests_of_all_together_are_bounded() -> None:
    """Many connections, each within its own bounds, cannot take all memory."""
    with structlog.testing.capture_logs() as logs:
        async with contextlib.AsyncExitStack() as stack:
            address = await stack.enter_async_context(served(echo, Bounds(held=100_000)))
            strangers = [await stack.enter_async_context(client(address)) for _ in range(4)]
            for stranger in strangers[:3]:
                stranger.send(b"GET / HTTP/1.1\r\nA: " + b"a" * 30_000)
            strangers[3].send(post(b"x" * 50_000, "Content-Length: 60000"))
            async with asyncio.timeout(PATIENCE):
                done, _ = await asyncio.wait(
                    [asyncio.create_task(stranger.reader.read(12)) for stranger in strangers],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            assert [task.result() for task in done] == [b"HTTP/1.1 503"]
            async with client(address) as other:
                other.send(GET)
                assert (await other.answer())[0] == 200
    assert any("memory" in entry["event"] for entry in logs)


async def test_an_answer_that_nobody_reads_ends_its_connection() -> None:
    """Here 20 MB for a client that reads nothing."""
    ended = asyncio.Event()

    async def large(scope: Scope, receive: Any, send: Any) -> None:
        size = 20_000_000
        headers = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(20):
            await send({"type": "http.response.body", "body": b"x" * (size // 20), "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        ended.set()

    bounds = Bounds(answer=10 * PATIENCE)
    async with timed(large, bounds) as (address, time):
        host = urlsplit(address)
        with socket.create_connection((host.hostname, host.port)) as stranger:
            stranger.sendall(GET)
            async with asyncio.timeout(PATIENCE):
                while not ended.is_set():
                    time.pass_by(bounds.answer)
                    await asyncio.sleep(0.01)
            assert len(stranger.recv(1)) == 1
        async with client(address) as reader:  # and one that does read gets it all
            reader.send(GET)
            assert len((await reader.answer())[2]) == 20_000_000


async def test_files_of_the_docs_page_are_in_memory_once() -> None:
    """However many ask for the same one, and do not read it."""
    async with served(an_app()) as address:
        async with client(address) as warm:
            warm.send(b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n")
            size = len((await warm.answer())[2])
        before = psutil.Process().memory_info().rss
        host = urlsplit(address)
        strangers = []
        for _ in range(60):
            stranger = socket.socket()
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stranger.connect((host.hostname, host.port))
            stranger.sendall(b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n")
            strangers.append(stranger)
        async with client(address) as last:
            last.send(GET)
            await last.answer()
        await asyncio.sleep(0.5)  # what would be read from the disk by then
        assert psutil.Process().memory_info().rss - before < 10 * size
        for stranger in strangers:
            stranger.close()


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://other.example:8080/api/user/?x=1", "/api/user/", ["other.example:8080"]),
        ("HTTP://other.example", "/", ["other.example"]),
        ("*", "*", ["x"]),
        ("/a%20b/%C3%A9?x=%41", "/a b/é", ["x"]),
        ("//double", "//double", ["x"]),
    ],
)
async def test_every_form_of_address_is_read(target: str, path: str, host: list[str]) -> None:
    """A whole address's host counts instead of Host (RFC 9112, 3.2.2)."""
    async with served(echo) as address, client(address) as stranger:
        stranger.send(f"OPTIONS {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        said = json.loads((await stranger.answer())[2])
        assert (said["path"], said["host"]) == (path, host)


async def test_a_head_is_answered_without_a_body() -> None:
    """With the length a GET's would have; and OPTIONS with a body is read."""
    async with served(an_app()) as address, client(address) as stranger:
        stranger.send(b"HEAD /api/ HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = await stranger.answer(bodyless=True)
        assert (status, int(headers["content-length"]) > 0) == (200, True)
        stranger.send(b"OPTIONS /api/user/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + GET)
        assert (await stranger.answer(bodyless=True))[0] == 204
        assert (await stranger.answer())[0] == 200


@pytest.mark.parametrize("size", [5, UNREAD, UNREAD + 1, 5_000_000])
async def test_a_body_the_application_does_not_want_does_not_become_the_next_request(size: int) -> None:
    """It is read over, or the connection ends."""

    async def uninterested(scope: Scope, receive: Any, send: Any) -> None:
        await answer(send, scope["path"].encode())

    async with served(uninterested) as address, client(address) as stranger:
        stranger.send(post(b"", f"Content-Length: {size}", path="/first"))
        status, headers, body = await stranger.answer()
        assert (status, body) == (200, b"/first")
        if headers.get("connection") == "close":
            assert size > UNREAD
            stranger.send(b"x" * size)
            assert await stranger.ends()
        else:
            stranger.send((GET * (size // len(GET) + 1))[:size])
            stranger.send(post(b"", path="/second"))
            assert (await stranger.answer())[2] == b"/second"


async def test_nothing_is_read_behind_a_request_that_closes() -> None:
    """`Connection: close`, and HTTP/1.0 that does not ask to go on."""
    async with served(echo) as address:
        for head in (GET_LINE + b"Connection: x, Close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
            async with client(address) as stranger:
                stranger.send(head + GET)
                status, headers, _ = await stranger.answer()
                assert (status, headers["connection"]) == (200, "close")
                assert await stranger.ends()


async def test_http_1_0_may_go_on_when_it_asks_to() -> None:
    """As `ab -k` does."""
    async with served(echo) as address, client(address) as old:
        for _ in range(2):
            old.send(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            status, headers, _ = await old.answer()
            assert (status, headers["connection"]) == (200, "keep-alive")


async def test_a_client_that_waits_to_be_told_to_continue_is() -> None:
    """And not when its body is not wanted: then it is not to come."""
    async with served(an_app()) as address:
        async with client(address) as curl:
            curl.send(post(b"", "Expect: 100-continue", "Content-Length: 2", path="/api/auth/"))
            async with asyncio.timeout(PATIENCE):
                assert await curl.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            curl.send(b"{}")
            assert (await curl.answer())[0] == 400
        async with client(address) as curl:
            curl.send(post(b"", "Expect: 100-continue", "Content-Length: 2", path="/nothing"))
            status, headers, _ = await curl.answer()
            assert (status, headers["connection"]) == (404, "close")


async def test_a_client_that_is_done_writing_is_answered() -> None:
    """`nc -N` closes its side before it reads."""
    async with served(echo) as address, client(address) as netcat:
        netcat.send(post(b"hello"))
        netcat.writer.write_eof()
        assert json.loads((await netcat.answer())[2])["body"] == "hello"
        assert await netcat.ends()


async def test_a_fault_of_the_application_is_500_in_json() -> None:
    """And the next connection is served."""

    async def broken(scope: Scope, receive: Any, send: Any) -> None:
        raise RuntimeError("the secret")

    with structlog.testing.capture_logs() as logs:
        async with served(broken) as address:
            for _ in range(2):
                async with client(address) as stranger:
                    stranger.send(GET)
                    assert (await stranger.refusal())[0] == 500
    assert [entry["event"] for entry in logs] == ["request failed"] * 2
    assert "secret" not in str(logs)


async def test_stopping_ends_idle_and_half_read_connections_and_answers_those_under_way() -> None:
    """Within its grace, whatever anybody holds open."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            asked.set()
            await go_on.wait()
        if scope["path"] == "/never":
            await asyncio.Event().wait()
        await answer(send, b"done")

    bounds = Bounds(head=20 * PATIENCE, body=20 * PATIENCE, grace=10 * PATIENCE)
    async with contextlib.AsyncExitStack() as stack:
        address, time = await stack.enter_async_context(timed(slow, bounds))
        silent, idle, half, body, waits, never = [
            await stack.enter_async_context(client(address)) for _ in range(6)
        ]
        idle.send(post(b""))
        await idle.answer()
        half.send(b"GET / HTTP/1.1\r\nA: b")
        body.send(post(b"", "Content-Length: 10", path="/never") + b"12345")
        never.send(post(b"", path="/never"))
        waits.send(post(b"", path="/slow"))
        await asyncio.wait_for(asked.wait(), PATIENCE)
        time.server.stop()
        for stranger in (silent, idle, half):
            assert await stranger.ends()
        with pytest.raises(OSError, match=re.compile("connect", re.IGNORECASE)):
            await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
        go_on.set()
        status, headers, said = await waits.answer()
        assert (status, headers["connection"], said) == (200, "close", b"done")
        time.pass_by(bounds.grace)
        assert await body.ends()
        assert await never.ends()

"""One connection. Its requests are read and answered one after the other, each within its bounds.

The bounds are set here and in http/server/parser.py; docs/http.md gives the reason for each. A connection has
one deadline, which the server checks four times a second. So no request needs a timer.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import msgspec

from djangobot.http.errors import BUG, BUSY_RETRY
from djangobot.http.responses import HEADERS, JSON, Refusal
from djangobot.http.server.parser import (
    LARGEST_HEAD,
    LONGEST_LINE,
    UNREADABLE,
    Chunks,
    Head,
    Malformed,
    read_head,
)

if TYPE_CHECKING:
    from djangobot.http.server.server import Server

READ_SIZE = 64 * 1024
"""Bytes read from a socket at once. This is also how much a connection may send before its answer."""
UNREAD = 64 * 1024
"""Bytes of a body that wait for the application, or that are discarded when it does not want them."""
PACE = 1024
"""Bytes a second, on average, at which a body must arrive and an answer must be read."""
SPARE_AFTER = 1.0
"""Seconds without a request after which a connection may be closed for a new one."""
LINGER = 2.0
"""Seconds for a client to read why it is refused, before the connection is closed."""

FULL = "There are too many connections; please try again soon."
LATE = "The request did not come in time."


@dataclass(frozen=True)
class Bounds:
    """Seconds, except `connections` and `held`, which is in bytes."""

    idle: float = 75.0
    """Between two requests: DJANGOBOT_HTTP_IDLE. Longer than most proxies keep their connections, which is 60
    s at most."""
    connections: int = 10_000
    """DJANGOBOT_HTTP_CONNECTIONS; fewer when the process may not open as many files."""
    head: float = 10.0
    """For the whole head, from its first byte, or from the connection's beginning."""
    body: float = 10.0
    """For the next PACE * `body` bytes of a body."""
    answer: float = 30.0
    """For the client to read the next PACE * `answer` bytes."""
    held: int = 64 * 1024 * 1024
    """Bytes of unfinished requests and unread answers, of all connections together."""
    grace: float = 10.0
    """For running requests when the server stops."""


STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
ASGI = {"version": "3.0", "spec_version": "2.3"}
_REFUSAL_HEADERS = b"".join(
    f"{name}: {value}\r\n".encode() for name, value in {"content-type": JSON, **HEADERS}.items()
)


class Exchange:
    """One request and its answer. The application sees only this of the connection."""

    __slots__ = (
        "_bodyless",
        "_chunked",
        "_connection",
        "_given",
        "_head",
        "_unwritten",
        "_waiter",
        "answered",
        "chunks",
        "expecting",
        "gone",
        "keep_alive",
        "left",
        "pieces",
        "received",
        "scope",
        "started",
        "whole",
    )

    def __init__(self, connection: "Connection", head: Head, scope: dict[str, Any]) -> None:
        self._connection = connection
        self.scope = scope
        self.keep_alive = head.keep_alive
        self.expecting = head.expects_continue
        self.chunks = Chunks() if head.length is None else None
        self.left = head.length or 0
        self.whole = head.length == 0
        self.pieces = b""
        self.received = 0
        self.started = self.answered = self.gone = False
        self._given = False
        self._head = b""
        self._bodyless = head.method == "HEAD"
        self._chunked = False
        self._unwritten: int | None = None
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> bytes:
        """Takes the bytes of the body; returns the bytes after it."""
        rest: bytes | None
        if self.chunks is not None:
            piece, rest = self.chunks.feed(data)
            self.whole = rest is not None
        else:
            piece, rest = data[: self.left], data[self.left :]
            self.left -= len(piece)
            self.whole = not self.left
        self.received += len(data)
        if not self.answered:
            self.pieces = self.pieces + piece if self.pieces else piece
        self.wake()
        return rest or b""

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def drop(self) -> None:
        """The client is gone, or the server itself has answered it."""
        self.gone = True
        self.wake()

    async def receive(self) -> dict[str, Any]:
        """ASGI's `receive`: the whole body when it is complete, otherwise piece by piece."""
        if self.expecting and not self.started and not self.gone:
            self.expecting = False
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self.gone and not self.answered:
            if self.pieces or (self.whole and not self._given):
                body, self.pieces = self.pieces, b""
                self._given = self.whole
                if not self.whole:
                    self._connection.on_taken()
                return {"type": "http.request", "body": body, "more_body": not self.whole}
            self._waiter = self._connection.loop.create_future()
            await self._waiter
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's `send`: the head is sent with the first piece of the body."""
        connection = self._connection
        if connection.write_paused:
            await connection.writable()
        if self.gone:
            return
        if message["type"] == "http.response.start":
            self._prepare(message["status"], message.get("headers", ()))
            return
        if self.answered or not self._head:
            raise RuntimeError("an answer is a head, and then a body")
        more = message.get("more_body", False)
        body = self._framed(message.get("body", b""), more=more)
        if not self.started:
            self.started = True
            if len(body) < READ_SIZE:
                body = self._head + body
            else:  # not copied: all connections that read the same file share its bytes
                connection.write(self._head)
        if body:
            connection.write(body)
        if not more:
            self.answered = True
            self.pieces = b""
            connection.on_answered()

    def _prepare(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        if not self.whole and (self.expecting or self.chunks is not None or self.left > UNREAD):
            self.keep_alive = False  # otherwise the rest of the body would have to be read and discarded
        parts = [STATUS_LINES[status], self._connection.server.date]
        length = None
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            parts += (name, b": ", value, b"\r\n")
        self._bodyless = self._bodyless or status in (204, 304)
        self._unwritten = length
        old = self.scope["http_version"] == "1.0"
        if length is None and not self._bodyless:
            if old:
                self.keep_alive = False
            else:
                self._chunked = True
                parts.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        elif old:
            parts.append(b"connection: keep-alive\r\n")
        parts.append(b"\r\n")
        self._head = b"".join(parts)
        if self._head.count(b"\n") > len(headers) + 5:
            raise RuntimeError("a line break in a header")

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        if self._bodyless:
            return b""
        if self._chunked:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return framed if more else framed + b"0\r\n\r\n"
        if self._unwritten is not None:
            self._unwritten -= len(body)
            if self._unwritten < 0 or (not more and self._unwritten):
                raise RuntimeError("an answer that is not as long as its Content-Length says")
        return body


class Connection(asyncio.BufferedProtocol):
    """Reads requests and has them answered, one after the other. During one request, at most READ_SIZE bytes
    of the next ones are read."""

    def __init__(self, server: "Server", peer: tuple[str, int] | None, *, welcome: bool = True) -> None:
        self.server = server
        self.loop = server.loop
        self.write_paused = False
        self.closing = False
        self.since: float | None = server.loop.time()
        """Since when it has had no whole request; None while a request is running."""
        self.deadline = server.loop.time() + server.bounds.head
        self._peer = peer
        self._welcome = welcome
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # until connection_made
        self._exchange: Exchange | None = None
        self._rest = b""
        self._read_paused = False
        self._half_closed = False
        self._held = 0
        self._unread = 0
        self._reader_deadline = math.inf
        self._writers: list[asyncio.Future[None]] = []

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from asyncio's
        if not self._welcome:
            self.refuse(503, FULL)
        elif self.server.stopping:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closing = True
        if self._exchange is not None:
            self._exchange.drop()
        self._wake_writers()
        self._hold(0)
        self.server.forget(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.server.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self.closing:
            self._take(bytes(self.server.buffer[:nbytes]))

    def eof_received(self) -> bool:
        """A client that has closed its side may still read its answer."""
        self._half_closed = True
        exchange = self._exchange
        return not self.closing and exchange is not None and exchange.whole and not exchange.answered

    def pause_writing(self) -> None:
        self.write_paused = True
        self._watch_reader()

    def resume_writing(self) -> None:
        self.write_paused = False
        self._wake_writers()
        if self.closing:
            return
        self._reader_deadline = math.inf
        self._unread = 0
        self._count()
        if self._exchange is None:
            self._go_on()

    # Reading

    def _take(self, data: bytes) -> None:
        exchange = self._exchange
        try:
            if exchange is None and not self.write_paused:
                self._read_head(self._rest + data if self._rest else data)
            elif exchange is not None and not exchange.whole:
                self._read_body(exchange, data)
            else:
                self._rest += data
                self._pause_reading()
                self._count()
        except Malformed as exc:
            self.refuse(exc.status, exc.sentence)

    def _read_head(self, data: bytes) -> None:
        if data[:1] in b"\r\n":
            data = data.lstrip(b"\r\n")  # RFC 9112, 2.2
        end = data.find(b"\r\n\r\n", 0, LARGEST_HEAD + 4)
        if end < 0:
            self._wait_for_head(data)
            return
        head = read_head(data[:end])
        exchange = self._exchange = Exchange(self, head, self._scope(head))
        self.since = None
        self.deadline = math.inf
        self._rest = b""
        rest = data[end + 4 :]
        if not exchange.whole:
            self.deadline = self.loop.time() + self.server.bounds.body
            rest = exchange.feed(rest) if rest else b""
        if exchange.whole:
            self.deadline = math.inf
            self._rest = rest
            if rest:
                self._pause_reading()
        else:
            self._resume_reading()
        if rest or self._held or not exchange.whole:
            self._count()
        if not self.closing:
            self.server.start(self, exchange)

    def _wait_for_head(self, data: bytes) -> None:
        if data and not data[:1].isalpha():  # TLS, most likely
            raise Malformed(400, f"{UNREADABLE}: it is not HTTP.")
        if len(data) > LONGEST_LINE and data.find(b"\r\n", 0, LONGEST_LINE + 2) < 0:
            raise Malformed(414, f"The address is longer than {LONGEST_LINE} bytes.")
        if len(data) > LARGEST_HEAD:
            raise Malformed(431, f"The headers are larger than {LARGEST_HEAD} bytes.")
        if data and not self._rest:
            self.deadline = self.loop.time() + self.server.bounds.head
        self._rest = data
        if data:
            self._count()

    def _read_body(self, exchange: Exchange, data: bytes) -> None:
        self._rest = exchange.feed(data)
        now = self.loop.time()
        self.deadline = min(self.deadline + len(data) / PACE, now + self.server.bounds.body)
        if exchange.whole:
            self.deadline = math.inf
            if self._rest:
                self._pause_reading()
            self._count()
            if exchange.answered:
                self._next()
        elif exchange.answered and exchange.received > UNREAD:
            self._linger()
        else:
            self._count()
            if len(exchange.pieces) > UNREAD:
                self._pause_reading()
                self.deadline = math.inf

    def on_taken(self) -> None:
        """The application has taken a piece of the body, and wants more."""
        if self._read_paused and not self.closing:
            self.deadline = self.loop.time() + self.server.bounds.body
            self._resume_reading()

    def _scope(self, head: Head) -> dict[str, Any]:
        server = self.server
        client = self._peer
        if head.forwarded and client is not None:
            client = (server.caller(client[0], head.forwarded), client[1])
        return {
            "type": "http",
            "asgi": ASGI,
            "http_version": head.version,
            "method": head.method,
            "scheme": "http",
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            "root_path": "",
            "headers": head.headers,
            "client": client,
            "server": server.address,
            "state": {},
        }

    # Answering

    def write(self, data: bytes) -> None:
        if not self.closing:
            self._transport.write(data)

    async def writable(self) -> None:
        """Returns when the client has read enough, or is gone."""
        while self.write_paused and not self.closing:
            writer = self.loop.create_future()
            self._writers.append(writer)
            await writer

    def on_answered(self) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if not exchange.keep_alive or self.server.stopping:
            if exchange.whole and not self._rest:
                self.close()
            else:
                self._linger()
        elif exchange.whole:
            self._next()
        elif exchange.received > UNREAD:
            self._linger()
        else:
            self._resume_reading()  # discards the rest of the body

    def _next(self) -> None:
        self._exchange = None
        if self._half_closed and not self._rest:
            self.close()
            return
        now = self.loop.time()
        self.since = now
        self.deadline = now + self.server.bounds.idle
        if self._held:
            self._count()
        if self._rest or self._read_paused:
            self._go_on()

    def _go_on(self) -> None:
        """Starts the next request, if there is one and the last answer has been read."""
        if self.closing or self.write_paused:
            return
        if self._rest:
            data, self._rest = self._rest, b""
            self._take(data)
        if not self.closing and self._exchange is None:
            self._resume_reading()

    def refuse(self, status: int, sentence: str) -> None:
        """Sends the server's own answer, and ends this connection."""
        exchange = self._exchange
        if self.closing:
            return
        if exchange is not None and exchange.started and not exchange.answered:
            self._transport.abort()
            return
        if exchange is None or not exchange.answered:
            self._transport.write(refusal(status, sentence, self.server.date))
        if exchange is not None:
            exchange.drop()
        self._linger()

    def fail(self, exchange: Exchange) -> None:
        """The application ended without an answer to this request."""
        if exchange is self._exchange and not exchange.gone and not exchange.answered:
            self.refuse(500, BUG)

    # Closing

    def close(self) -> None:
        """Closes the connection once the client has read everything."""
        if self.closing:
            return
        self.closing = True
        self.deadline = math.inf
        self._rest = b""
        self._transport.close()
        self._watch_reader()

    def _linger(self) -> None:
        """Waits before closing: with unread input, the client would never see our answer (RFC 9112, 9.6)."""
        self.closing = True
        self._rest = b""
        self.deadline = self.loop.time() + LINGER
        self._resume_reading()
        self._watch_reader()
        if self._transport.is_closing():
            return
        if self._half_closed:
            self._transport.close()
        else:
            self._transport.write_eof()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def stop(self) -> None:
        """Takes no more requests. A running one is answered."""
        if self._exchange is not None:
            self._exchange.keep_alive = False
        elif self._transport is not None:
            self.close()

    def is_spare(self, now: float) -> bool:
        return not self.closing and self.since is not None and now - self.since >= SPARE_AFTER

    def poll(self, now: float) -> None:
        """Ends what takes longer than its bound."""
        if self._reader_deadline < math.inf:
            self._look_at_reader(now)
        if now < self.deadline or self._transport is None:
            return
        if self.closing:
            if self._reader_deadline == math.inf:
                self._transport.abort()
        elif self._exchange is not None or self._rest:
            self.refuse(408, LATE)
        elif self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self.close()

    def _watch_reader(self) -> None:
        self._unread = self._transport.get_write_buffer_size()
        if self._unread:
            self._reader_deadline = self.loop.time() + self.server.bounds.answer
        self._count()

    def _look_at_reader(self, now: float) -> None:
        unread = self._transport.get_write_buffer_size()
        more_time = (self._unread - unread) / PACE
        self._unread = unread
        if more_time > 0:
            self._reader_deadline = min(self._reader_deadline + more_time, now + self.server.bounds.answer)
            self._count()
        if self.closing and not unread:
            self._reader_deadline = math.inf
            self.deadline = now + LINGER
        elif now >= self._reader_deadline:
            self._transport.abort()

    # Bookkeeping

    def _count(self) -> None:
        """Counts the bytes held in memory for this connection: unfinished requests, and unread answers."""
        body = 0 if self._exchange is None else self._exchange.received
        self._hold(len(self._rest) + body + self._unread)

    def _hold(self, size: int) -> None:
        self.server.held += size - self._held
        grown, self._held = size > self._held, size
        if grown and self.server.held > self.server.bounds.held:
            self.server.make_memory()

    @property
    def held(self) -> int:
        """Bytes held in memory."""
        return self._held

    def give_up(self) -> None:
        """Gives up this connection to free memory for the others."""
        if self._unread or self.closing:
            self.closing = True
            self._transport.abort()
        else:
            self.refuse(503, FULL)
        self._hold(0)

    def _pause_reading(self) -> None:
        if not self._read_paused and not self._transport.is_closing():
            self._read_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._read_paused and not self._transport.is_closing():
            self._read_paused = False
            self._transport.resume_reading()

    def _wake_writers(self) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            if not writer.done():
                writer.set_result(None)


def refusal(status: int, sentence: str, date: bytes) -> bytes:
    """A whole answer of the server's own, after which it closes the connection."""
    body = msgspec.json.encode(Refusal(sentence))
    retry = b"retry-after: %d\r\n" % BUSY_RETRY if status == 503 else b""
    length = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    return STATUS_LINES[status] + date + _REFUSAL_HEADERS + retry + length + body

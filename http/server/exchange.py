"""One request and its answer, as the application sees them (ASGI)."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from djangobot.http.server.bounds import KEPT, READ_SIZE, UNREAD
from djangobot.http.server.flow import Flow
from djangobot.http.server.parser import Chunks, Head
from djangobot.http.server.refusals import STATUS_LINES

ASGI = {"version": "3.0", "spec_version": "2.3"}


class Channel(Protocol):
    """What an exchange needs of its connection."""

    loop: asyncio.AbstractEventLoop
    flow: Flow

    @property
    def date(self) -> bytes:
        """The header line `Date`."""
        ...

    def write(self, data: bytes) -> None:
        """Sends these bytes to the client."""

    def on_taken(self) -> None:
        """The application has taken a piece of the body, and wants more."""

    def on_answered(self) -> None:
        """The whole answer is written."""


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

    def __init__(self, connection: Channel, head: Head, scope: dict[str, Any]) -> None:
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

    @property
    def held(self) -> int:
        """Bytes of the body in memory: what the application has not taken, and what it may have kept. It
        refuses or streams a body that is larger than UNREAD, unless it says that it keeps it."""
        if KEPT in self.scope and not self.answered:
            return self.received
        return min(self.received, UNREAD) + max(0, len(self.pieces) - UNREAD)

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
        if connection.flow.writing_paused:
            await connection.flow.writable()
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
        parts = [STATUS_LINES[status], self._connection.date]
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


def scope_of(head: Head, client: tuple[str, int] | None, server: tuple[str, int | None]) -> dict[str, Any]:
    """ASGI's `scope` for a request."""
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
        "server": server,
        "state": {},
    }

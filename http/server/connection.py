"""One connection. Its requests are read and answered one after the other, each within its bounds.

A connection has one deadline, which the server checks four times a second. So no request needs a timer.
"""

import asyncio
import math
from typing import Protocol, cast

from djangobot.http.errors import BUG
from djangobot.http.server.bounds import LINGER, SPARE_AFTER, UNREAD, Bounds
from djangobot.http.server.exchange import Exchange, scope_of
from djangobot.http.server.flow import Flow
from djangobot.http.server.pace import ReadingPace, body_deadline
from djangobot.http.server.parser import (
    LARGEST_HEAD,
    Malformed,
    check_unfinished,
    read_head,
)
from djangobot.http.server.refusals import FULL, LATE, refusal


class Listener(Protocol):
    """What a connection needs of the server."""

    loop: asyncio.AbstractEventLoop
    bounds: Bounds
    buffer: memoryview
    date: bytes
    address: tuple[str, int | None]
    stopping: bool
    held: int

    def start(self, connection: "Connection", exchange: Exchange) -> None:
        """Has the application answer a request."""

    def client_of(self, peer: tuple[str, int] | None, forwarded: list[bytes]) -> tuple[str, int] | None:
        """The address and port of the caller behind `peer`."""

    def forget(self, connection: "Connection") -> None:
        """The connection is lost."""

    def free_memory(self) -> None:
        """Closes the connection that holds most memory."""


class Connection(asyncio.BufferedProtocol):
    """Reads requests and has them answered, one after the other. During one request, at most READ_SIZE bytes
    of the next ones are read."""

    def __init__(self, server: Listener, peer: tuple[str, int] | None, *, within_bound: bool = True) -> None:
        self.server = server
        self.loop = server.loop
        self.flow = Flow(server.loop)
        self.closing = False
        self.since: float | None = server.loop.time()
        """Since when it has had no whole request; None while a request is running."""
        self.deadline = server.loop.time() + server.bounds.head
        self._peer = peer
        self._within_bound = within_bound
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # until connection_made
        self._exchange: Exchange | None = None
        self._rest = b""
        self._half_closed = False
        self.held = 0
        """Bytes held in memory."""
        self._reading = ReadingPace(server.bounds)

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from asyncio's
        self.flow.open(self._transport)
        if not self._within_bound:
            self.refuse(503, FULL)
        elif self.server.stopping:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closing = True
        if self._exchange is not None:
            self._exchange.drop()
        self.flow.resume_writing()
        self._hold(0)
        self.server.forget(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.server.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self.closing:
            self._feed(bytes(self.server.buffer[:nbytes]))

    def eof_received(self) -> bool:
        """A client that has closed its side may still read its answer."""
        self._half_closed = True
        exchange = self._exchange
        return not self.closing and exchange is not None and exchange.whole and not exchange.answered

    def pause_writing(self) -> None:
        self.flow.pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self.flow.resume_writing()
        if self.closing:
            return
        self._reading.stop()
        self._count()
        if self._exchange is None:
            self._continue()

    # Reading

    def _feed(self, data: bytes) -> None:
        exchange = self._exchange
        try:
            if exchange is None and not self.flow.writing_paused:
                self._read_head(self._rest + data if self._rest else data)
            elif exchange is not None and not exchange.whole:
                self._read_body(exchange, data)
            else:
                self._rest += data
                self.flow.pause_reading()
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
        exchange = self._exchange = Exchange(
            self, head, scope_of(head, self.server.client_of(self._peer, head.forwarded), self.server.address)
        )
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
                self.flow.pause_reading()
        else:
            self.flow.resume_reading()
        if rest or self.held or not exchange.whole:
            self._count()
        if not self.closing:
            self.server.start(self, exchange)

    def _wait_for_head(self, data: bytes) -> None:
        check_unfinished(data)
        if data and not self._rest:
            self.deadline = self.loop.time() + self.server.bounds.head
        self._rest = data
        self._count()

    def _read_body(self, exchange: Exchange, data: bytes) -> None:
        self._rest = exchange.feed(data)
        now = self.loop.time()
        self.deadline = body_deadline(self.deadline, len(data), now, self.server.bounds)
        if exchange.whole:
            self.deadline = math.inf
            if self._rest:
                self.flow.pause_reading()
            self._count()
            if exchange.answered:
                self._next()
        elif exchange.answered and exchange.received > UNREAD:
            self._linger()
        else:
            self._count()
            if len(exchange.pieces) > UNREAD:
                self.flow.pause_reading()
                self.deadline = math.inf

    def on_taken(self) -> None:
        """The application has taken a piece of the body, and wants more."""
        if self.flow.reading_paused and not self.closing:
            self.deadline = self.loop.time() + self.server.bounds.body
            self.flow.resume_reading()

    # Answering

    @property
    def date(self) -> bytes:
        return self.server.date

    def write(self, data: bytes) -> None:
        if not self.closing:
            self._transport.write(data)

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
            self.flow.resume_reading()  # discards the rest of the body

    def _next(self) -> None:
        self._exchange = None
        if self._half_closed and not self._rest:
            self.close()
            return
        now = self.loop.time()
        self.since = now
        self.deadline = now + self.server.bounds.idle
        if self.held:
            self._count()
        if self._rest or self.flow.reading_paused:
            self._continue()

    def _continue(self) -> None:
        """Starts the next request, if there is one and the last answer has been read."""
        if self.closing or self.flow.writing_paused:
            return
        if self._rest:
            data, self._rest = self._rest, b""
            self._feed(data)
        if not self.closing and self._exchange is None:
            self.flow.resume_reading()

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
        self.flow.resume_reading()
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
        if self._reading.deadline < math.inf:
            self._poll_reader(now)
        if now < self.deadline or self._transport is None:
            return
        if self.closing:
            if self._reading.deadline == math.inf:
                self._transport.abort()
        elif self._exchange is not None or self._rest:
            self.refuse(408, LATE)
        elif self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self.close()

    def _watch_reader(self) -> None:
        self._reading.start(self._transport.get_write_buffer_size(), self.loop.time())
        self._count()

    def _poll_reader(self, now: float) -> None:
        unread = self._transport.get_write_buffer_size()
        if self._reading.advance(unread, now):
            self._count()
        if self.closing and not unread:
            self._reading.stop()
            self.deadline = now + LINGER
        elif now >= self._reading.deadline:
            self._transport.abort()

    # Bookkeeping

    def _count(self) -> None:
        """Counts the bytes held in memory for this connection: unfinished requests, and unread answers."""
        body = 0 if self._exchange is None else self._exchange.held
        self._hold(len(self._rest) + body + self._reading.unread)

    def _hold(self, size: int) -> None:
        self.server.held += size - self.held
        grown, self.held = size > self.held, size
        if grown and self.server.held > self.server.bounds.held:
            self.server.free_memory()

    def give_up(self) -> None:
        """Gives up this connection to free memory for the others."""
        if self._reading.unread or self.closing:
            self.closing = True
            self._transport.abort()
        else:
            self.refuse(503, FULL)
        self._hold(0)

"""The HTTP server: connections for an ASGI application, with bounds on everything a client sends."""

import asyncio
import contextlib
import errno
import math
import resource
import socket
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from email.utils import formatdate
from typing import Any

import structlog

from djangobot.db.tasks import Tasks
from djangobot.http.addresses import LOCAL, Trusted, address_in
from djangobot.http.server.bounds import READ_SIZE, Bounds
from djangobot.http.server.connection import Connection
from djangobot.http.server.exchange import Exchange
from djangobot.http.server.refusals import FULL, refusal

log = structlog.get_logger(__name__)

Application = Callable[[Any, Any, Any], Awaitable[None]]

TICK = 0.25
"""Seconds between two checks of the deadlines."""
END_TICK = 0.02
"""The same while the server stops."""
LINGERING = 32
"""How many connections beyond the bound get a refusal that they have time to read. Any others are refused and
closed at once."""
RESERVE = 96
"""File descriptors kept for the database, Telegram, and files."""
LOG_PAUSE = 10.0
"""Seconds between two log lines about the same shortage."""


class Server:
    """Accepts connections for an ASGI application until it is stopped."""

    def __init__(
        self, application: Application, bounds: Bounds | None = None, trusted: Sequence[str] = ()
    ) -> None:
        self.bounds = bounds or Bounds()
        self.stopping = False
        self.held = 0
        self.buffer = memoryview(bytearray(READ_SIZE))
        """The buffer that all connections read into, one at a time."""
        self.date = b""
        self.address: tuple[str, int | None] = ("", 0)
        self.loop: asyncio.AbstractEventLoop = None  # type: ignore[assignment]  # until it serves
        self._application = application
        self._trusted = Trusted(trusted)
        self._most = self.bounds.connections
        self._connections: set[Connection] = set()
        self._leaving: set[Connection] = set()
        """Connections beyond the bound: those that are refused, and those that are closed for a new one."""
        self._spare: deque[Connection] = deque()
        self._tasks = Tasks()
        self._opening = Tasks()
        self._stop = asyncio.Event()
        self._shortages: dict[str, tuple[float, int]] = {}
        self._warned_of_proxy = False

    # Called from outside

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serves on these listening sockets, and closes them. Returns after `stop`, once all running requests
        are answered, or `grace` is over."""
        self.loop = asyncio.get_running_loop()
        self._most = min(self.bounds.connections, _files_allowed(self.bounds.connections))
        own = sockets[0].getsockname()
        self.address = own[:2] if isinstance(own, tuple) else (own, None)
        self._check_deadlines()
        for listening in sockets:
            listening.setblocking(False)
            self.loop.add_reader(listening, self._accept, listening)
        try:
            while not self.stopping:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await self._stop.wait()
                self._check_deadlines()
        finally:
            self.stopping = True
            for listening in sockets:
                self.loop.remove_reader(listening)
                listening.close()
            await self._end()

    def stop(self) -> None:
        self.stopping = True
        self._stop.set()

    # Called by connections

    def start(self, connection: Connection, exchange: Exchange) -> None:
        self._tasks.start(self._run(connection, exchange))

    def client_of(self, peer: tuple[str, int] | None, forwarded: Sequence[bytes]) -> tuple[str, int] | None:
        """The address and port of the caller, also behind proxies that are trusted. Whoever may open a Unix
        socket is trusted."""
        if not forwarded:
            return peer
        if peer is None:
            caller = self._trusted.caller(LOCAL, forwarded)
            return None if caller == LOCAL else (caller, 0)
        host, port = peer
        if host in self._trusted:
            return self._trusted.caller(host, forwarded), port
        if not self._warned_of_proxy:
            self._warned_of_proxy = True
            log.warning(
                "X-Forwarded-For is not believed: it comes from an address that is not in "
                "DJANGOBOT_TRUSTED_PROXIES; all calls from there share one address's limits",
                address=host,
            )
        return peer

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._leaving.discard(connection)

    def free_memory(self) -> None:
        """Closes the connection that holds most memory. So the others have room."""
        max(self._connections | self._leaving, key=lambda connection: connection.held).give_up()
        self._warn("unfinished requests and unread answers take too much memory", bytes=self.bounds.held)

    # Internal

    async def _run(self, connection: Connection, exchange: Exchange) -> None:
        try:
            await self._application(exchange.scope, exchange.receive, exchange.send)
        except Exception as exc:
            frames = traceback.extract_tb(exc.__traceback__)[-8:]
            log.error(
                "request failed",
                method=exchange.scope["method"],
                error=type(exc).__name__,
                at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
            )
        connection.fail(exchange)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(64):
            try:
                accepted, peer = listening.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as exc:
                if exc.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                self._warn("no more connections can be opened", reason=exc.strerror)
                self._find_spare(self.loop.time())
                self._close_spare()
                self.loop.remove_reader(listening)
                self.loop.call_later(TICK, self._accept_again, listening)
                return
            self._open_or_refuse(accepted, peer)

    def _accept_again(self, listening: socket.socket) -> None:
        if not self.stopping:
            self.loop.add_reader(listening, self._accept, listening)

    def _open_or_refuse(self, accepted: socket.socket, peer: Any) -> None:
        accepted.setblocking(False)
        with contextlib.suppress(OSError):  # a Unix socket has no such option
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        room = len(self._connections) < self._most or self._close_spare()
        if not room:
            self._warn("too many connections", most=self._most)
            if len(self._leaving) >= LINGERING:
                _refuse_at_once(accepted, refusal(503, FULL, self.date))
                return
        connection = Connection(self, _peer(peer), within_bound=room)
        (self._connections if room else self._leaving).add(connection)
        self._opening.start(self._open(connection, accepted))

    async def _open(self, connection: Connection, accepted: socket.socket) -> None:
        try:
            await self.loop.connect_accepted_socket(lambda: connection, accepted)
        except OSError:
            accepted.close()
            self.forget(connection)

    def _close_spare(self) -> bool:
        """Closes the connection that has waited longest, if it has been without a request for SPARE_AFTER.
        Returns whether there was one."""
        while self._spare:
            connection = self._spare.popleft()
            if connection in self._connections and connection.is_spare(self.loop.time()):
                self._connections.discard(connection)
                self._leaving.add(connection)
                connection.close()
                return True
        return False

    def _find_spare(self, now: float) -> None:
        spare = [connection for connection in self._connections if connection.is_spare(now)]
        self._spare = deque(sorted(spare, key=lambda connection: connection.since or now))

    def _check_deadlines(self) -> None:
        now = self.loop.time()
        self.date = b"date: %b\r\n" % formatdate(usegmt=True).encode()
        for connection in [*self._connections, *self._leaving]:
            connection.poll(now)
        if len(self._connections) >= self._most:
            self._find_spare(now)

    def _warn(self, shortage: str, **fields: Any) -> None:
        """Logs a shortage at once, and then at most every LOG_PAUSE seconds, with the number of times it
        happened."""
        now = self.loop.time()
        last, times = self._shortages.get(shortage, (-math.inf, 0))
        if now - last < LOG_PAUSE:
            self._shortages[shortage] = (last, times + 1)
            return
        self._shortages[shortage] = (now, 0)
        log.warning(shortage, times=times + 1, **fields)

    async def _end(self) -> None:
        for connection in list(self._connections):
            connection.stop()
        for connection in list(self._leaving):
            connection.abort()
        last = self.loop.time() + self.bounds.grace
        while (self._connections or self._tasks) and self.loop.time() < last:
            await asyncio.sleep(END_TICK)
            self._check_deadlines()
        for connection in [*self._connections, *self._leaving]:
            connection.abort()
        for task in [*self._tasks, *self._opening]:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)


def _refuse_at_once(accepted: socket.socket, answer: bytes) -> None:
    """Refuses and closes at once. The input that has arrived is read first, because otherwise the answer
    would be lost."""
    with accepted:
        with contextlib.suppress(OSError):
            accepted.recv(READ_SIZE)
        with contextlib.suppress(OSError):
            accepted.send(answer)
            accepted.shutdown(socket.SHUT_WR)


def _peer(address: Any) -> tuple[str, int] | None:
    """The address of the client; None for a Unix socket."""
    if not isinstance(address, tuple):
        return None
    host: str = address[0].partition("%")[0]
    known = address_in(host)
    return (host if known is None else str(known), address[1])


def _files_allowed(wanted: int) -> int:
    """How many of so many connections the process may open beside its other files."""
    spared = RESERVE + LINGERING
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + spared:
        higher = min(wanted + spared, hard) if hard != resource.RLIM_INFINITY else wanted + spared
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (higher, hard))
            soft = higher
    return max(1, min(wanted, soft - spared))

"""A Telegram that cannot be reached: the log says why and where, and the attempts become rarer."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
import structlog
from structlog.typing import EventDict

from djangobot.bot.backoff import Backoff
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram import reconnecting_session
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.connection import Connection
from djangobot.bot.telegram.reconnecting_session import ReconnectingSession
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import Session, SessionStorage

HOST = "127.0.0.1"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs and pauses as in life, but shorter."""
    monkeypatch.setattr(Connection, "timeout", 0.1)
    monkeypatch.setattr(ReconnectingSession, "START_TIMEOUT", 0.1)
    monkeypatch.setattr(reconnecting_session, "RECONNECT_PAUSE", 0.02)


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """What is logged during the test."""
    with structlog.testing.capture_logs() as events:
        yield events


@contextlib.asynccontextmanager
async def refusing() -> AsyncIterator[int]:
    """A port that nobody listens on. It stays ours, so nobody else gets it meanwhile."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        yield int(bound.getsockname()[1])


@contextlib.asynccontextmanager
async def full() -> AsyncIterator[int]:
    """A port whose queue is full: Linux answers no further SYN, as if a firewall dropped it."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind((HOST, 0))
        listening.listen(0)
        port = int(listening.getsockname()[1])
        for _ in range(16):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((HOST, port))
        yield port


@contextlib.asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A port that accepts and never answers."""
    over = asyncio.Event()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(accept, HOST, 0) as server:
        yield int(server.sockets[0].getsockname()[1])
        over.set()


@contextlib.asynccontextmanager
async def closing() -> AsyncIterator[int]:
    """A port that accepts, reads and closes."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(accept, HOST, 0) as server:
        yield int(server.sockets[0].getsockname()[1])


class FailingClient(TelegramClient):
    """A client that says when an attempt has failed."""

    failures: asyncio.Queue[str]

    async def wait_to_reconnect(self, pauses: Backoff, event: str, exc: OSError) -> None:
        self.failures.put_nowait(event)
        await super().wait_to_reconnect(pauses, event, exc)


async def attempts(session: Session, logged: list[EventDict], count: int) -> list[EventDict]:
    """The first failed attempts to start with this session, as they were logged."""
    client = FailingClient(SessionStorage(session), 1, "hash", "1:sandbox")
    client.failures = asyncio.Queue()
    starting = asyncio.create_task(client.start())
    try:
        async with asyncio.timeout(PATIENCE):
            for _ in range(count):
                await client.failures.get()
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await client.stop()
    found = [one for one in logged if "again_in" in one]
    assert client.last_failure == found[-1]["reason"]
    return found


KNOWN = Session(dc_id=2, api_id=1, auth_key=bytes(256), user_id=1)


@pytest.mark.parametrize("session", [Session(), KNOWN], ids=["first sign-in", "known session"])
@pytest.mark.parametrize(
    ("port", "why"),
    [
        (refusing, "connection refused by"),
        (full, "connection timed out to"),
        (silent, "connection timed out to"),
        (closing, "connection closed by"),
    ],
)
async def test_each_failed_attempt_says_why_and_where(
    port: Callable[[], AbstractAsyncContextManager[int]],
    why: str,
    session: Session,
    logged: list[EventDict],
    shared_sandbox: SandboxProcess,
) -> None:
    """Whether a handshake is needed or there is a key already, and whatever the network does."""
    async with port() as number:
        use_server(HOST, number, shared_sandbox.key)
        found = await attempts(session, logged, 2)
        assert [one["reason"] for one in found] == [f"{why} {HOST}:{number}"] * 2


async def test_the_attempts_become_rarer(
    logged: list[EventDict], shared_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is down for an hour is not asked every half second."""
    monkeypatch.setattr(reconnecting_session, "RECONNECT_PAUSE", 0.4)
    async with refusing() as port:
        use_server(HOST, port, shared_sandbox.key)
        pauses = [one["again_in"] for one in await attempts(Session(), logged, 3)]
    for failures, pause in enumerate(pauses):
        assert 0.2 * 2**failures - 0.05 <= pause <= 0.4 * 2**failures + 0.05

# Pyrogram's annotations are wrong where fields begin as None; mypy is told the same in pyproject.toml.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
"""Connection: one attempt to reach Telegram, and the exchange of a key. Each failure says what failed, and
with which address.

Pyrogram's own classes try several times on their own and give no reason. Ours take their place inside
Pyrogram.
"""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import Executor, Future
from types import FunctionType
from typing import Any

import pyrogram
from pyrogram.connection.transport import TCPAbridged
from pyrogram.raw.core import Int, Long, TLObject
from pyrogram.session import Auth
from pyrogram.session.internals import MsgId

from djangobot.bot.telegram import library
from djangobot.bot.telegram.server import address_of

TIMEOUT = 9.0
"""Seconds that a server gets to accept a connection, and for each answer of the handshake. Pyrogram would
give up without a reason after ten."""


class InlineExecutor(Executor):
    """Encrypts in the calling thread. A message takes 2 µs to encrypt. Passing it to Pyrogram's thread and
    back takes ten times as long; with the SQLite threads running, each switch waits for Python's lock."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as exc:
            future.set_exception(exc)
        return future


ENCRYPTS = InlineExecutor()
pyrogram.crypto_executor = ENCRYPTS  # kurigram has one for each connection


class NotConnected(ConnectionError):
    """There is no connection: Telegram was not asked."""


class ConnectionLost(ConnectionError):
    """The connection ended before the answer arrived."""


class NeedsNewConnection(ConnectionError):
    """Not done: the client must introduce the connection to Telegram again."""


class KeyForgotten(NeedsNewConnection):
    """Not done: Telegram does not accept this session any more. A new sign-in is needed."""


class Connection:
    """Makes one attempt to reach a data centre and reports why it failed. Pyrogram's own makes three and
    reports nothing."""

    timeout = TIMEOUT

    def __init__(self, dc_id: int, *_: object, **__: object) -> None:
        """The libraries pass more: addresses, test servers, proxies. We use none of it."""
        self.address = address_of(dc_id)
        self.protocol = TCPAbridged(False, None)  # IPv4, no proxy
        self.protocol.crypto_executor = ENCRYPTS

    async def connect(self) -> None:
        """Connects. Raises ConnectionError."""
        try:
            async with asyncio.timeout(self.timeout):
                await self.protocol.connect(self.address)
        except BaseException as exc:
            await self.protocol.close()
            if (socket := getattr(self.protocol, "socket", None)) is not None:
                socket.close()
            if isinstance(exc, OSError):
                raise ConnectionError(reason(exc, self.address)) from exc
            raise

    async def close(self) -> None:
        """Closes the connection."""
        await self.protocol.close()

    async def send(self, data: bytes) -> None:
        """Sends one packet. Raises OSError."""
        await self.protocol.send(data)

    async def recv(self) -> bytes | None:
        """The next packet, or None when the connection has ended."""
        return await self.protocol.recv()


# The library's handshake, over our connection in place of its own; kurigram asks the client for it.
_create: Any = FunctionType(Auth.create.__code__, Auth.create.__globals__ | {"Connection": Connection})


class KeyExchange(Auth):
    """Creates a new key in one attempt. The caller decides when to try again."""

    MAX_RETRIES = 0

    def __init__(self, client: Any, dc_id: int) -> None:
        super().__init__(client, *library.placed(dc_id, False))

    @staticmethod
    def pack(data: TLObject, *_: object) -> bytes:
        """One step of the handshake as it is sent: without a key, with a message id of now."""
        body = data.write()
        return bytes(8) + Long(MsgId()) + Int(len(body)) + body

    async def create(self) -> bytes:
        """Creates the key. Raises OSError. A handshake fails differently at each step, because Pyrogram
        does not expect an error in an answer's place; each failure becomes a ConnectionError."""
        try:
            made: bytes = await _create(self)
            return made
        except OSError:
            raise
        except Exception as exc:
            host, port = self.connection.address
            raise ConnectionError(f"no whole handshake with {host}:{port} ({type(exc).__name__})") from exc

    async def invoke(self, data: TLObject) -> Any:
        """Sends one step of the handshake and returns its answer. Raises ConnectionError."""
        address = self.connection.address
        try:
            async with asyncio.timeout(self.connection.timeout):
                await self.connection.send(self.pack(data))
                packet = await self.connection.recv()
        except OSError as exc:
            raise ConnectionError(reason(exc, address)) from exc
        if packet is None:
            raise ConnectionError(closed_by(address))
        return self.unpack(io.BytesIO(packet))


def reason(exc: OSError, address: tuple[str, int]) -> str:
    """Why there is no connection with this address, in the words of the log and of `doctor`."""
    host, port = address
    if isinstance(exc, TimeoutError):
        return f"connection timed out to {host}:{port}"
    if isinstance(exc, ConnectionRefusedError):
        return f"connection refused by {host}:{port}"
    return f"no connection with {host}:{port}: {exc.strerror or exc}"


def closed_by(address: tuple[str, int]) -> str:
    """The same for a connection that the other side closed before it answered."""
    host, port = address
    return f"connection closed by {host}:{port}"

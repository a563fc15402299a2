# Pyrogram's annotations are wrong where fields begin as None; mypy is told the same in pyproject.toml.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
"""Reconnecting session: one connection with Telegram, made again after a cut.

Pyrogram's own session keeps waiting for answers on a connection that is gone. After a cut it keeps using a
key that the server no longer knows.
"""

import asyncio
import platform
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from pyrogram import raw
from pyrogram.errors import RPCError
from pyrogram.raw.core import TLObject
from pyrogram.session import Session

from djangobot import __version__
from djangobot.bot.backoff import Backoff
from djangobot.bot.telegram import error_meanings, library
from djangobot.bot.telegram.connection import Connection, KeyForgotten, closed_by, reason
from djangobot.bot.telegram.session import SessionStorage

log = structlog.get_logger(__name__)

AUTH_KEY_NOT_FOUND = b"\x6c\xfe\xff\xff"
"""-404 as the transport sends it (core.telegram.org/mtproto/mtproto-transports#transport-errors)."""
NOT_FOUND = "AUTH_KEY_NOT_FOUND"
RECONNECT_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before the second attempt to reach a server, and between later attempts, at most."""


class SessionOwner:
    """A client as the library's session sees it. It hears what becomes of its session."""

    app_version = f"DjangoBot {__version__}"
    device_model = f"{platform.python_implementation()} {platform.python_version()}"
    system_version = f"{platform.system()} {platform.release()}"
    language = "en"
    ipv6, proxy, protocol_factory = False, None, None
    connection_factory = Connection
    online: asyncio.Event
    """Set while calls can be answered: the bot is signed in and connected."""
    last_failure: str
    """Why the last attempt did not reach Telegram. Empty when it did."""
    on_back: Callable[[], Awaitable[None]]
    """Called each time the connection is back after a cut."""

    def __init__(self, storage: SessionStorage) -> None:
        self.storage = storage
        self.loop = asyncio.get_running_loop()

    @property
    def server_time(self) -> float:
        """The time for message ids."""
        return time.time()

    def _set_server_time(self, msg_id: int) -> None:
        """kurigram reports Telegram's time. A machine's clock that is wrong shows in Telegram's refusals."""

    async def handle_updates(self, updates: TLObject) -> None:
        """Called with what Telegram pushes."""
        raise NotImplementedError

    def forget(self, why: str) -> None:
        """Called when Telegram does not accept the session any more."""
        raise NotImplementedError

    async def wait_to_reconnect(self, pauses: Backoff, event: str, exc: OSError) -> None:
        """Keeps and logs why Telegram was not reached, then waits until the next attempt."""
        self.last_failure = str(exc) or type(exc).__name__
        pause = pauses.next_pause()
        log.warning(event, reason=self.last_failure, again_in=round(pause, 1))
        await asyncio.sleep(pause)

    def refused(self, exc: RPCError) -> None:
        """Keeps and logs why Telegram refused the connection."""
        self.last_failure = error_meanings.sentence(exc)
        log.warning("telegram connection refused", reason=self.last_failure)


def reconnect_pauses() -> Backoff:
    """The pauses between attempts to reach Telegram."""
    return Backoff(RECONNECT_PAUSE, LONGEST_PAUSE)


class ReconnectingSession(Session):
    """One connection with Telegram, made again after a cut. Answers that are awaited at the cut are lost at
    once."""

    def __init__(self, client: SessionOwner, dc_id: int, auth_key: bytes) -> None:
        super().__init__(client, *library.placed(dc_id, auth_key, False))
        self.loop = client.loop
        self.closing = False
        self.forgotten = False
        self.made = 0.0
        """When the connection was made, on the monotonic clock."""
        self.remaking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connects, however long it takes. Raises `KeyForgotten` when the server does not know our key."""
        pauses = reconnect_pauses()
        while True:
            try:
                return await self._start_once()
            except RPCError as exc:
                what = error_meanings.meaning(exc)
                if what == "session":
                    raise KeyForgotten(error_meanings.word(exc)) from exc
                self.client.refused(exc)
                await asyncio.sleep(error_meanings.seconds_of(exc) if what == "wait" else pauses.next_pause())
            except OSError as exc:
                if self.forgotten:
                    raise KeyForgotten from exc
                await self.client.wait_to_reconnect(pauses, "telegram connection failed", exc)

    async def _start_once(self) -> None:
        self.connection = Connection(self.dc_id)
        try:
            await self.connection.connect()
            self.recv_task = self.loop.create_task(self.recv_worker())
            await self.send(raw.functions.Ping(ping_id=0), timeout=self.START_TIMEOUT)
            await self.send(self._hello(self.client.storage.session.api_id), timeout=self.START_TIMEOUT)
        except BaseException as exc:
            was_cut = self.recv_task is not None and self.recv_task.done()
            await self._close()
            if isinstance(exc, TimeoutError):
                address = self.connection.address
                raise ConnectionError(closed_by(address) if was_cut else reason(exc, address)) from exc
            raise
        self.ping_task = self.loop.create_task(self.ping_worker())
        self.client.last_failure = ""
        self.is_started.set()
        self.made = time.monotonic()

    def _hello(self, api_id: int) -> TLObject:
        client = self.client
        return raw.functions.InvokeWithLayer(
            layer=library.LAYER,
            query=raw.functions.InitConnection(
                api_id=api_id,
                app_version=client.app_version,
                device_model=client.device_model,
                system_version=client.system_version,
                system_lang_code=client.language,
                lang_code=client.language,
                lang_pack="",
                query=raw.functions.help.GetConfig(),
            ),
        )

    async def recv_worker(self) -> None:
        """Reads until the connection ends. Then has it made again, unless we are closing it ourselves."""
        while True:
            packet = await self.connection.recv()
            if packet is None or len(packet) == 4:
                break
            self.loop.create_task(self._packet(packet))
        self.forgotten = self.forgotten or packet == AUTH_KEY_NOT_FOUND
        was_up = self.is_started.is_set()
        self.is_started.clear()
        self.client.online.clear()
        self._lose_answers()
        if was_up and not self.closing:
            self.remaking = self.loop.create_task(self._remake())

    async def send(self, *query: Any, **how: Any) -> Any:
        """As the library's, but no cancellation gets lost. `asyncio.wait_for` of Python 3.11, on which it
        stands, drops one that comes together with the answer: whoever was cancelled would go on for ever."""
        task: Any = asyncio.current_task()
        before = task.cancelling()
        try:
            return await super().send(*query, **how)
        finally:
            if task.cancelling() > before:
                raise asyncio.CancelledError

    async def _packet(self, packet: bytes) -> None:
        try:
            await self.handle_packet(packet)
        except Exception as exc:
            log.warning("telegram packet discarded", reason=str(exc) or type(exc).__name__)
            await self.connection.close()

    async def _remake(self) -> None:
        await self._close()
        await asyncio.sleep(self.made + RECONNECT_PAUSE - time.monotonic())  # after an immediate cut
        try:
            await self.start()
        except KeyForgotten as exc:
            self.client.forget(str(exc) or NOT_FOUND)
        else:
            self.client.online.set()
            await self.client.on_back()

    async def restart(self) -> None:
        """Called by kurigram after a failed ping and a packet that it can't read."""
        await self.connection.close()

    def give_up(self, connection: Any) -> None:
        """Closes this connection so that it is made again, unless another one has replaced it."""
        if self.connection is connection and not self.closing:
            self.loop.create_task(connection.close())

    def _lose_answers(self) -> None:
        """Wakes everyone who waits for an answer on the lost connection: `send` raises TimeoutError."""
        for result in self.results.values():
            result.event.set()

    async def _close(self) -> None:
        self.is_started.clear()
        self.stored_msg_ids.clear()
        self.pending_acks.clear()
        self.ping_task_event.set()
        if self.ping_task is not None:
            await self.ping_task
            self.ping_task = None
        self.ping_task_event.clear()
        await self.connection.close()
        if self.recv_task is not None and self.recv_task is not asyncio.current_task():
            await self.recv_task

    async def stop(self) -> None:
        """Closes for good. Leaves nothing running, whether the server answers or not."""
        self.closing = True
        if self.remaking is not None:
            self.remaking.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self.remaking
        if self.connection is not None:
            await self._close()

# Pyrogram's annotations are wrong where fields begin as None; mypy is told the same in pyproject.toml.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
"""Our Telegram client: Pyrogram's connection and codec, without its retries, peer cache and dispatcher.

Pyrogram decides three things that we must decide ourselves. It repeats calls on its own, so a caller cannot
know what was sent. It keeps waiting for answers on a connection that is gone. After a cut it keeps using a
key that the server no longer knows. `ReconnectingSession` replaces this behaviour. Updates go raw to one
function.
"""

import asyncio
import io
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from hashlib import sha1
from pathlib import Path
from typing import Any

import pyrogram
import pyrogram.client
import pyrogram.connection.connection
import pyrogram.session.auth
import structlog
from pyrogram import raw
from pyrogram.connection.transport import TCPAbridged
from pyrogram.crypto import rsa
from pyrogram.errors import (
    AuthKeyDuplicated,
    AuthKeyInvalid,
    AuthKeyUnregistered,
    NetworkMigrate,
    PhoneMigrate,
    RPCError,
    UserMigrate,
    rpc_error,
)
from pyrogram.raw.all import layer
from pyrogram.raw.core import TLObject
from pyrogram.session import Auth, Session
from pyrogram.storage import Storage

from djangobot.bot.telegram import refusals
from djangobot.bot.telegram.key_file import read_public_key

log = structlog.get_logger(__name__)

# Pyrogram appends errors it does not know to unknown_errors.txt in the working directory; we log them
# ourselves.
rpc_error.open = lambda *_, **__: io.StringIO()


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


pyrogram.crypto_executor = InlineExecutor()

AUTH_KEY_NOT_FOUND = b"\x6c\xfe\xff\xff"
"""-404 as the transport sends it (core.telegram.org/mtproto/mtproto-transports#transport-errors)."""
ANSWER_TIMEOUT = 15.0
"""Seconds after which an answer counts as lost; Pyrogram's own figure."""
RECONNECT_PAUSE = 0.5
"""Seconds before the second attempt to reach a server. Each further pause is twice as long."""
LONGEST_PAUSE = 30.0
SIGN_IN_PAUSE, SIGN_IN_PAUSE_MOST = 1.0, 60.0
"""Seconds between sign-ins whose sessions Telegram then refuses: the first and the longest. Each pause is
twice as long as the one before."""

NOT_FOUND = "AUTH_KEY_NOT_FOUND"

UpdateHandler = Callable[[TLObject, dict[int, Any]], Awaitable[None]]
Numbers = (raw.types.UpdateNewMessage, raw.types.UpdateEditMessage, raw.types.UpdateDeleteMessages)
"""Updates with a pts of the bot's own box."""


class NotConnected(ConnectionError):
    """There is no connection: Telegram was not asked."""


class ConnectionLost(ConnectionError):
    """The connection ended before the answer arrived."""


class Anew(ConnectionError):
    """Not done: the client must introduce the connection to Telegram again."""


class KeyForgotten(Anew):
    """Not done: Telegram does not accept this session any more. A new sign-in is needed."""


def use_server(host: str, port: int, key: Path) -> None:
    """Sends every connection of this process to `host:port`, whose RSA public key (PKCS#1 PEM) is in `key`.

    Pyrogram allows this in one place only, for the whole process.
    """
    modulus, exponent = read_public_key(key.read_text())
    body = _tl_bytes(modulus) + _tl_bytes(exponent)
    fingerprint = int.from_bytes(sha1(body).digest()[-8:], "little", signed=True)  # noqa: S324 - MTProto's definition
    rsa.server_public_keys[fingerprint] = rsa.PublicKey(
        int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    )
    pyrogram.connection.connection.DataCenter = lambda *_: (host, port)


class _Connection(pyrogram.connection.Connection):
    """Makes one attempt and reports why it failed. Pyrogram's own makes three and reports nothing."""

    async def connect(self) -> None:
        """Connects. Raises ConnectionError."""
        self.protocol = TCPAbridged(self.ipv6, self.proxy)
        try:
            await self.protocol.connect(self.address)
        except OSError as exc:
            await self.protocol.close()
            if self.protocol.socket is not None:
                self.protocol.socket.close()
            raise ConnectionError(_why(exc, *self.address)) from exc


class _Auth(Auth):
    """Creates a new key in one attempt. The caller decides when to try again."""

    MAX_RETRIES = 0

    async def create(self) -> bytes:
        """Creates the key. Raises OSError. A cut handshake fails differently at each step, because Pyrogram
        reads data that never arrived; each failure becomes a ConnectionError."""
        try:
            return await super().create()
        except OSError:
            raise
        except Exception as exc:
            host, port = self.connection.address
            raise ConnectionError(f"no whole handshake with {host}:{port} ({type(exc).__name__})") from exc


pyrogram.session.auth.Connection = _Connection
pyrogram.client.Auth = _Auth


def _why(exc: OSError, host: str, port: int) -> str:
    if isinstance(exc, TimeoutError):
        return f"connection timed out to {host}:{port}"
    if isinstance(exc, ConnectionRefusedError):
        return f"connection refused by {host}:{port}"
    return f"no connection with {host}:{port}: {exc.strerror or exc}"


class _Patience:
    """Waits between attempts: longer each time, by a random factor. So many clients that lost the same server
    do not return together."""

    def __init__(self) -> None:
        self.longest = RECONNECT_PAUSE

    async def wait(self, event: str, exc: BaseException) -> None:
        """Logs the reason, then waits."""
        pause = self.longest * random.uniform(0.5, 1)  # noqa: S311 - spreads, keeps no secret
        log.warning(event, reason=str(exc) or type(exc).__name__, again_in=round(pause, 1))
        await asyncio.sleep(pause)
        self.longest = min(2 * self.longest, LONGEST_PAUSE)


class ReconnectingSession(Session):
    """One connection with Telegram, made again after a cut. Answers that are awaited at the cut are lost at
    once."""

    def __init__(self, client: "TelegramClient", dc_id: int, auth_key: bytes) -> None:
        super().__init__(client, dc_id, auth_key, False)
        self.closing = False
        self.forgotten = False
        self.made = 0.0
        """When the connection was made, on the monotonic clock."""
        self.remaking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connects, however long it takes. Raises `KeyForgotten` when the server does not know our key."""
        patience = _Patience()
        while True:
            try:
                return await self._start_once()
            except RPCError as exc:
                what = refusals.meaning(exc)
                if what == "session":
                    raise KeyForgotten(refusals.word(exc)) from exc
                log.warning("telegram connection refused", reason=str(exc))
                await asyncio.sleep(refusals.seconds_of(exc) if what == "wait" else RECONNECT_PAUSE)
            except OSError as exc:
                if self.forgotten:
                    raise KeyForgotten from exc
                self.client.trouble = str(exc)
                await patience.wait("telegram connection failed", exc)

    async def _start_once(self) -> None:
        self.connection = _Connection(
            self.dc_id, self.test_mode, self.client.ipv6, self.client.proxy, self.is_media
        )
        try:
            await self.connection.connect()
            self.recv_task = self.loop.create_task(self.recv_worker())
            await self.send(raw.functions.Ping(ping_id=0), timeout=self.START_TIMEOUT)
            await self.send(self._hello(await self.client.storage.api_id()), timeout=self.START_TIMEOUT)
        except BaseException:
            await self._close()
            raise
        self.ping_task = self.loop.create_task(self.ping_worker())
        self.client.trouble = ""
        self.is_started.set()
        self.made = time.monotonic()

    def _hello(self, api_id: int) -> TLObject:
        client = self.client
        return raw.functions.InvokeWithLayer(
            layer=layer,
            query=raw.functions.InitConnection(
                api_id=api_id,
                app_version=client.app_version,
                device_model=client.device_model,
                system_version=client.system_version,
                system_lang_code=client.lang_code,
                lang_code=client.lang_code,
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
        if self.connection is not None and self.connection.protocol is not None:
            await self._close()


class TelegramClient(pyrogram.Client):
    """A bot's connection with Telegram, on the session in `storage`.

    `on_update(update, users)` gets every update, raw. `on_pts(pts, count)` gets the numbers that our own
    calls used. `on_back()` is called each time the connection is back after a cut.
    """

    on_update: UpdateHandler
    on_back: Callable[[], Awaitable[None]]
    on_pts: Callable[[int, int], None]

    def __init__(self, storage: Storage, api_id: int, api_hash: str, bot_token: str) -> None:
        super().__init__(
            "telegram",
            api_id=api_id,
            api_hash=api_hash,
            bot_token=bot_token,
            in_memory=True,
            workers=1,
            sleep_threshold=0,
        )
        self.storage = storage
        self.on_update = _ignore
        self.on_back = _ignore
        self.on_pts = lambda pts, count: None
        self.key_forgotten = asyncio.Event()
        """Set when Telegram no longer accepts the session, for example by -404 after a cut. Call `start`
        again to sign in anew."""
        self.online = asyncio.Event()
        """Set while calls can be answered: the bot is signed in and connected."""
        self.on_duty: Callable[[], bool] = lambda: True
        """Whether this process may talk to Telegram. Checked before each call."""
        self.caught_up = asyncio.Event()
        """Set once the updates from before the start have been fetched."""
        self.trouble = ""
        """Why the last attempt did not reach Telegram."""

    async def start(self) -> "TelegramClient":
        """Connects, signs in when the session is new, and reads the bot's own user. Raises RPCError for a
        wrong token."""
        if self.key_forgotten.is_set():
            await self._drop()
            await self.storage.delete()
        pause = 0.0
        while True:
            try:
                await self._sign_in()
            except KeyForgotten as exc:
                log.warning("telegram session is not known any more; signing in anew", reason=str(exc))
                await self._drop()
                await self.storage.delete()
                await asyncio.sleep(pause)
                pause = min(max(pause * 2, SIGN_IN_PAUSE), SIGN_IN_PAUSE_MOST)
            except BaseException:
                await self._drop()
                raise
            else:
                return self

    async def _sign_in(self) -> None:
        self.key_forgotten.clear()
        await self._load_or_create_session()
        await self._link()
        if not await self.storage.user_id():
            await self._authorize()
        await self.ask(raw.functions.updates.GetState())
        self.me = (await self.ask(raw.functions.users.GetUsers(id=[raw.types.InputUserSelf()])))[0]
        self.online.set()

    async def _link(self) -> None:
        self.session = ReconnectingSession(self, await self.storage.dc_id(), await self.storage.auth_key())
        await self.session.start()
        self.is_connected = True

    async def _authorize(self) -> None:
        """Signs in with the bot token, in the data centre that Telegram names."""
        query = raw.functions.auth.ImportBotAuthorization(
            flags=0, api_id=self.api_id, api_hash=self.api_hash, bot_auth_token=self.bot_token
        )
        while True:
            try:
                answer = await self._call(query)
            except (UserMigrate, PhoneMigrate, NetworkMigrate) as exc:
                await self.session.stop()
                key = await self._new_key(exc.value)
                await self.storage.dc_id(exc.value)
                await self.storage.auth_key(key)
                await self._link()
            except (AuthKeyUnregistered, AuthKeyInvalid, AuthKeyDuplicated) as exc:
                raise KeyForgotten(refusals.word(exc)) from exc
            except OSError as exc:
                self.trouble = str(exc) or "Telegram does not answer the sign-in"
                log.warning("telegram did not answer the sign-in", reason=str(exc) or type(exc).__name__)
                await asyncio.sleep(RECONNECT_PAUSE)  # the connection itself waits longer each time
            else:
                await self.storage.user_id(answer.user.id)
                await self.storage.is_bot(True)
                return

    async def _new_key(self, dc_id: int) -> bytes:
        """Creates a key with another data centre, however long it takes."""
        patience = _Patience()
        while True:
            try:
                return await _Auth(self, dc_id, False).create()
            except OSError as exc:
                self.trouble = str(exc)
                await patience.wait("telegram is not reachable", exc)

    async def _load_or_create_session(self) -> None:
        patience = _Patience()
        while True:
            try:
                await self.load_session()
                return
            except OSError as exc:
                self.trouble = str(exc)
                await self.storage.close()
                await patience.wait("telegram is not reachable", exc)

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot; 0 before it has signed in."""
        return int(self.me.id) if self.me else 0

    @property
    def bot_name(self) -> str:
        """The name by which people find the bot: its username, or its id when it has none."""
        return str(self.me.username or self.me.id) if self.me else ""

    async def _drop(self) -> None:
        self.is_connected = False
        self.online.clear()
        if self.session is not None:
            await self.session.stop()
        await self.storage.close()

    async def stop(self, block: bool = True) -> "TelegramClient":
        """Closes the connection in order. Safe to call when it was never opened."""
        await self._drop()
        self.executor.shutdown(wait=False, cancel_futures=True)
        return self

    async def ask(self, query: TLObject) -> Any:
        """Makes one attempt and never repeats it. Raises RPCError when Telegram refuses. Raises OSError when
        the answer is lost: ConnectionLost if it was lost with the connection, NotConnected and Anew if the
        call was not done."""
        link = self.session
        connection = link.connection if link is not None else None
        try:
            answer = await self._call(query)
        except RPCError as exc:
            what = refusals.meaning(exc)
            if what == "session":
                self.forget(refusals.word(exc))
                raise KeyForgotten(f"telegram refused this session: {refusals.word(exc)}") from exc
            if what == "connection":
                log.warning("telegram wants a new connection", reason=refusals.word(exc))
                link.give_up(connection)
                raise Anew(refusals.word(exc)) from exc
            raise
        if isinstance(answer, raw.types.UpdateShortSentMessage):
            self.on_pts(answer.pts, answer.pts_count)
        elif isinstance(answer, raw.types.Updates):
            for update in answer.updates:
                if isinstance(update, Numbers):
                    self.on_pts(update.pts, update.pts_count)
        return answer

    async def _call(self, query: TLObject) -> Any:
        link = self.session
        if link is None or not link.is_started.is_set():
            raise NotConnected("not connected with Telegram")
        if not self.on_duty():
            raise NotConnected("another process may be on duty by now")
        connection = link.connection
        try:
            return await self.invoke(query, retries=0, timeout=ANSWER_TIMEOUT, sleep_threshold=0)
        except TimeoutError as exc:
            if link.is_started.is_set() and link.connection is connection:
                raise
            raise ConnectionLost("the connection was cut") from exc
        except OSError as exc:
            link.give_up(connection)
            raise ConnectionLost(str(exc) or type(exc).__name__) from exc

    def forget(self, reason: str) -> None:
        """Marks the session as refused by Telegram. Whoever waits for `key_forgotten` signs in anew."""
        self.online.clear()
        if not self.key_forgotten.is_set():
            log.error("telegram refused this session", reason=reason)
            if reason != NOT_FOUND:
                refusals.session_ended(reason)
        self.key_forgotten.set()

    async def fetch_peers(self, peers: Any) -> bool:
        """Keeps nothing: access hashes are in the chats table, and Pyrogram's own rows are lost at a
        SIGKILL."""
        return False

    async def handle_updates(self, updates: TLObject) -> None:
        """Unpacks what Telegram pushes. Bots never get the short forms of people's messages."""
        if isinstance(updates, raw.types.Updates | raw.types.UpdatesCombined):
            users = {user.id: user for user in updates.users}
            users |= {-chat.id: chat for chat in updates.chats}  # groups and channels, as in the Bot API
            for update in updates.updates:
                await self.on_update(update, users)
        elif isinstance(updates, raw.types.UpdateShort):
            await self.on_update(updates.update, {})


async def _ignore(*_: object) -> None:
    return None


def _tl_bytes(data: bytes) -> bytes:
    """TL's `bytes`: length, data, padding to four (core.telegram.org/mtproto/serialize)."""
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-(len(head) + len(data)) % 4)

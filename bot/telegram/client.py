# Pyrogram's annotations are wrong where fields begin as None; mypy is told the same in pyproject.toml.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
"""Our Telegram client, on Pyrogram's session and codec. Pyrogram's own client is not used.

Pyrogram's repeats calls on its own, so a caller cannot know what was sent. This client makes each call once.
Updates go raw to one function.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from pyrogram import raw
from pyrogram.errors import (
    AuthKeyDuplicated,
    AuthKeyInvalid,
    AuthKeyUnregistered,
    NetworkMigrate,
    PhoneMigrate,
    RPCError,
    UserMigrate,
)
from pyrogram.raw.core import TLObject

from djangobot.bot.backoff import Backoff
from djangobot.bot.telegram import error_meanings
from djangobot.bot.telegram.connection import (
    ConnectionLost,
    KeyExchange,
    KeyForgotten,
    NeedsNewConnection,
    NotConnected,
)
from djangobot.bot.telegram.reconnecting_session import (
    NOT_FOUND,
    RECONNECT_PAUSE,
    ReconnectingSession,
    SessionOwner,
    reconnect_pauses,
)
from djangobot.bot.telegram.session import SessionStorage

log = structlog.get_logger(__name__)

FIRST_DATA_CENTRE = 2
"""Where the first sign-in is tried."""
ANSWER_TIMEOUT = 15.0
"""Seconds after which an answer counts as lost; Pyrogram's own figure."""
SIGN_IN_PAUSE = 1.0
"""Seconds of the first pause, at most, between sign-ins whose sessions Telegram then refuses. The second
sign-in follows at once."""

UpdateHandler = Callable[[TLObject, dict[int, Any]], Awaitable[None]]
MOVES_PTS = (raw.types.UpdateNewMessage, raw.types.UpdateEditMessage, raw.types.UpdateDeleteMessages)
"""Updates with a pts of the bot's own box."""


class TelegramClient(SessionOwner):
    """A bot's connection with Telegram, on the session in `storage`.

    `on_update(update, users)` gets every update, raw. `on_pts(pts, count)` gets the numbers that our own
    calls used. `on_back()` is called each time the connection is back after a cut. The Inbox of updates.py
    sets all three.
    """

    on_update: UpdateHandler
    on_back: Callable[[], Awaitable[None]]
    on_pts: Callable[[int, int], None]

    def __init__(self, storage: SessionStorage, api_id: int, api_hash: str, bot_token: str) -> None:
        super().__init__(storage)
        self.api_id, self.api_hash, self.bot_token = api_id, api_hash, bot_token
        self.session: ReconnectingSession | None = None
        self.me: Any = None
        """The bot's own user, once it has signed in."""
        self.on_update = _ignore
        self.on_back = _ignore
        self.on_pts = lambda pts, count: None
        self.key_forgotten = asyncio.Event()
        """Set when Telegram no longer accepts the session, for example by -404 after a cut. Call `start`
        again to sign in anew."""
        self.online = asyncio.Event()
        self.may_call: Callable[[], bool] = lambda: True
        """Whether this process may call Telegram: whether it is certainly the leader. Checked before each
        call."""
        self.caught_up = asyncio.Event()
        """Set once the updates from before the start have been fetched."""
        self.last_failure = ""

    async def start(self) -> None:
        """Connects, signs in when the session is new, and reads the bot's own user. Raises RPCError for a
        wrong token."""
        if self.key_forgotten.is_set():
            await self.stop()
            await self.storage.delete()
        pauses, refused_before = Backoff(SIGN_IN_PAUSE), False
        while True:
            try:
                await self._sign_in()
            except KeyForgotten as exc:
                log.warning("telegram does not know the session any more; signing in anew", reason=str(exc))
                await self.stop()
                await self.storage.delete()
                if refused_before:
                    await asyncio.sleep(pauses.next_pause())
                refused_before = True
            except BaseException:
                await self.stop()
                raise
            else:
                return

    async def _sign_in(self) -> None:
        self.key_forgotten.clear()
        if self.storage.session.user_id is None:
            key = await self._new_key(FIRST_DATA_CENTRE)
            await self.storage.change(dc_id=FIRST_DATA_CENTRE, api_id=self.api_id, auth_key=key)
            await self._authorize(await self._open_session())
        else:
            await self._open_session()
        await self.ask(raw.functions.updates.GetState())
        self.me = (await self.ask(raw.functions.users.GetUsers(id=[raw.types.InputUserSelf()])))[0]
        self.online.set()

    async def _open_session(self) -> ReconnectingSession:
        stored = self.storage.session
        self.session = session = ReconnectingSession(self, stored.dc_id, stored.auth_key)
        await session.start()
        return session

    async def _authorize(self, session: ReconnectingSession) -> None:
        """Signs in with the bot token, in the data centre that Telegram names."""
        query = raw.functions.auth.ImportBotAuthorization(
            flags=0, api_id=self.api_id, api_hash=self.api_hash, bot_auth_token=self.bot_token
        )
        while True:
            try:
                answer = await self._call(query)
            except (UserMigrate, PhoneMigrate, NetworkMigrate) as exc:
                await session.stop()
                key = await self._new_key(exc.value)
                await self.storage.change(dc_id=exc.value, auth_key=key)
                session = await self._open_session()
            except (AuthKeyUnregistered, AuthKeyInvalid, AuthKeyDuplicated) as exc:
                raise KeyForgotten(error_meanings.word(exc)) from exc
            except OSError as exc:
                self.last_failure = str(exc) or "Telegram does not answer the sign-in"
                log.warning("telegram did not answer the sign-in", reason=str(exc) or type(exc).__name__)
                await asyncio.sleep(RECONNECT_PAUSE)  # the connection itself waits longer each time
            else:
                await self.storage.change(user_id=answer.user.id)
                return

    async def _new_key(self, dc_id: int) -> bytes:
        """Creates a key with another data centre, however long it takes."""
        pauses = reconnect_pauses()
        while True:
            try:
                return await KeyExchange(self, dc_id).create()
            except OSError as exc:
                await self.wait_to_reconnect(pauses, "telegram is not reachable", exc)

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot; 0 before it has signed in."""
        return int(self.me.id) if self.me else 0

    @property
    def bot_name(self) -> str:
        """The name by which people find the bot: its username, or its id when it has none."""
        return str(self.me.username or self.me.id) if self.me else ""

    async def stop(self) -> None:
        """Closes the connection in order. Safe to call when it was never opened."""
        self.online.clear()
        if self.session is not None:
            await self.session.stop()

    async def ask(self, query: TLObject, within: float | None = None) -> Any:
        """Makes one attempt, of ANSWER_TIMEOUT or `within` seconds, and never repeats it. Raises RPCError
        when Telegram refuses. Raises OSError when the answer is lost: ConnectionLost if it was lost with the
        connection, NotConnected and NeedsNewConnection if the call was not done."""
        session = self.session
        connection = session.connection if session is not None else None
        try:
            answer = await self._call(query, within or ANSWER_TIMEOUT)
        except RPCError as exc:
            what = error_meanings.meaning(exc)
            if what == "session":
                self.forget(error_meanings.word(exc))
                raise KeyForgotten(f"telegram refused this session: {error_meanings.word(exc)}") from exc
            if what == "connection":
                log.warning("telegram wants a new connection", reason=error_meanings.word(exc))
                if session is not None:
                    session.give_up(connection)
                raise NeedsNewConnection(error_meanings.word(exc)) from exc
            raise
        if isinstance(answer, raw.types.UpdateShortSentMessage):
            self.on_pts(answer.pts, answer.pts_count)
        elif isinstance(answer, raw.types.Updates):
            for update in answer.updates:
                if isinstance(update, MOVES_PTS):
                    self.on_pts(update.pts, update.pts_count)
        return answer

    async def _call(self, query: TLObject, within: float = ANSWER_TIMEOUT) -> Any:
        session = self.session
        if session is None or not session.is_started.is_set():
            raise NotConnected("not connected with Telegram")
        if not self.may_call():
            raise NotConnected("another process may lead now")
        connection = session.connection
        try:
            return await session.send(query, timeout=within)
        except TimeoutError as exc:
            if session.is_started.is_set() and session.connection is connection:
                raise
            raise ConnectionLost("the connection was cut") from exc
        except OSError as exc:
            session.give_up(connection)
            raise ConnectionLost(str(exc) or type(exc).__name__) from exc

    def forget(self, reason: str) -> None:
        """Marks the session as refused by Telegram. Whoever waits for `key_forgotten` signs in anew."""
        self.online.clear()
        if not self.key_forgotten.is_set():
            log.error("telegram refused this session", reason=reason)
            if reason != NOT_FOUND:
                error_meanings.session_ended(reason)
        self.key_forgotten.set()

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

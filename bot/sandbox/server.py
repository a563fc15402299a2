"""The Telegram port: auth keys, sessions, updates, and when what was accepted is written."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.calls import CallRunner
from djangobot.bot.sandbox.faults import Faults
from djangobot.bot.sandbox.journal import Journal
from djangobot.bot.sandbox.mtproto import rsa_key
from djangobot.bot.sandbox.mtproto.auth_keys import AuthKey, Salts
from djangobot.bot.sandbox.mtproto.connection import Connection
from djangobot.bot.sandbox.mtproto.handshake import NewKey
from djangobot.bot.sandbox.mtproto.message_ids import MessageIds
from djangobot.bot.sandbox.mtproto.session import Session
from djangobot.bot.sandbox.mtproto.session_writer import SessionWriter
from djangobot.bot.sandbox.mtproto.wire import Reader
from djangobot.bot.sandbox.rate_limits import RateLimits
from djangobot.bot.sandbox.settings import Settings
from djangobot.bot.sandbox.state import State, StateUnusable
from djangobot.bot.sandbox.world import Event, World

# Above this number, sessions without a connection are forgotten, oldest first. Our own choice.
MAX_SESSIONS = 1000


class TelegramServer:
    """Everything behind the Telegram port."""

    def __init__(self, folder: Path, settings: Settings, *, salt_lifetime: float = 1800) -> None:
        """Raises StateUnusable."""
        self.state = State(folder)
        with self.state.reading():
            self.rsa_key = _key_in(folder)
            self.world = World(self.state)
            self.journal = Journal(self.state)
            self.auth_keys = {bytes.fromhex(name): key for name, key in self.state.all("auth_key", AuthKey)}
        self.settings = settings
        self.world.notify = self.push
        self.faults = Faults()
        self.limits = RateLimits(settings.strict_limits)
        self.salts = Salts(salt_lifetime)
        self.ids = MessageIds()
        self.address: tuple[str, int] = ("127.0.0.1", 0)
        self.connections: set[Connection] = set()
        self.on_typing: Callable[[int, int, Event], None] = lambda bot, person, event: None
        self._sessions: dict[tuple[bytes, int], Session] = {}
        self._to_flush: dict[SessionWriter, None] = {}
        self._scheduled = False
        self._calls = CallRunner(self)
        self._listener: asyncio.Server | None = None

    @property
    def resend_answers(self) -> bool:
        """The setting of this name."""
        return self.settings.resend_answers

    @property
    def keep_updates(self) -> bool:
        """The setting of this name."""
        return self.settings.keep_updates

    async def listen(self, host: str, port: int) -> None:
        """Opens the port; OSError when it is in use."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self), host, port)
        address = self._listener.sockets[0].getsockname()
        self.address = (str(address[0]), int(address[1]))

    async def close(self) -> None:
        """Closes the port and every connection, and writes the state."""
        if self._listener is not None:
            self._listener.close()
        await self._calls.close()
        self._commit_and_flush()
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)
        for connection in list(self.connections):
            connection.cut()
        self.state.close()

    # ---- connections

    def opened(self, connection: Connection) -> bool:
        """Registers a connection; False when a fault refuses it."""
        self.connections.add(connection)
        if self.faults.refuse_connection():
            self.journal.count("faults", "refuse_connections")
            return False
        return True

    def closed(self, connection: Connection) -> None:
        """Forgets a connection."""
        self.connections.discard(connection)

    def transport_seen(self, name: str) -> None:
        """Counts a connection by its transport."""
        self.journal.count("connections", name)

    def protocol_event(self, name: str) -> None:
        """Counts an event of the protocol."""
        self.journal.count("protocol", name)

    # ---- auth keys and sessions

    def keep_key(self, made: NewKey) -> None:
        """Stores the auth key of a finished handshake."""
        key = AuthKey(key=made.auth_key, first_salt=made.salt, made=time.time(), dc=made.dc)
        self.auth_keys[key.id] = key
        self.save_key(key)

    def save_key(self, key: AuthKey) -> None:
        """Stores a changed auth key."""
        self.state.put("auth_key", key.id.hex(), key)
        self.commit_soon()

    def session(self, key: AuthKey, session_id: int) -> Session:
        """The session of this id; a new one when there is none."""
        session = self._sessions.get((key.id, session_id))
        if session is None:
            self._forget_old_sessions()
            session = self._sessions[key.id, session_id] = Session(self, key, session_id)
        return session

    def _forget_old_sessions(self) -> None:
        if len(self._sessions) < MAX_SESSIONS:
            return
        away = [name for name, session in self._sessions.items() if session.connection is None]
        for name in away[: MAX_SESSIONS // 2]:
            del self._sessions[name]

    def destroy_session(self, key: AuthKey, session_id: int) -> bool:
        """Forgets a session."""
        return self._sessions.pop((key.id, session_id), None) is not None

    def destroy_key(self, key: AuthKey) -> None:
        """Forgets an auth key and its sessions."""
        self.auth_keys.pop(key.id, None)
        self.state.drop("auth_key", key.id.hex())
        for name in [name for name in self._sessions if name[0] == key.id]:
            del self._sessions[name]

    def sign_in(self, session: Session, user: int) -> None:
        """Binds the session's auth key to a user."""
        session.key.user = user
        self.save_key(session.key)

    def sign_out(self, session: Session) -> None:
        """Takes the user off the session's auth key."""
        session.key.user = 0
        self.save_key(session.key)

    def connected(self, user: int) -> int:
        """How many sessions of this user receive updates now."""
        return sum(1 for session in self._listening(user) if session.connection is not None)

    # ---- writing and sending

    def commit(self) -> None:
        """Writes what has changed."""
        self.state.commit()

    def commit_soon(self) -> None:
        """Has the state written, and the sessions flushed, before the loop's next iteration."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._commit_and_flush)

    def flush_soon(self, session: SessionWriter) -> None:
        """Has the session flushed, too."""
        self._to_flush[session] = None
        self.commit_soon()

    def _commit_and_flush(self) -> None:
        """What was accepted is written before any client is told of it."""
        self._scheduled = False
        self.state.commit()
        while self._to_flush:
            sessions, self._to_flush = self._to_flush, {}
            for session in sessions:
                session.flush()

    # ---- updates

    def push(self, user: int, event: Event) -> None:
        """Sends an event to the user's sessions. Those that are away get it when they come back."""
        self.commit_soon()
        if event.kind == "typing" and event.person in self.world.accounts.bots:
            self.on_typing(event.person, user, event)
        packed: dict[int, bytes] = {}
        for session in self._listening(user):
            known = session.schema
            if known is None:
                continue
            if session.connection is None and (event.kind == "typing" or not self.keep_updates):
                continue
            if known.layer not in packed:
                packed[known.layer] = known.write(render.updates(self.world, user, [event], known))
            session.push(packed[known.layer])

    def _listening(self, user: int) -> list[Session]:
        return [
            session
            for session in self._sessions.values()
            if session.key.user == user
            and session.initialised
            and not session.key.imported
            and session.wants_updates
        ]

    # ---- calls

    def call(self, session: Session, msg_id: int, reader: Reader) -> None:
        """Reads and executes a call."""
        self.commit_soon()
        self._calls.run(session, msg_id, reader)


def _key_in(folder: Path) -> rsa_key.RsaKey:
    try:
        return rsa_key.load(folder)
    except rsa_key.KeyDamaged as exc:
        raise StateUnusable(str(exc)) from exc

"""The Telegram port: connections, auth keys, sessions, and the way of a call from one to the other."""

import asyncio
import inspect
import logging
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from djangobot.bot.sandbox import api, keys, schema, wire
from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.faults import Fault, Faults, error_of
from djangobot.bot.sandbox.handshake import Handshake, NewKey
from djangobot.bot.sandbox.journal import Journal
from djangobot.bot.sandbox.limits import Limits
from djangobot.bot.sandbox.schema import TL, Schema, UnknownConstructor
from djangobot.bot.sandbox.session import AuthKey, MessageIds, Salts, Session
from djangobot.bot.sandbox.settings import Settings
from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.transports import BadFrame, Link
from djangobot.bot.sandbox.wire import Malformed, Reader
from djangobot.bot.sandbox.world import Event, World

log = logging.getLogger(__name__)

_INVOKE_WITH_LAYER = 0xDA9B0D0D
# The transport error for an auth key nobody knows (core.telegram.org/mtproto/mtproto-transports).
_UNKNOWN_KEY = -404
# Refusals that mean a limit of Telegram's was run into; the journal counts them as such.
_LIMITS = {
    "MESSAGE_TOO_LONG",
    "MESSAGE_EMPTY",
    "MEDIA_CAPTION_TOO_LONG",
    "ENTITY_BOUNDS_INVALID",
    "BUTTON_DATA_INVALID",
    "REPLY_MARKUP_TOO_LONG",
    "BOT_COMMANDS_TOO_MUCH",
    "MULTI_MEDIA_TOO_LONG",
    "FILE_PART_TOO_BIG",
    "FILE_PARTS_INVALID",
}
# Sessions whose client is away are forgotten, oldest first, when there are more than this.
MAX_SESSIONS = 1000
_WRAPPERS = {
    "invokeAfterMsg",
    "invokeAfterMsgs",
    "invokeWithLayer",
    "initConnection",
    "invokeWithoutUpdates",
    "invokeWithTakeout",
}


class Connection(asyncio.Protocol):
    """One TCP connection: its transport, its handshake, the sessions that speak through it."""

    def __init__(self, server: "TelegramServer") -> None:
        self._server = server
        self._link = Link()
        self._handshake = Handshake(server.rsa, server.keep_key)
        self._sessions: dict[tuple[bytes, int], Session] = {}
        self._transport: asyncio.Transport | None = None
        self._disconnect: asyncio.TimerHandle | None = None
        self._named = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        if self._server.faults.take_connection():
            self._server.journal.count("faults", "refuse_connections")
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._transport = None
        if self._disconnect is not None:
            self._disconnect.cancel()
        for session in self._sessions.values():
            session.detach(self)

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._link.feed(data):
                if self._transport is None or self._transport.is_closing():
                    return
                self._packet(packet)
        except (BadFrame, Malformed) as exc:
            log.info("a connection is closed: %s", exc)
            self._server.journal.count("protocol", "malformed")
            self.cut()
        except Exception:
            log.exception("a connection is closed after a fault of the sandbox's own")
            self.cut()

    def cut(self) -> None:
        """Ends the connection at once, unsent data included."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Ends the connection after what is on its way."""
        if self._transport is not None:
            self._transport.close()

    def send_packet(self, packet: bytes) -> None:
        """Frames and writes a packet."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._link.frame(packet))

    def disconnect_after(self, delay: float) -> None:
        """ping_delay_disconnect: closes unless the client asks again in time."""
        if self._disconnect is not None:
            self._disconnect.cancel()
        self._disconnect = asyncio.get_running_loop().call_later(max(delay, 0), self.cut)

    def _packet(self, packet: bytes) -> None:
        if not self._named:
            self._named = True
            self._server.journal.count("connections", self._link.name)
        if len(packet) < 20:
            raise Malformed("a packet too short for anything")
        if not any(packet[:8]):
            return self._plain(packet)
        key = self._server.keys.get(packet[:8])
        if key is None:
            self._server.journal.count("protocol", "unknown auth key")
            self.send_packet(struct.pack("<i", _UNKNOWN_KEY))
            return self.close()
        salt, session_id, msg_id, seqno, body = wire.unseal(key.key, packet)
        session = self._sessions.get((packet[:8], session_id))
        if session is None or session.connection is not self:
            session = self._server.session(key, session_id)
            session.attach(self)
            self._sessions[packet[:8], session_id] = session
        session.receive(salt, msg_id, seqno, body)
        return None

    def _plain(self, packet: bytes) -> None:
        reader = Reader(packet, 8)
        reader.int64()
        answer = self._handshake.handle(reader.raw(reader.int32()))
        if answer is not None:
            head = bytes(8) + wire.pack_long(self._server.ids.next(True)) + wire.pack_int(len(answer))
            self._server.state.commit()
            self.send_packet(head + answer)


class TelegramServer:
    """All that stands behind the Telegram port."""

    def __init__(self, folder: Path, settings: Settings, *, salt_lifetime: float = 1800) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.state = State(folder)
        self.rsa = keys.load(folder)
        self.settings = settings
        self.world = World(self.state)
        self.world.notify = self.push
        self.journal = Journal(self.state)
        self.faults = Faults()
        self.limits = Limits(settings.strict_limits)
        self.salts = Salts(salt_lifetime)
        self.ids = MessageIds()
        self.address: tuple[str, int] = ("127.0.0.1", 0)
        self.keys = {bytes.fromhex(name): key for name, key in self.state.all("auth_key", AuthKey)}
        self.connections: set[Connection] = set()
        self.on_typing: Callable[[int, int, Event], None] = lambda bot, person, event: None
        self._sessions: dict[tuple[bytes, int], Session] = {}
        self._dirty: dict[Session, None] = {}
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    @property
    def resend_answers(self) -> bool:
        """A setting sessions look at."""
        return self.settings.resend_answers

    async def listen(self, host: str, port: int) -> None:
        """Opens the port; OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self), host, port)
        address = self._listener.sockets[0].getsockname()
        self.address = (str(address[0]), int(address[1]))

    async def close(self) -> None:
        """Closes the port and every connection, and writes the state."""
        if self._listener is not None:
            self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._end_of_turn()
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)
        for connection in list(self.connections):
            connection.cut()
        self.state.close()

    # ---- auth keys and sessions

    def keep_key(self, made: NewKey) -> bool:
        """Stores a finished handshake's key."""

        key = AuthKey(key=made.auth_key, first_salt=made.salt, made=time.time())
        self.keys[key.id] = key
        self._save_key(key)
        return True

    def session(self, key: AuthKey, session_id: int) -> Session:
        """The session of this id, made when it is new."""
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
        """Forgets an auth key with its sessions."""
        self.keys.pop(key.id, None)
        self.state.drop("auth_key", key.id.hex())
        for name in [name for name in self._sessions if name[0] == key.id]:
            del self._sessions[name]

    def sign_in(self, session: Session, user: int) -> None:
        """Binds the auth key to a user."""
        session.key.user = user
        self._save_key(session.key)

    def sign_out(self, session: Session) -> None:
        """Takes the user off the auth key."""
        session.key.user = 0
        self._save_key(session.key)

    def connected(self, user: int) -> int:
        """How many sessions of this user could be told something now."""
        return sum(1 for session in self._listening(user))

    def _save_key(self, key: AuthKey) -> None:
        self.state.put("auth_key", key.id.hex(), key)
        self._schedule()

    # ---- turns of the loop

    def dirty(self, session: Session) -> None:
        """Has the session flushed at the end of this turn."""
        self._dirty[session] = None
        self._schedule()

    def touch(self) -> None:
        """Has the state written at the end of this turn."""
        self._schedule()

    def protocol_event(self, name: str) -> None:
        """Counts an event of the protocol."""
        self.journal.count("protocol", name)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._end_of_turn)

    def _end_of_turn(self) -> None:
        """What was accepted is written before anyone is told of it."""
        self._scheduled = False
        self.state.commit()
        while self._dirty:
            sessions, self._dirty = self._dirty, {}
            for session in sessions:
                session.flush()

    # ---- updates

    def push(self, user: int, event: Event) -> None:
        """Tells the user's sessions; those away fetch the difference."""
        self._schedule()
        if event.kind == "typing" and event.person in self.world.bots:
            self.on_typing(event.person, user, event)
        packed: dict[int, bytes] = {}
        for session in self._listening(user):
            known = session.schema
            if known is None:
                continue
            if known.layer not in packed:
                packed[known.layer] = known.write(render.updates(self.world, user, [event], known))
            session.send(packed[known.layer])

    def _listening(self, user: int) -> list[Session]:
        return [
            session
            for session in self._sessions.values()
            if session.key.user == user
            and session.connection is not None
            and session.initialised
            and session.wants_updates
        ]

    # ---- calls

    def call(self, session: Session, msg_id: int, reader: Reader) -> None:
        """Reads and executes a call."""
        self._schedule()
        try:
            request, known = self._read(session, reader)
        except UnknownConstructor as exc:
            return self._unknown(session, msg_id, exc)
        except Malformed as exc:
            self.journal.count("protocol", "malformed calls")
            log.info("a call cannot be read: %s", exc)
            return session.error(msg_id, 400, "INPUT_FETCH_ERROR")
        quiet = False
        initialised = session.initialised
        while request["_"] in _WRAPPERS:
            if request["_"] == "initConnection":
                initialised = True
            elif request["_"] == "invokeWithoutUpdates":
                quiet = True
            request = request["query"]
        method: str = request["_"]
        if not initialised and not method.startswith("auth.bindTempAuthKey"):
            return session.error(msg_id, 400, "CONNECTION_NOT_INITED")
        files = method.startswith("upload.")
        if quiet or files:
            # A connection only for files, or one that asks for quiet, is not told of updates.
            session.wants_updates = session.wants_updates and session.used
        elif method != "help.getConfig":
            session.used = session.wants_updates = True
        session.initialised = True
        self.journal.count("methods", method)
        call = Call(self, session, known, request)
        fault = self.faults.take(method, self._chat_of(call))
        if fault is not None:
            self.journal.count("faults", fault.kind)
            if self._before(session, msg_id, call, fault):
                return None
        return self._execute(session, msg_id, call, fault)

    def _read(self, session: Session, reader: Reader) -> tuple[TL, Schema]:
        """The layer comes before the rest: it says how to read it."""
        start = reader.pos
        if reader.uint32() == _INVOKE_WITH_LAYER:
            layer = reader.int32()
            session.layer = layer
            session.schema = schema.schema_for(layer)
            if session.schema.layer != layer:
                self.journal.count("protocol", f"layer {layer} read as {session.schema.layer}")
            if session.key.layer != layer:
                session.key.layer = layer
                self._save_key(session.key)
        else:
            reader.pos = start
        known = session.schema or schema.schema_for(0)
        return known.read_method(reader), known

    def _unknown(self, session: Session, msg_id: int, exc: UnknownConstructor) -> None:
        name = f"{exc.constructor:08x}"
        log.warning("unknown %s %s", "method" if exc.method else "constructor", name)
        if exc.method:
            self.journal.count("unknown_methods", name)
            return session.error(msg_id, 400, "METHOD_INVALID")
        self.journal.count("unknown_constructors", name)
        return session.error(msg_id, 400, f"INPUT_CONSTRUCTOR_INVALID_{name.upper()}")

    def _chat_of(self, call: Call) -> int | None:
        peer: Any = call.get("peer") or call.get("to_peer")
        return peer.get("user_id") if isinstance(peer, dict) else None

    def _before(self, session: Session, msg_id: int, call: Call, fault: Fault) -> bool:
        """Faults that come before executing; True when the call ends here."""
        if fault.kind == "cut_before":
            self._cut(session)
            session.lose(msg_id)
            return True
        if fault.kind == "flood_wait":
            session.error(msg_id, 420, f"FLOOD_WAIT_{int(float(fault.value or 0))}")
            return True
        if fault.kind == "error":
            session.error(msg_id, *error_of(fault.value))
            return True
        if fault.kind == "delay":
            self._spawn(self._later(session, msg_id, call, float(fault.value or 0)))
            return True
        return False

    def _execute(self, session: Session, msg_id: int, call: Call, fault: Fault | None) -> None:
        try:
            result = api.handler_of(call)(call)
        except RpcError as exc:
            return self._refused(session, msg_id, call, exc)
        except Exception:
            log.exception("%s failed", call.method)
            return session.error(msg_id, 500, "INTERNAL_SERVER_ERROR")
        if inspect.isawaitable(result):
            self._spawn(self._wait(session, msg_id, call, fault, result))
            return None
        return self._answer(session, msg_id, call, fault, result)

    def _answer(self, session: Session, msg_id: int, call: Call, fault: Fault | None, result: Any) -> None:
        if fault is not None and fault.kind == "drop_answer":
            return session.lose(msg_id)
        if fault is not None and fault.kind == "cut_after" and fault.value is None:
            self._schedule()
            self._cut(session)
            return session.lose(msg_id)
        if fault is not None and fault.kind == "cut_after":
            self._cut(session)
        body = call.schema.write_result(call.method, result)
        return session.answer(msg_id, body, packable=call.method != "upload.getFile")

    def _refused(self, session: Session, msg_id: int, call: Call, exc: RpcError) -> None:
        self.journal.count("errors", exc.text)
        if exc.text in _LIMITS:
            self.journal.count("limits_broken", exc.text)
        if exc.text == "METHOD_INVALID":
            self.journal.count("unknown_methods", call.method)
        session.error(msg_id, exc.code, exc.text)

    def _cut(self, session: Session) -> None:
        if isinstance(session.connection, Connection):
            connection = session.connection
            connection.cut()
            session.detach(connection)

    async def _later(self, session: Session, msg_id: int, call: Call, delay: float) -> None:
        await asyncio.sleep(delay)
        self._execute(session, msg_id, call, None)

    async def _wait(
        self, session: Session, msg_id: int, call: Call, fault: Fault | None, result: Awaitable[Any]
    ) -> None:
        try:
            self._answer(session, msg_id, call, fault, await result)
        except RpcError as exc:
            self._refused(session, msg_id, call, exc)

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

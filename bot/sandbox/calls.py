"""Calls: reading one, the faults that concern it, its handler, its answer."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any, Protocol

from djangobot.bot.sandbox.api import methods
from djangobot.bot.sandbox.api.call import Call, RpcError, Server
from djangobot.bot.sandbox.faults import Fault, Faults, error_of
from djangobot.bot.sandbox.mtproto import schema
from djangobot.bot.sandbox.mtproto.auth_keys import AuthKey
from djangobot.bot.sandbox.mtproto.schema import TL, LayerUnknown, Schema, UnknownConstructor
from djangobot.bot.sandbox.mtproto.session import Session
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader

log = logging.getLogger(__name__)

_INVOKE_WITH_LAYER = 0xDA9B0D0D
# Methods that carry another call (core.telegram.org/api/invoking).
_WRAPPERS = {
    "invokeAfterMsg",
    "invokeAfterMsgs",
    "invokeWithLayer",
    "initConnection",
    "invokeWithoutUpdates",
    "invokeWithTakeout",
}
# Errors that mean that a limit of Telegram was exceeded. The journal counts them as such.
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
    "FILE_PART_SIZE_INVALID",
    "FILE_PART_SIZE_CHANGED",
    "PHOTO_INVALID_DIMENSIONS",
    "PHOTO_SAVE_FILE_INVALID",
    "MEDIA_GROUPED_INVALID",
    "MESSAGE_DELETE_FORBIDDEN",
}


class CallServer(Server, Protocol):
    """What executing calls needs of the server."""

    faults: Faults

    def save_key(self, key: AuthKey) -> None:
        """Stores a changed auth key."""
        ...

    def commit_soon(self) -> None:
        """Has the state written before the loop's next iteration."""
        ...


class CallRunner:
    """Executes the calls of all sessions."""

    def __init__(self, server: CallServer) -> None:
        self._server = server
        self._journal = server.journal
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Cancels the calls that wait for something."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def run(self, session: Session, msg_id: int, reader: Reader) -> None:
        """Reads and executes a call; its answer goes to the session."""
        try:
            request, known = self._read(session, reader)
        except LayerUnknown as exc:
            log.warning("a client is refused: %s", exc)
            self._journal.count("protocol", f"layer {exc.layer} refused")
            return session.error(msg_id, 400, "CONNECTION_LAYER_INVALID")
        except UnknownConstructor as exc:
            return self._refuse_unknown(session, msg_id, exc)
        except Malformed as exc:
            self._journal.count("protocol", "malformed calls")
            log.info("a call cannot be read: %s", exc)
            return session.error(msg_id, 400, "INPUT_FETCH_ERROR")
        wrappers = set()
        while request["_"] in _WRAPPERS:
            wrappers.add(request["_"])
            request = request["query"]
        method: str = request["_"]
        initialised = session.initialised or "initConnection" in wrappers
        if not initialised and not method.startswith("auth.bindTempAuthKey"):
            return session.error(msg_id, 400, "CONNECTION_NOT_INITED")
        session.initialised = True
        _note_use(session, method, without_updates="invokeWithoutUpdates" in wrappers)
        self._journal.count("methods", method)
        call = Call(self._server, session, known, request)
        fault = self._server.faults.use(method, _chat_of(call))
        if fault is not None:
            self._journal.count("faults", fault.kind)
            if self._apply_before(session, msg_id, call, fault):
                return None
        return self._execute(session, msg_id, call, fault)

    # ---- reading

    def _read(self, session: Session, reader: Reader) -> tuple[TL, Schema]:
        """The call and the layer it is written in. invokeWithLayer names the layer of what follows."""
        start = reader.pos
        if reader.uint32() == _INVOKE_WITH_LAYER:
            self._use_layer(session, reader.int32())
        else:
            reader.pos = start
        known = session.schema or schema.schema_for(schema.layers()[0])
        return known.read_method(reader), known

    def _use_layer(self, session: Session, layer: int) -> None:
        session.schema = schema.schema_for(layer)
        session.layer = layer
        if session.schema.layer != layer:
            self._journal.count("protocol", f"layer {layer} answered as {session.schema.layer}")
        if session.key.layer != layer:
            session.key.layer = layer
            self._server.save_key(session.key)

    def _refuse_unknown(self, session: Session, msg_id: int, exc: UnknownConstructor) -> None:
        name = f"{exc.constructor:08x}"
        log.warning("unknown %s %s", "method" if exc.method else "constructor", name)
        if exc.method:
            self._journal.count("unknown_methods", name)
            return session.error(msg_id, 400, "METHOD_INVALID")
        self._journal.count("unknown_constructors", name)
        return session.error(msg_id, 400, f"INPUT_CONSTRUCTOR_INVALID_{name.upper()}")

    # ---- executing

    def _apply_before(self, session: Session, msg_id: int, call: Call, fault: Fault) -> bool:
        """Applies a fault that comes before executing; True when the call ends here."""
        if fault.kind == "cut_before":
            _cut(session)
            session.lose(msg_id)
            return True
        if fault.kind == "flood_wait":
            session.error(msg_id, 420, f"FLOOD_WAIT_{int(float(fault.value or 0))}")
            return True
        if fault.kind == "error":
            session.error(msg_id, *error_of(fault.value))
            return True
        if fault.kind == "forget_parts" and call.me is not None:
            call.world.files.forget_parts(call.me.id, None if fault.value is None else int(fault.value))
        if fault.kind == "delay":
            self._spawn(self._execute_later(session, msg_id, call, float(fault.value or 0)))
            return True
        return False

    def _execute(self, session: Session, msg_id: int, call: Call, fault: Fault | None) -> None:
        try:
            result = methods.handler_of(call)(call)
        except RpcError as exc:
            return self._refuse(session, msg_id, call, exc)
        except Exception:
            log.exception("%s failed", call.method)
            return session.error(msg_id, 500, "INTERNAL_SERVER_ERROR")
        if inspect.isawaitable(result):
            self._spawn(self._answer_later(session, msg_id, call, fault, result))
            return None
        return self._answer(session, msg_id, call, fault, result)

    async def _execute_later(self, session: Session, msg_id: int, call: Call, delay: float) -> None:
        await asyncio.sleep(delay)
        self._execute(session, msg_id, call, None)

    async def _answer_later(
        self, session: Session, msg_id: int, call: Call, fault: Fault | None, result: Awaitable[Any]
    ) -> None:
        try:
            self._answer(session, msg_id, call, fault, await result)
        except RpcError as exc:
            self._refuse(session, msg_id, call, exc)

    def _answer(self, session: Session, msg_id: int, call: Call, fault: Fault | None, result: Any) -> None:
        if fault is not None and fault.kind == "drop_answer":
            return session.lose(msg_id)
        if fault is not None and fault.kind == "cut_after" and fault.value is None:
            self._server.commit_soon()
            _cut(session)
            return session.lose(msg_id)
        if fault is not None and fault.kind == "cut_after":
            _cut(session)
        body = call.schema.write_result(call.method, result)
        return session.answer(msg_id, body, packable=call.method != "upload.getFile")

    def _refuse(self, session: Session, msg_id: int, call: Call, exc: RpcError) -> None:
        self._journal.count("errors", exc.text)
        if exc.text in _LIMITS:
            self._journal.count("limits_broken", exc.text)
        if exc.text == "METHOD_INVALID":
            self._journal.count("unknown_methods", call.method)
        session.error(msg_id, exc.code, exc.text)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _note_use(session: Session, method: str, *, without_updates: bool) -> None:
    """A session only for files, or one that asks for no updates, is sent none."""
    if without_updates or method.startswith("upload."):
        session.wants_updates = session.wants_updates and session.used
    elif method != "help.getConfig":
        session.used = session.wants_updates = True


def _chat_of(call: Call) -> int | None:
    peer: Any = call.get("peer") or call.get("to_peer")
    return peer.get("user_id") if isinstance(peer, dict) else None


def _cut(session: Session) -> None:
    connection = session.connection
    if connection is not None:
        connection.cut()
        session.detach(connection)

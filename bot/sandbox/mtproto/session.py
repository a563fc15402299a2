"""One MTProto session: what it receives, what it answers, and its service messages.

Source: core.telegram.org/mtproto/service_messages and .../service_messages_about_messages. A session
belongs to an auth key and outlives its connections. The server executes the calls.
"""

import os
import time
from collections.abc import Callable
from typing import Protocol

from djangobot.bot.sandbox.mtproto import constructors, containers, message_ids, schema
from djangobot.bot.sandbox.mtproto.auth_keys import AuthKey
from djangobot.bot.sandbox.mtproto.message_ids import ReceivedIds
from djangobot.bot.sandbox.mtproto.session_writer import PacketWriter, SessionWriter, WriterHost
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader, pack_bytes, pack_int, pack_long, pack_uint

# core.telegram.org/mtproto/service_messages#request-for-several-future-salts: 1 to 64.
MAX_FUTURE_SALTS = 64

_NOT_CONTENT = {
    constructors.CONTAINER,
    constructors.HTTP_WAIT,
    constructors.MSGS_ALL_INFO,
}
# Clients send these as content or not; the real server accepts both.
_EITHER = {
    constructors.PING,
    constructors.PING_DELAY_DISCONNECT,
    constructors.MSGS_STATE_REQ,
    constructors.MSG_RESEND_REQ,
    constructors.MSGS_STATE_INFO,
    constructors.DESTROY_SESSION,
    constructors.GET_FUTURE_SALTS,
    constructors.DESTROY_AUTH_KEY,
    constructors.RPC_DROP_ANSWER,
    constructors.MSGS_ACK,
}


class SessionHost(WriterHost, Protocol):
    """What a session needs of the server."""

    @property
    def resend_answers(self) -> bool:
        """Whether unacknowledged answers are sent again after a reconnect."""
        ...

    @property
    def keep_updates(self) -> bool:
        """Whether updates that the client has missed are sent after a reconnect."""
        ...

    def call(self, session: "Session", msg_id: int, reader: Reader) -> None:
        """Executes a call; its answer comes through `Session.answer`."""
        ...

    def destroy_session(self, key: AuthKey, session_id: int) -> bool:
        """Forgets another session of this key."""
        ...

    def destroy_key(self, key: AuthKey) -> None:
        """Forgets an auth key."""
        ...


class Session(SessionWriter):
    """The server's side of one session."""

    def __init__(self, host: SessionHost, key: AuthKey, session_id: int) -> None:
        super().__init__(host, key, session_id)
        self.host = host
        # As with the real server, initConnection is remembered with the key: some clients do not repeat it.
        self.initialised = bool(key.layer)
        self.wants_updates = True
        self.used = False
        """Whether it has called anything but help.getConfig and upload.*. Files use sessions of their own."""
        self.layer = key.layer
        self.schema = schema.schema_for(key.layer) if key.layer else None
        self._received = ReceivedIds()
        self._greeted = False

    # ---- messages

    def attach(self, connection: PacketWriter) -> None:
        """The client uses this connection now. What it may have missed is sent first."""
        if self.connection is connection:
            return
        returning = self.connection is not None or self._greeted
        self.connection = connection
        if returning:
            answers, updates = self.host.resend_answers, self.host.keep_updates
            self.resend(self._pending.recent(answers=answers, updates=updates))
            self.push_waiting()

    def detach(self, connection: PacketWriter) -> None:
        """The connection is gone; answers wait for the next one."""
        if self.connection is connection:
            self.connection = None
            self._away_since = time.monotonic()
            self._queued.clear()

    def receive(self, salt: int, msg_id: int, seqno: int, body: bytes) -> None:
        """One decrypted message; the messages of a container are handled one by one."""
        constructor = Reader(body).uint32()
        if error := message_ids.time_error(msg_id):
            return self._refuse(msg_id, seqno, error)
        if not self.host.salts.accepted(self.key, salt):
            return self._refuse(msg_id, seqno, constructors.BAD_SALT)
        if not self._greeted:
            self._greet(msg_id)
        if constructor != constructors.CONTAINER:
            return self._handle(msg_id, seqno, body)
        if msg_id in self._received:
            return None
        if seqno % 2:
            return self._refuse(msg_id, seqno, constructors.EVEN_EXPECTED)
        try:
            inner = containers.unpack(body)
        except Malformed:
            return self._refuse(msg_id, seqno, constructors.BAD_CONTAINER)
        self._received.add(msg_id)
        ids = [message.msg_id for message in inner]
        if len(set(ids)) != len(ids) or msg_id in ids:
            return self._refuse(msg_id, seqno, constructors.SAME_IN_CONTAINER)
        if any(number > msg_id for number in ids):
            return self._refuse(msg_id, seqno, constructors.BAD_CONTAINER)
        for message in inner:
            self._handle(message.msg_id, message.seqno, message.body)
        return None

    def _handle(self, msg_id: int, seqno: int, body: bytes) -> None:
        reader = Reader(body)
        constructor = reader.uint32()
        if msg_id % 4:
            return self._refuse(msg_id, seqno, constructors.NOT_A_MULTIPLE_OF_4)
        if msg_id in self._received:
            return self._repeated(msg_id)
        if self._received.too_old(msg_id):
            return self._refuse(msg_id, seqno, constructors.TOO_OLD)
        if constructor in _NOT_CONTENT:
            if seqno % 2:
                return self._refuse(msg_id, seqno, constructors.EVEN_EXPECTED)
        elif constructor not in _EITHER and (error := self._received.seqno_error(msg_id, seqno)):
            return self._refuse(msg_id, seqno, error)
        self._received.add(msg_id)
        if constructor == constructors.GZIP_PACKED:
            body = schema.inflate(reader.blob())
            reader = Reader(body)
            constructor = reader.uint32()
        if service := _SERVICE.get(constructor):
            if seqno % 2:
                self.acknowledge(msg_id)
            return service(self, msg_id, reader)
        self._running.add(msg_id)
        self.host.call(self, msg_id, Reader(body))
        if msg_id in self._running:
            self.acknowledge(msg_id)
        return None

    def _repeated(self, msg_id: int) -> None:
        """A message that came before: its answer is sent again unless it was acknowledged or is queued."""
        self.host.protocol_event("repeated messages")
        answer = self._pending.of_request(msg_id)
        if answer is None:
            self.acknowledge(msg_id)
        elif all(answer.msg_id != queued.msg_id for queued in self._queued):
            self.resend([answer])

    def _refuse(self, msg_id: int, seqno: int, code: int) -> None:
        body = pack_long(msg_id) + pack_int(seqno) + pack_int(code)
        if code == constructors.BAD_SALT:
            self.host.protocol_event("bad_server_salt")
            body = (
                pack_uint(constructors.BAD_SERVER_SALT) + body + pack_long(self.host.salts.current(self.key))
            )
        else:
            self.host.protocol_event(f"bad_msg_notification {code}")
            body = pack_uint(constructors.BAD_MSG_NOTIFICATION) + body
        self.send(body, content=False, answer=True)

    def _greet(self, msg_id: int) -> None:
        self._greeted = True
        unique = int.from_bytes(os.urandom(8), "little", signed=True)
        salt = self.host.salts.current(self.key)
        self.send(
            pack_uint(constructors.NEW_SESSION_CREATED)
            + pack_long(msg_id)
            + pack_long(unique)
            + pack_long(salt)
        )

    # ---- service messages

    def _on_ack(self, msg_id: int, reader: Reader) -> None:
        for number in reader.longs():
            self._pending.acknowledge(number)

    def _on_ping(self, msg_id: int, reader: Reader) -> None:
        ping = reader.int64()
        self.send(
            pack_uint(constructors.PONG) + pack_long(msg_id) + pack_long(ping), content=False, answer=True
        )

    def _on_ping_delay_disconnect(self, msg_id: int, reader: Reader) -> None:
        self._on_ping(msg_id, reader)
        delay = reader.int32()
        if self.connection is not None:
            self.connection.disconnect_after(delay)

    def _on_destroy_session(self, msg_id: int, reader: Reader) -> None:
        number = reader.int64()
        done = number != self.id and self.host.destroy_session(self.key, number)
        self.send(
            pack_uint(constructors.DESTROY_SESSION_OK if done else constructors.DESTROY_SESSION_NONE)
            + pack_long(number),
            answer=True,
        )

    def _on_get_future_salts(self, msg_id: int, reader: Reader) -> None:
        count = min(max(reader.int32(), 1), MAX_FUTURE_SALTS)
        salts = list(self.host.salts.future(self.key, count))
        parts = [
            pack_uint(constructors.FUTURE_SALTS),
            pack_long(msg_id),
            pack_int(int(time.time())),
            pack_int(len(salts)),
        ]
        for since, until, salt in salts:
            parts += (pack_int(since), pack_int(until), pack_long(salt))
        self.send(b"".join(parts), content=False, answer=True)

    def _on_state_req(self, msg_id: int, reader: Reader) -> None:
        numbers = reader.longs()
        info = bytes(self._state_of(number) for number in numbers)
        self.send(
            pack_uint(constructors.MSGS_STATE_INFO) + pack_long(msg_id) + pack_bytes(info),
            content=False,
            answer=True,
        )

    def _state_of(self, number: int) -> int:
        """A message's state byte (core.telegram.org/mtproto/service_messages_about_messages).

        1: nothing is known. 3: not received. 4: received, with 8 (no answer is due), 32 (the call is running)
        or 64 (the answer was sent).
        """
        if self._pending.of_request(number):
            return 4 | 64
        if number in self._received:
            return 4 | (32 if number in self._running else 8)
        return 3 if number > self._received.newest else 1

    def _on_resend_req(self, msg_id: int, reader: Reader) -> None:
        numbers = reader.longs()
        found = self._pending.named(numbers)
        self.resend(found)
        if len(found) < len(numbers):
            info = bytes(4 if number in self._pending else 1 for number in numbers)
            self.send(
                pack_uint(constructors.MSGS_STATE_INFO) + pack_long(msg_id) + pack_bytes(info),
                content=False,
                answer=True,
            )

    def _on_drop_answer(self, msg_id: int, reader: Reader) -> None:
        request = reader.int64()
        if request in self._running:
            self._dropped.add(request)
            body = pack_uint(constructors.RPC_ANSWER_DROPPED_RUNNING)
        elif answer := self._pending.drop(request):
            self._queued = [message for message in self._queued if message.msg_id != answer.msg_id]
            body = pack_uint(constructors.RPC_ANSWER_DROPPED) + pack_long(answer.msg_id)
            body += pack_int(answer.seqno) + pack_int(len(answer.body))
        else:
            body = pack_uint(constructors.RPC_ANSWER_UNKNOWN)
        self.send(pack_uint(constructors.RPC_RESULT) + pack_long(msg_id) + body, answer=True)

    def _on_nothing(self, msg_id: int, reader: Reader) -> None:
        """http_wait, msgs_all_info and msgs_state_info need no answer here."""

    def _on_destroy_auth_key(self, msg_id: int, reader: Reader) -> None:
        self.send(pack_uint(constructors.DESTROY_AUTH_KEY_OK), answer=True)
        self.flush()
        self.host.destroy_key(self.key)


_SERVICE: dict[int, Callable[[Session, int, Reader], None]] = {
    constructors.MSGS_ACK: Session._on_ack,
    constructors.PING: Session._on_ping,
    constructors.PING_DELAY_DISCONNECT: Session._on_ping_delay_disconnect,
    constructors.DESTROY_SESSION: Session._on_destroy_session,
    constructors.GET_FUTURE_SALTS: Session._on_get_future_salts,
    constructors.MSGS_STATE_REQ: Session._on_state_req,
    constructors.MSG_RESEND_REQ: Session._on_resend_req,
    constructors.RPC_DROP_ANSWER: Session._on_drop_answer,
    constructors.HTTP_WAIT: Session._on_nothing,
    constructors.MSGS_ALL_INFO: Session._on_nothing,
    constructors.MSGS_STATE_INFO: Session._on_nothing,
    constructors.DESTROY_AUTH_KEY: Session._on_destroy_auth_key,
}

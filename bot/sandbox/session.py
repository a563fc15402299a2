"""One MTProto session: message ids, sequence numbers, salts, acknowledgements, service messages.

Source: core.telegram.org/mtproto/service_messages and .../service_messages_about_messages. A session
belongs to an auth key and outlives its connections; what it answers to calls is `api`'s business.
"""

import hashlib
import itertools
import os
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from djangobot.bot.sandbox import schema, wire
from djangobot.bot.sandbox.wire import Malformed, Reader, pack_bytes, pack_int, pack_long, pack_uint

CONTAINER = 0x73F1F8DC
RPC_RESULT = 0xF35C6D01
RPC_ERROR = 0x2144CA19
GZIP_PACKED = 0x3072CFA1
MSGS_ACK = 0x62D6B459
BAD_MSG_NOTIFICATION = 0xA7EFF811
BAD_SERVER_SALT = 0xEDAB447B
NEW_SESSION_CREATED = 0x9EC20908
PING = 0x7ABE77EC
PING_DELAY_DISCONNECT = 0xF3427B8C
PONG = 0x347773C5
DESTROY_SESSION = 0xE7512126
DESTROY_SESSION_OK = 0xE22045FC
DESTROY_SESSION_NONE = 0x62D350C9
GET_FUTURE_SALTS = 0xB921BD04
FUTURE_SALTS = 0xAE500895
MSGS_STATE_REQ = 0xDA69FB52
MSGS_STATE_INFO = 0x04DEB57D
MSGS_ALL_INFO = 0x8CC0D131
MSG_RESEND_REQ = 0x7D861A08
RPC_DROP_ANSWER = 0x58E4A740
RPC_ANSWER_UNKNOWN = 0x5E2AD36E
RPC_ANSWER_DROPPED_RUNNING = 0xCD78E586
RPC_ANSWER_DROPPED = 0xA43AD8B7
HTTP_WAIT = 0x9299359F
DESTROY_AUTH_KEY = 0xD1435160
DESTROY_AUTH_KEY_OK = 0xF660E1D4

# Codes of bad_msg_notification.
TOO_LOW, TOO_HIGH, NOT_A_MULTIPLE_OF_4, SAME_IN_CONTAINER, TOO_OLD = 16, 17, 18, 19, 20
SEQNO_TOO_LOW, SEQNO_TOO_HIGH, EVEN_EXPECTED, ODD_EXPECTED = 32, 33, 34, 35
BAD_SALT, BAD_CONTAINER = 48, 64

# Clocks may differ by this much (core.telegram.org/mtproto/description#message-identifier-msg-id).
MAX_BEHIND = 300
MAX_AHEAD = 30
REMEMBERED = 4096
# An unacknowledged answer older than this is not re-sent: clients take an old msg_id for a replay.
RESEND_WITHIN = 60
MAX_IN_CONTAINER = 100
MAX_CONTAINER_BYTES = 512 << 10
# Answers shorter than this are not worth packing.
GZIP_FROM = 1024

_NOT_CONTENT = {MSGS_ACK, CONTAINER, HTTP_WAIT, MSGS_ALL_INFO}
# Sent either way by the clients there are; the real server takes both.
_EITHER = {PING, PING_DELAY_DISCONNECT, MSGS_STATE_REQ, MSG_RESEND_REQ, MSGS_STATE_INFO, DESTROY_SESSION}


class AuthKey(msgspec.Struct, kw_only=True):
    """An auth key and who is signed in with it."""

    key: bytes
    first_salt: int
    made: float
    user: int = 0
    layer: int = 0

    @property
    def id(self) -> bytes:
        """The eight bytes that name it."""
        return wire.key_id(self.key)


class Salts:
    """Server salts: a new one every `lifetime` seconds, derived, so that nothing need be stored.

    The former one is still taken for as long again; the one of the handshake for the first period.
    """

    def __init__(self, lifetime: float = 1800, clock: Callable[[], float] = time.time) -> None:
        self.lifetime = lifetime
        self._clock = clock

    def current(self, key: AuthKey) -> int:
        """The salt clients should use now."""
        return self._of(key, self._period())

    def accepted(self, key: AuthKey, salt: int) -> bool:
        """Whether a message with this salt is taken."""
        period = self._period()
        if salt in (self._of(key, period), self._of(key, period - 1)):
            return True
        return salt == key.first_salt and self._clock() - key.made < self.lifetime

    def future(self, key: AuthKey, count: int) -> Iterator[tuple[int, int, int]]:
        """(valid since, valid until, salt) of the current salt and those to come."""
        period = self._period()
        for number in range(period, period + count):
            since = number * self.lifetime
            yield int(since), int(since + 2 * self.lifetime), self._of(key, number)

    def _period(self) -> int:
        return int(self._clock() / self.lifetime)

    def _of(self, key: AuthKey, period: int) -> int:
        digest = hashlib.sha256(key.key + period.to_bytes(8, "little", signed=True)).digest()
        return int.from_bytes(digest[:8], "little", signed=True)


class MessageIds:
    """The server's message ids: its clock, always rising, odd as the protocol asks."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, answer: bool) -> int:
        """A new id; answers to a message end in 1, others in 3 (modulo 4)."""
        number = int(time.time() * 4294967296) & ~3
        if number <= self._last:
            number = self._last + 4
        self._last = number
        return number | (1 if answer else 3)


class Wires(Protocol):
    """The connection a session speaks through."""

    def send_packet(self, packet: bytes) -> None:
        """Frames and writes a packet."""
        ...

    def disconnect_after(self, delay: float) -> None:
        """Closes the connection when the client is silent for `delay` seconds."""
        ...


class Host(Protocol):
    """What a session needs of the server."""

    salts: Salts
    ids: MessageIds

    @property
    def resend_answers(self) -> bool:
        """Whether unacknowledged answers are sent again after a reconnect."""
        ...

    def call(self, session: "Session", msg_id: int, reader: Reader) -> None:
        """Executes a call; its answer comes through `Session.answer`."""
        ...

    def dirty(self, session: "Session") -> None:
        """The session has something to send at the end of this turn."""
        ...

    def protocol_event(self, name: str) -> None:
        """Something worth a line in the journal."""
        ...

    def destroy_session(self, key: AuthKey, session_id: int) -> bool:
        """Forgets another session of this key."""
        ...

    def destroy_key(self, key: AuthKey) -> None:
        """Forgets an auth key."""
        ...


class Outgoing(msgspec.Struct):
    """A message on its way to the client."""

    msg_id: int
    seqno: int
    body: bytes


class Answer(msgspec.Struct):
    """An answer the client has not acknowledged."""

    request: int
    message: Outgoing
    at: float


class Session:
    """The server's side of one session."""

    def __init__(self, host: Host, key: AuthKey, session_id: int) -> None:
        self.host = host
        self.key = key
        self.id = session_id
        self.connection: Wires | None = None
        # As with the real server, initConnection is remembered with the key: some clients do not repeat it.
        self.initialised = bool(key.layer)
        self.wants_updates = True
        self.used = False
        """Whether it has called anything but help.getConfig and upload.*: files come over others."""
        self.layer = key.layer
        self.schema = schema.schema_for(key.layer) if key.layer else None
        self._key_id = key.id
        self._content = 0
        self._outgoing: list[Outgoing] = []
        self._acks: list[int] = []
        self._unacknowledged: OrderedDict[int, Answer] = OrderedDict()
        self._by_request: dict[int, int] = {}
        self._running: set[int] = set()
        self._dropped: set[int] = set()
        self._received: OrderedDict[int, None] = OrderedDict()
        self._newest = 0
        self._newest_seqno = -1
        self._greeted = False
        self._sent_up_to = 0

    # ---- from the client

    def attach(self, connection: Wires) -> None:
        """The client came (back) over this connection: answers it may have missed go first."""
        if self.connection is connection:
            return
        returning = self.connection is not None or self._greeted
        self.connection = connection
        if returning and self.host.resend_answers:
            self._resend(answer.message for answer in self._fresh())

    def detach(self, connection: Wires) -> None:
        """The connection is gone; answers wait for the next one."""
        if self.connection is connection:
            self.connection = None
            self._outgoing.clear()

    def receive(self, salt: int, msg_id: int, seqno: int, body: bytes) -> None:
        """One decrypted message; a container's messages are taken one by one."""
        constructor = Reader(body).uint32()
        late = self._time_error(msg_id)
        if late:
            return self._refuse(msg_id, seqno, late)
        if not self.host.salts.accepted(self.key, salt):
            return self._refuse(msg_id, seqno, BAD_SALT)
        if not self._greeted:
            self._greet(msg_id)
        if constructor != CONTAINER:
            return self._one(msg_id, seqno, body)
        if msg_id in self._received:
            return None
        if seqno % 2:
            return self._refuse(msg_id, seqno, EVEN_EXPECTED)
        try:
            inner = list(_container(body))
        except Malformed:
            return self._refuse(msg_id, seqno, BAD_CONTAINER)
        self._remember(msg_id)
        ids = [number for number, _, _ in inner]
        if len(set(ids)) != len(ids) or msg_id in ids:
            return self._refuse(msg_id, seqno, SAME_IN_CONTAINER)
        if any(number > msg_id for number in ids):
            return self._refuse(msg_id, seqno, BAD_CONTAINER)
        for number, inner_seqno, inner_body in inner:
            self._one(number, inner_seqno, inner_body)
        return None

    def _one(self, msg_id: int, seqno: int, body: bytes) -> None:
        reader = Reader(body)
        constructor = reader.uint32()
        if msg_id % 4:
            return self._refuse(msg_id, seqno, NOT_A_MULTIPLE_OF_4)
        if msg_id in self._received:
            return self._again(msg_id)
        if self._received and msg_id < next(iter(self._received)) and len(self._received) >= REMEMBERED:
            return self._refuse(msg_id, seqno, TOO_OLD)
        if constructor in _NOT_CONTENT:
            if seqno % 2:
                return self._refuse(msg_id, seqno, EVEN_EXPECTED)
        elif constructor not in _EITHER:
            error = self._seqno_error(msg_id, seqno)
            if error:
                return self._refuse(msg_id, seqno, error)
        self._remember(msg_id)
        if constructor == GZIP_PACKED:
            body = schema.inflate(reader.blob())
            reader = Reader(body)
            constructor = reader.uint32()
        if service := _SERVICE.get(constructor):
            if seqno % 2:
                self._acknowledge(msg_id)
            return service(self, msg_id, reader)
        self._running.add(msg_id)
        self.host.call(self, msg_id, Reader(body))
        if msg_id in self._running:
            self._acknowledge(msg_id)
        return None

    def _time_error(self, msg_id: int) -> int:
        at, now = msg_id / 4294967296, time.time()
        if msg_id % 4:
            return NOT_A_MULTIPLE_OF_4
        if at < now - MAX_BEHIND:
            return TOO_LOW
        return TOO_HIGH if at > now + MAX_AHEAD else 0

    def _seqno_error(self, msg_id: int, seqno: int) -> int:
        if seqno % 2 == 0:
            return ODD_EXPECTED
        if msg_id > self._newest:
            if seqno <= self._newest_seqno:
                return SEQNO_TOO_LOW
            self._newest, self._newest_seqno = msg_id, seqno
        elif seqno >= self._newest_seqno:
            return SEQNO_TOO_HIGH
        return 0

    def _again(self, msg_id: int) -> None:
        """A message that came before: its answer once more, if there is one and it was not acknowledged."""
        self.host.protocol_event("repeated messages")
        if msg_id in self._by_request:
            answer = self._unacknowledged[self._by_request[msg_id]]
            if all(answer.message.msg_id != queued.msg_id for queued in self._outgoing):
                self._resend([answer.message])
        else:
            self._acknowledge(msg_id)

    def _remember(self, msg_id: int) -> None:
        self._received[msg_id] = None
        if len(self._received) > REMEMBERED:
            self._received.popitem(last=False)

    def _refuse(self, msg_id: int, seqno: int, code: int) -> None:
        body = pack_long(msg_id) + pack_int(seqno) + pack_int(code)
        if code == BAD_SALT:
            self.host.protocol_event("bad_server_salt")
            body = pack_uint(BAD_SERVER_SALT) + body + pack_long(self.host.salts.current(self.key))
        else:
            self.host.protocol_event(f"bad_msg_notification {code}")
            body = pack_uint(BAD_MSG_NOTIFICATION) + body
        self.send(body, content=False, answer=True)

    def _greet(self, msg_id: int) -> None:
        self._greeted = True
        unique = int.from_bytes(os.urandom(8), "little", signed=True)
        salt = self.host.salts.current(self.key)
        self.send(pack_uint(NEW_SESSION_CREATED) + pack_long(msg_id) + pack_long(unique) + pack_long(salt))

    # ---- to the client

    def send(self, body: bytes, *, content: bool = True, answer: bool = False) -> Outgoing:
        """Queues a message for the end of this turn."""
        seqno = self._content * 2 + content
        self._content += content
        message = Outgoing(self.host.ids.next(answer), seqno, body)
        if self.connection is not None:
            self._outgoing.append(message)
            self.host.dirty(self)
        return message

    def answer(self, msg_id: int, result: bytes, *, packable: bool = True) -> None:
        """Queues the answer to a call; it is kept until acknowledged."""
        self._running.discard(msg_id)
        if msg_id in self._dropped:
            self._dropped.discard(msg_id)
            return
        if packable and len(result) >= GZIP_FROM:
            machine = zlib.compressobj(1, wbits=31)
            packed = machine.compress(result) + machine.flush()
            if len(packed) < len(result) * 0.9:
                result = pack_uint(GZIP_PACKED) + pack_bytes(packed)
        message = self.send(pack_uint(RPC_RESULT) + pack_long(msg_id) + result, answer=True)
        self._unacknowledged[message.msg_id] = Answer(msg_id, message, time.monotonic())
        self._by_request[msg_id] = message.msg_id
        if len(self._unacknowledged) > REMEMBERED:
            _, old = self._unacknowledged.popitem(last=False)
            self._by_request.pop(old.request, None)

    def error(self, msg_id: int, code: int, text: str) -> None:
        """Queues an rpc_error."""
        self.answer(msg_id, pack_uint(RPC_ERROR) + pack_int(code) + wire.pack_string(text))

    def lose(self, msg_id: int) -> None:
        """The call's answer will never come: an ordered fault."""
        self._running.discard(msg_id)

    def is_running(self, msg_id: int) -> bool:
        """Whether the call has no answer yet."""
        return msg_id in self._running

    def flush(self) -> None:
        """Sends what this turn has queued, several messages in a container."""
        if self._acks:
            body = pack_uint(MSGS_ACK) + _longs(self._acks)
            self._acks = []
            self.send(body, content=False)
        queued, self._outgoing = self._outgoing, []
        if self.connection is None:
            return
        while queued:
            size = count = 0
            for message in queued:
                size += len(message.body) + 16
                if count and (size > MAX_CONTAINER_BYTES or count == MAX_IN_CONTAINER):
                    break
                count += 1
            self._send_together(queued[:count])
            queued = queued[count:]

    def _send_together(self, messages: list[Outgoing]) -> None:
        # A re-sent message keeps its id, and so can only travel inside a newer container.
        if len(messages) == 1 and messages[0].msg_id > self._sent_up_to:
            envelope = messages[0]
        else:
            parts = [pack_uint(CONTAINER), pack_int(len(messages))]
            for message in messages:
                parts += (
                    pack_long(message.msg_id),
                    pack_int(message.seqno),
                    pack_int(len(message.body)),
                    message.body,
                )
            envelope = Outgoing(self.host.ids.next(True), self._content * 2, b"".join(parts))
        self._sent_up_to = envelope.msg_id
        packet = wire.seal(
            self.key.key,
            self._key_id,
            self.host.salts.current(self.key),
            self.id,
            envelope.msg_id,
            envelope.seqno,
            envelope.body,
        )
        if self.connection is not None:
            self.connection.send_packet(packet)

    def _acknowledge(self, msg_id: int) -> None:
        self._acks.append(msg_id)
        self.host.dirty(self)

    def _fresh(self) -> list[Answer]:
        """Answers that may still be re-sent."""
        now = time.monotonic()
        return [answer for answer in self._unacknowledged.values() if now - answer.at < RESEND_WITHIN]

    def _resend(self, messages: Iterator[Outgoing] | list[Outgoing]) -> None:
        # With their old ids, before all newer messages: clients check that ids do not fall behind.
        old = list(messages)
        if old:
            for _ in old:
                self.host.protocol_event("answers re-sent")
            self._outgoing[:0] = old
            self.host.dirty(self)

    # ---- service messages

    def _on_ack(self, msg_id: int, reader: Reader) -> None:
        for number in _read_longs(reader):
            answer = self._unacknowledged.pop(number, None)
            if answer is not None:
                self._by_request.pop(answer.request, None)

    def _on_ping(self, msg_id: int, reader: Reader) -> None:
        ping = reader.int64()
        self.send(pack_uint(PONG) + pack_long(msg_id) + pack_long(ping), content=False, answer=True)

    def _on_ping_delay_disconnect(self, msg_id: int, reader: Reader) -> None:
        self._on_ping(msg_id, reader)
        delay = reader.int32()
        if self.connection is not None:
            self.connection.disconnect_after(delay)

    def _on_destroy_session(self, msg_id: int, reader: Reader) -> None:
        number = reader.int64()
        done = number != self.id and self.host.destroy_session(self.key, number)
        self.send(
            pack_uint(DESTROY_SESSION_OK if done else DESTROY_SESSION_NONE) + pack_long(number), answer=True
        )

    def _on_get_future_salts(self, msg_id: int, reader: Reader) -> None:
        count = min(max(reader.int32(), 1), 64)
        salts = list(self.host.salts.future(self.key, count))
        parts = [pack_uint(FUTURE_SALTS), pack_long(msg_id), pack_int(int(time.time())), pack_int(len(salts))]
        for since, until, salt in salts:
            parts += (pack_int(since), pack_int(until), pack_long(salt))
        self.send(b"".join(parts), content=False, answer=True)

    def _on_state_req(self, msg_id: int, reader: Reader) -> None:
        numbers = _read_longs(reader)
        info = bytes(self._state_of(number) for number in numbers)
        self.send(
            pack_uint(MSGS_STATE_INFO) + pack_long(msg_id) + pack_bytes(info), content=False, answer=True
        )

    def _state_of(self, number: int) -> int:
        """A state byte: 1 nothing is known, 3 not received, 4 received, and what became of it."""
        if number in self._by_request:
            return 4 | 64
        if number in self._received:
            return 4 | (32 if number in self._running else 8)
        return 3 if number > self._newest else 1

    def _on_resend_req(self, msg_id: int, reader: Reader) -> None:
        numbers = _read_longs(reader)
        found = [self._unacknowledged[number].message for number in numbers if number in self._unacknowledged]
        self._resend(found)
        if len(found) < len(numbers):
            info = bytes(4 if number in self._unacknowledged else 1 for number in numbers)
            self.send(
                pack_uint(MSGS_STATE_INFO) + pack_long(msg_id) + pack_bytes(info), content=False, answer=True
            )

    def _on_drop_answer(self, msg_id: int, reader: Reader) -> None:
        request = reader.int64()
        if request in self._running:
            self._dropped.add(request)
            body = pack_uint(RPC_ANSWER_DROPPED_RUNNING)
        elif request in self._by_request:
            answer = self._unacknowledged.pop(self._by_request.pop(request))
            self._outgoing = [m for m in self._outgoing if m.msg_id != answer.message.msg_id]
            body = pack_uint(RPC_ANSWER_DROPPED) + pack_long(answer.message.msg_id)
            body += pack_int(answer.message.seqno) + pack_int(len(answer.message.body))
        else:
            body = pack_uint(RPC_ANSWER_UNKNOWN)
        self.send(pack_uint(RPC_RESULT) + pack_long(msg_id) + body, answer=True)

    def _on_nothing(self, msg_id: int, reader: Reader) -> None:
        """http_wait, msgs_all_info, msgs_state_info: they need no answer here."""

    def _on_destroy_auth_key(self, msg_id: int, reader: Reader) -> None:
        self.send(pack_uint(DESTROY_AUTH_KEY_OK), answer=True)
        self.flush()
        self.host.destroy_key(self.key)


_SERVICE: dict[int, Callable[[Session, int, Reader], None]] = {
    MSGS_ACK: Session._on_ack,
    PING: Session._on_ping,
    PING_DELAY_DISCONNECT: Session._on_ping_delay_disconnect,
    DESTROY_SESSION: Session._on_destroy_session,
    GET_FUTURE_SALTS: Session._on_get_future_salts,
    MSGS_STATE_REQ: Session._on_state_req,
    MSG_RESEND_REQ: Session._on_resend_req,
    RPC_DROP_ANSWER: Session._on_drop_answer,
    HTTP_WAIT: Session._on_nothing,
    MSGS_ALL_INFO: Session._on_nothing,
    MSGS_STATE_INFO: Session._on_nothing,
    DESTROY_AUTH_KEY: Session._on_destroy_auth_key,
}


def _container(body: bytes) -> Iterator[tuple[int, int, bytes]]:
    reader = Reader(body, 4)
    # core.telegram.org/mtproto/service_messages#simple-container: at most 1020 messages.
    count = reader.int32()
    if not 0 <= count <= 1020:
        raise Malformed("a container of too many messages")
    for _ in itertools.repeat(None, count):
        msg_id, seqno, length = reader.int64(), reader.int32(), reader.int32()
        if length % 4:
            raise Malformed("a message whose length is no multiple of four")
        inner = reader.raw(length)
        if Reader(inner).uint32() == CONTAINER:
            raise Malformed("a container in a container")
        yield msg_id, seqno, inner


def _read_longs(reader: Reader) -> list[int]:
    if reader.uint32() != wire.VECTOR:
        raise Malformed("no vector where one belongs")
    count = reader.int32()
    # core.telegram.org/mtproto/service_messages_about_messages: at most 8192 ids.
    if not 0 <= count <= 8192:
        raise Malformed("a vector of an impossible length")
    return [reader.int64() for _ in range(count)]


def _longs(values: list[int]) -> bytes:
    return pack_uint(wire.VECTOR) + pack_int(len(values)) + b"".join(map(pack_long, values))

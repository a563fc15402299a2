"""The sending half of a session: numbers messages, queues them, keeps answers until they are acknowledged.

Sources: core.telegram.org/mtproto/description#message-sequence-number-msg-seqno and
core.telegram.org/mtproto/service_messages.
"""

import time
import zlib
from typing import Protocol

from djangobot.bot.sandbox.mtproto import constructors, containers, wire
from djangobot.bot.sandbox.mtproto.auth_keys import AuthKey, Salts
from djangobot.bot.sandbox.mtproto.containers import Message
from djangobot.bot.sandbox.mtproto.message_ids import MessageIds
from djangobot.bot.sandbox.mtproto.pending_answers import PendingAnswers
from djangobot.bot.sandbox.mtproto.wire import pack_bytes, pack_int, pack_long, pack_uint

# Bytes. A shorter answer is not worth packing. Our own choice.
GZIP_FROM = 1024
# Updates that wait for a client that is away, and the seconds it may be away. Telegram keeps them for minutes
# and then says that there were too many; it publishes no number.
MAX_WAITING = 1000
AWAY_PATIENCE = 600


class PacketWriter(Protocol):
    """The connection that a session writes to."""

    def send_packet(self, packet: bytes) -> None:
        """Frames and writes a packet."""
        ...

    def disconnect_after(self, delay: float) -> None:
        """Closes the connection when the client is silent for `delay` seconds."""
        ...

    def cut(self) -> None:
        """Ends the connection at once, unsent data included."""
        ...


class WriterHost(Protocol):
    """What sending needs of the server."""

    salts: Salts
    ids: MessageIds

    def flush_soon(self, session: "SessionWriter") -> None:
        """Has `flush` called before the loop's next iteration."""
        ...

    def protocol_event(self, name: str) -> None:
        """Counts an event of the protocol in the journal."""
        ...


class SessionWriter:
    """What one session sends, over whichever connection the client uses."""

    def __init__(self, host: WriterHost, key: AuthKey, session_id: int) -> None:
        self.key = key
        self.id = session_id
        self.connection: PacketWriter | None = None
        self._host = host
        self._key_id = key.id
        self._content = 0
        self._queued: list[Message] = []
        self._acks: list[int] = []
        self._pending = PendingAnswers()
        self._running: set[int] = set()
        self._dropped: set[int] = set()
        self._sent_up_to = 0
        self._waiting: list[bytes] = []
        self._too_many = False
        self._away_since = 0.0

    def send(self, body: bytes, *, content: bool = True, answer: bool = False) -> Message:
        """Queues a message for the next `flush`."""
        seqno = self._content * 2 + content
        self._content += content
        message = Message(self._host.ids.next(answer), seqno, body)
        if self.connection is not None:
            self._queued.append(message)
            self._host.flush_soon(self)
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
                result = pack_uint(constructors.GZIP_PACKED) + pack_bytes(packed)
        message = self.send(pack_uint(constructors.RPC_RESULT) + pack_long(msg_id) + result, answer=True)
        self._pending.add(message, request=msg_id)

    def push(self, update: bytes) -> None:
        """Queues an update. It is kept until acknowledged, or until a client that is away comes back."""
        if self.connection is not None:
            self._pending.add(self.send(update))
        elif len(self._waiting) < MAX_WAITING and time.monotonic() - self._away_since < AWAY_PATIENCE:
            self._waiting.append(update)
        else:
            self._waiting, self._too_many = [], True

    def push_waiting(self) -> None:
        """The client is back: queues what it has missed."""
        waiting, self._waiting = self._waiting, []
        if self._too_many:
            self._too_many, waiting = False, [pack_uint(constructors.UPDATES_TOO_LONG)]
        for update in waiting:
            self.push(update)

    def error(self, msg_id: int, code: int, text: str) -> None:
        """Queues an rpc_error."""
        self.answer(msg_id, pack_uint(constructors.RPC_ERROR) + pack_int(code) + wire.pack_string(text))

    def lose(self, msg_id: int) -> None:
        """An ordered fault keeps the answer of this call back for ever."""
        self._running.discard(msg_id)
        self._dropped.discard(msg_id)

    def flush(self) -> None:
        """Sends what was queued, several messages in a container."""
        if self._acks:
            body = pack_uint(constructors.MSGS_ACK) + wire.pack_longs(self._acks)
            self._acks = []
            self.send(body, content=False)
        queued, self._queued = self._queued, []
        if self.connection is not None:
            for messages in containers.batches(queued):
                self._send_together(messages)

    def _send_together(self, messages: list[Message]) -> None:
        # A message that is sent again keeps its id, so it can only travel inside a newer container.
        if len(messages) == 1 and messages[0].msg_id > self._sent_up_to:
            envelope = messages[0]
        else:
            envelope = Message(self._host.ids.next(True), self._content * 2, containers.pack(messages))
        self._sent_up_to = envelope.msg_id
        packet = wire.seal(
            self.key.key,
            self._key_id,
            self._host.salts.current(self.key),
            self.id,
            envelope.msg_id,
            envelope.seqno,
            envelope.body,
        )
        if self.connection is not None:
            self.connection.send_packet(packet)

    def acknowledge(self, msg_id: int) -> None:
        """Queues an acknowledgement of a client's message."""
        self._acks.append(msg_id)
        self._host.flush_soon(self)

    def resend(self, messages: list[Message]) -> None:
        """Queues messages that were sent before."""
        # They keep their ids and go before all newer messages: clients check that ids do not fall behind.
        if messages:
            for _ in messages:
                self._host.protocol_event("answers re-sent")
            self._queued[:0] = messages
            self._host.flush_soon(self)

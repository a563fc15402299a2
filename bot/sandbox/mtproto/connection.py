"""One TCP connection: its transport, its handshake, and the sessions that use it."""

import asyncio
import logging
import struct
from collections.abc import Mapping
from typing import Protocol, cast

from djangobot.bot.sandbox.mtproto import wire
from djangobot.bot.sandbox.mtproto.auth_keys import AuthKey
from djangobot.bot.sandbox.mtproto.handshake import Handshake, NewKey
from djangobot.bot.sandbox.mtproto.message_ids import MessageIds
from djangobot.bot.sandbox.mtproto.rsa_key import RsaKey
from djangobot.bot.sandbox.mtproto.session import Session
from djangobot.bot.sandbox.mtproto.transports import BadFrame, Transport
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader

log = logging.getLogger(__name__)

# The transport error for an unknown auth key (core.telegram.org/mtproto/mtproto-transports#transport-errors).
_UNKNOWN_KEY = -404


class ConnectionHost(Protocol):
    """What a connection needs of the server."""

    rsa_key: RsaKey
    ids: MessageIds

    @property
    def auth_keys(self) -> Mapping[bytes, AuthKey]:
        """The known auth keys by their ids."""
        ...

    def opened(self, connection: "Connection") -> bool:
        """A connection was opened; False when it must be refused."""
        ...

    def closed(self, connection: "Connection") -> None:
        """A connection was closed."""
        ...

    def transport_seen(self, name: str) -> None:
        """A connection's first packet has shown which transport it uses."""
        ...

    def protocol_event(self, name: str) -> None:
        """Counts an event of the protocol in the journal."""
        ...

    def keep_key(self, made: NewKey) -> None:
        """Stores the auth key of a finished handshake."""
        ...

    def session(self, key: AuthKey, session_id: int) -> Session:
        """The session of this id."""
        ...

    def commit(self) -> None:
        """Writes what has changed."""
        ...


class Connection(asyncio.Protocol):
    """One TCP connection: its transport, its handshake, the sessions that speak through it."""

    def __init__(self, host: ConnectionHost) -> None:
        self._host = host
        self._framing = Transport()
        self._handshake = Handshake(host.rsa_key, host.keep_key)
        self._sessions: dict[tuple[bytes, int], Session] = {}
        self._transport: asyncio.Transport | None = None
        self._disconnect: asyncio.TimerHandle | None = None
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._host.opened(self):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.closed(self)
        self._transport = None
        if self._disconnect is not None:
            self._disconnect.cancel()
        for session in self._sessions.values():
            session.detach(self)

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._framing.feed(data):
                if self._transport is None or self._transport.is_closing():
                    return
                self._packet(packet)
        except (BadFrame, Malformed) as exc:
            log.info("a connection is closed: %s", exc)
            self._host.protocol_event("malformed")
            self.cut()
        except Exception:
            log.exception("a connection is closed after an error of the sandbox")
            self.cut()

    def cut(self) -> None:
        """Ends the connection at once, unsent data included."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Ends the connection when the data on its way is sent."""
        if self._transport is not None:
            self._transport.close()

    def send_packet(self, packet: bytes) -> None:
        """Frames and writes a packet."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._framing.frame(packet))

    def disconnect_after(self, delay: float) -> None:
        """ping_delay_disconnect: closes unless the client asks again in time."""
        if self._disconnect is not None:
            self._disconnect.cancel()
        self._disconnect = asyncio.get_running_loop().call_later(max(delay, 0), self.cut)

    def _packet(self, packet: bytes) -> None:
        if not self._counted:
            self._counted = True
            self._host.transport_seen(self._framing.name)
        if len(packet) < 20:
            raise Malformed("a packet too short for anything")
        if not any(packet[:8]):
            return self._plain(packet)
        key = self._host.auth_keys.get(packet[:8])
        if key is None:
            self._host.protocol_event("unknown auth key")
            self.send_packet(struct.pack("<i", _UNKNOWN_KEY))
            return self.close()
        salt, session_id, msg_id, seqno, body = wire.unseal(key.key, packet)
        session = self._sessions.get((packet[:8], session_id))
        if session is None or session.connection is not self:
            session = self._host.session(key, session_id)
            session.attach(self)
            self._sessions[packet[:8], session_id] = session
        session.receive(salt, msg_id, seqno, body)
        return None

    def _plain(self, packet: bytes) -> None:
        reader = Reader(packet, 8)
        reader.int64()
        answer = self._handshake.handle(reader.raw(reader.int32()))
        if answer is not None:
            head = bytes(8) + wire.pack_long(self._host.ids.next(True)) + wire.pack_int(len(answer))
            self._host.commit()
            self.send_packet(head + answer)

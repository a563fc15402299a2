"""A bare MTProto client, for what client libraries hide: every id, salt and byte is in the test's hands.

async with Probe(sandbox, transport="obfuscated") as probe:
    await probe.make_key(rsa_pad=True)
    answer = await probe.call({"_": "help.getConfig"}, init=True)
"""

import asyncio
import math
import os
import struct
import time
import zlib
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Any, Self

import tgcrypto

from djangobot.bot.sandbox import read_public_key
from djangobot.bot.sandbox.mtproto import constructors, schema, wire
from djangobot.bot.sandbox.mtproto.handshake import DH_PRIME
from djangobot.bot.sandbox.mtproto.transports import PROXY_SECRET
from djangobot.bot.sandbox.mtproto.wire import Reader, pack_bytes, pack_int, pack_long, pack_uint
from djangobot.bot.sandbox.testing import SandboxProcess

TRANSPORTS = ("abridged", "intermediate", "padded", "full", "obfuscated", "proxy")


class ClientTransport:
    """A transport from the client's side."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._sent = 0
        self._out: tuple[bytes, bytearray, bytearray] | None = None
        self._in: tuple[bytes, bytearray, bytearray] | None = None

    def hello(self) -> bytes:
        """The first bytes of a connection."""
        if self.name == "obfuscated":
            return self._obfuscate(lambda key: key)
        if self.name == "proxy":
            return self._obfuscate(lambda key: sha256(key + PROXY_SECRET).digest())
        return {"abridged": b"\xef", "intermediate": b"\xee" * 4, "padded": b"\xdd" * 4, "full": b""}[
            self.name
        ]

    def _obfuscate(self, mixed: Callable[[bytes], bytes]) -> bytes:
        head = bytearray(b"\x11" * 8 + os.urandom(56))
        head[56:60] = b"\xdd" * 4
        turned = bytes(head[55:7:-1])
        self._out = (mixed(bytes(head[8:40])), bytearray(head[40:56]), bytearray(1))
        self._in = (mixed(turned[:32]), bytearray(turned[32:48]), bytearray(1))
        encrypted = tgcrypto.ctr256_encrypt(bytes(head), *self._out)
        return bytes(head[:56]) + bytes(encrypted[56:])

    def frame(self, packet: bytes) -> bytes:
        """The bytes that carry a packet."""
        if self.name == "abridged":
            words = len(packet) // 4
            head = bytes((words,)) if words < 0x7F else b"\x7f" + words.to_bytes(3, "little")
            return head + packet
        if self.name == "full":
            body = struct.pack("<II", len(packet) + 12, self._sent) + packet
            self._sent += 1
            return body + struct.pack("<I", zlib.crc32(body))
        padding = os.urandom(3) if self.name in ("padded", "obfuscated", "proxy") else b""
        framed = struct.pack("<I", len(packet) + len(padding)) + packet + padding
        return bytes(tgcrypto.ctr256_encrypt(framed, *self._out)) if self._out else framed

    async def read(self, stream: asyncio.StreamReader) -> bytes:
        """The next packet."""
        if self.name == "abridged":
            length = (await stream.readexactly(1))[0]
            if length == 0x7F:
                length = int.from_bytes(await stream.readexactly(3), "little")
            return await stream.readexactly(length * 4)
        length = int.from_bytes(self._open(await stream.readexactly(4)), "little")
        if self.name == "full":
            rest = await stream.readexactly(length - 4)
            return rest[4:-4]
        packet = self._open(await stream.readexactly(length))
        if self.name in ("padded", "obfuscated", "proxy") and len(packet) > 24:
            if any(packet[:8]):
                return packet[: len(packet) - (len(packet) - 24) % 16]
            return packet[: 20 + int.from_bytes(packet[16:20], "little")]
        return packet

    def _open(self, data: bytes) -> bytes:
        return bytes(tgcrypto.ctr256_decrypt(data, *self._in)) if self._in else data


class Message:
    """A message from the server, containers opened."""

    def __init__(self, msg_id: int, seqno: int, body: bytes) -> None:
        self.msg_id = msg_id
        self.seqno = seqno
        self.body = body
        self.constructor = Reader(body).uint32()

    @property
    def reader(self) -> Reader:
        """Reads after the constructor."""
        return Reader(self.body, 4)

    @property
    def whole(self) -> Reader:
        """Reads from the constructor on."""
        return Reader(self.body)


class Probe:
    """One connection of one session."""

    def __init__(self, sandbox: SandboxProcess, *, transport: str = "abridged", layer: int = 158) -> None:
        self.host = sandbox.host
        self.port = sandbox.port
        self.rsa = read_public_key(sandbox.key)
        self.transport = transport
        self.layer = layer
        self.dc = 2
        self.number = 0
        """The bot that has signed in."""
        self.schema = schema.schema_for(layer)
        self.auth_key = b""
        self.salt = 0
        self.session = int.from_bytes(os.urandom(8), "little", signed=True)
        self.content = 0
        self.last_id = 0
        self.seen: list[Message] = []
        self._framing = ClientTransport(transport)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def connect(self) -> None:
        """Opens a (new) connection; key, session and counters stay."""
        self.close()
        self._framing = ClientTransport(self.transport)
        self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        self._writer.write(self._framing.hello())

    def close(self) -> None:
        """Cuts the connection."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    def write(self, data: bytes) -> None:
        """Raw bytes, past the transport."""
        if self._writer is not None:
            self._writer.write(data)

    def send_packet(self, packet: bytes) -> None:
        """A packet of any content."""
        self.write(self._framing.frame(packet))

    async def read_packet(self, seconds: float = 5) -> bytes:
        """The next packet; `asyncio.IncompleteReadError` or `ConnectionError` when the server has gone."""
        if self._reader is None:
            raise ConnectionError("not connected")
        return await asyncio.wait_for(self._framing.read(self._reader), seconds)

    # ---- the handshake

    async def make_key(self, *, rsa_pad: bool = True) -> None:
        """Makes an auth key, with the new or the old padding."""
        modulus, exponent, fingerprint = self.rsa
        nonce, new_nonce = os.urandom(16), os.urandom(32)
        answer = await self._plain(pack_uint(0xBE7E8EF1) + nonce)
        reader = Reader(answer, 4)
        reader.raw(16)
        server_nonce = reader.raw(16)
        pq = reader.blob()
        p, q = _factor(int.from_bytes(pq, "big"))
        p_bytes, q_bytes = p.to_bytes(4, "big"), q.to_bytes(4, "big")
        inner = pack_uint(0xA9F55F95) + pack_bytes(pq) + pack_bytes(p_bytes) + pack_bytes(q_bytes)
        inner += nonce + server_nonce + new_nonce + pack_int(self.dc)
        padded = _rsa_pad(inner, modulus) if rsa_pad else _old_pad(inner)
        encrypted = pow(int.from_bytes(padded, "big"), exponent, modulus).to_bytes(256, "big")
        request = pack_uint(0xD712E4BE) + nonce + server_nonce + pack_bytes(p_bytes) + pack_bytes(q_bytes)
        answer = await self._plain(request + pack_long(fingerprint) + pack_bytes(encrypted))
        a, b = sha1(new_nonce + server_nonce).digest(), sha1(server_nonce + new_nonce).digest()  # noqa: S324
        aes = a + b[:12], b[12:] + sha1(new_nonce + new_nonce).digest() + new_nonce[:4]  # noqa: S324
        plain = Reader(tgcrypto.ige256_decrypt(Reader(answer, 36).blob(), *aes), 20 + 36)
        g, _, g_a = plain.int32(), plain.blob(), int.from_bytes(plain.blob(), "big")
        secret = int.from_bytes(os.urandom(32), "big")
        data = pack_uint(0x6643B654) + nonce + server_nonce + pack_long(0)
        data += pack_bytes(pow(g, secret, DH_PRIME).to_bytes(256, "big"))
        hashed = sha1(data).digest() + data  # noqa: S324
        hashed += os.urandom(-len(hashed) % 16)
        request = pack_uint(0xF5045F1F) + nonce + server_nonce
        answer = await self._plain(request + pack_bytes(tgcrypto.ige256_encrypt(hashed, *aes)))
        if Reader(answer).uint32() != 0x3BCBF734:
            raise ConnectionError("the server made no key")
        self.auth_key = pow(g_a, secret, DH_PRIME).to_bytes(256, "big")
        xored = bytes(x ^ y for x, y in zip(new_nonce[:8], server_nonce[:8], strict=True))
        self.salt = int.from_bytes(xored, "little", signed=True)

    async def _plain(self, body: bytes) -> bytes:
        self.send_packet(bytes(8) + pack_long(self.next_id()) + pack_int(len(body)) + body)
        packet = await self.read_packet()
        return packet[20:]

    # ---- messages

    def next_id(self) -> int:
        """A message id that suits the clock."""
        number = int(time.time() * 4294967296) & ~3
        self.last_id = max(number, self.last_id + 4)
        return self.last_id

    def next_seqno(self, content: bool = True) -> int:
        """A sequence number in order."""
        number = self.content * 2 + content
        self.content += content
        return number

    def send(
        self, body: bytes, *, msg_id: int | None = None, seqno: int | None = None, salt: int | None = None
    ) -> int:
        """An encrypted message; answers its id."""
        msg_id = self.next_id() if msg_id is None else msg_id
        seqno = self.next_seqno() if seqno is None else seqno
        salt = self.salt if salt is None else salt
        key_id = wire.key_id(self.auth_key)
        self.send_packet(wire.seal(self.auth_key, key_id, salt, self.session, msg_id, seqno, body, x=0))
        return msg_id

    def request(self, method: dict[str, Any], *, init: bool = False) -> bytes:
        """A call's bytes; `init` wraps it in invokeWithLayer and initConnection."""
        if not init:
            return self.schema.write(method)
        inner = {
            "_": "initConnection",
            "api_id": 1,
            "device_model": "probe",
            "system_version": "1",
            "app_version": "1",
            "system_lang_code": "en",
            "lang_pack": "",
            "lang_code": "en",
            "query": method,
        }
        return self.schema.write({"_": "invokeWithLayer", "layer": self.layer, "query": inner})

    def acknowledge(self, *msg_ids: int) -> None:
        """msgs_ack."""
        body = pack_uint(constructors.MSGS_ACK) + wire.pack_longs([*msg_ids])
        self.send(body, seqno=self.next_seqno(content=False))

    async def receive(self, seconds: float = 5) -> list[Message]:
        """The messages of the next packet."""
        packet = await self.read_packet(seconds)
        if len(packet) == 4:
            raise ConnectionError(f"transport error {int.from_bytes(packet, 'little', signed=True)}")
        _, session, msg_id, seqno, body = wire.unseal(self.auth_key, packet, x=8)
        if session != self.session:
            raise ConnectionError("a message of another session")
        messages = [Message(msg_id, seqno, body)]
        if messages[0].constructor == constructors.CONTAINER:
            reader, messages = Reader(body, 4), []
            for _ in range(reader.int32()):
                number, inner_seqno, length = reader.int64(), reader.int32(), reader.int32()
                messages.append(Message(number, inner_seqno, reader.raw(length)))
        self.seen += messages
        return messages

    async def until(self, constructor: int, seconds: float = 5) -> Message:
        """Reads on until a message of this kind comes."""
        while True:
            for message in await self.receive(seconds):
                if message.constructor == constructor:
                    return message

    async def result(self, msg_id: int, seconds: float = 5) -> Reader:
        """The body of the answer to a call, unpacked."""
        while True:
            for message in await self.receive(seconds):
                reader = message.reader
                if message.constructor == constructors.RPC_RESULT and reader.int64() == msg_id:
                    if Reader(message.body, 12).uint32() == constructors.GZIP_PACKED:
                        return Reader(schema.inflate(Reader(message.body, 16).blob()))
                    return reader

    async def call(self, method: dict[str, Any], *, init: bool = False) -> Any:
        """Calls a method; `CallError` when it is refused."""
        reader = await self.result(self.send(self.request(method, init=init)))
        start = reader.pos
        if reader.uint32() == constructors.RPC_ERROR:
            raise CallError(reader.int32(), reader.text())
        reader.pos = start
        return self.schema.read_result(method["_"], reader)

    async def sign_in(self, bot: int) -> None:
        """Makes a key and signs in as a bot."""
        self.number = bot
        await self._begin()
        request = {"_": "auth.importBotAuthorization", "flags": 0, "api_id": 1, "api_hash": "x"}
        await self.call({**request, "bot_auth_token": f"{bot}:probe"})

    async def sign_in_person(self, person: int) -> None:
        """Makes a key and signs in as a person, who must be there."""
        await self._begin()
        number = {"phone_number": f"+999{person}"}
        request = {"_": "auth.sendCode", "api_id": 1, "api_hash": "x", "settings": {"_": "codeSettings"}}
        sent = await self.call({**request, **number})
        known = {"phone_code_hash": sent["phone_code_hash"], "phone_code": "12345"}
        await self.call({"_": "auth.signIn", **number, **known})

    async def _begin(self) -> None:
        if not self.auth_key:
            await self.make_key()
        await self.call({"_": "help.getConfig"}, init=True)


class CallError(Exception):
    """An rpc_error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


def _factor(number: int) -> tuple[int, int]:
    """Pollard's rho; the numbers have two prime factors of 31 bits."""
    for c in range(1, 100):
        x = y = 2
        d = 1
        while d == 1:
            x = (x * x + c) % number
            y = (y * y + c) % number
            y = (y * y + c) % number
            d = math.gcd(x - y, number)
        if d != number:
            return min(d, number // d), max(d, number // d)
    raise ValueError("not a product of two primes")


def _old_pad(data: bytes) -> bytes:
    hashed = sha1(data).digest() + data  # noqa: S324
    return hashed + os.urandom(255 - len(hashed))


def _rsa_pad(data: bytes, modulus: int) -> bytes:
    data += os.urandom(192 - len(data))
    while True:
        temp_key = os.urandom(32)
        with_hash = data[::-1] + sha256(temp_key + data).digest()
        encrypted: bytes = tgcrypto.ige256_encrypt(with_hash, temp_key, bytes(32))
        xored = bytes(a ^ b for a, b in zip(temp_key, sha256(encrypted).digest(), strict=True))
        padded = xored + encrypted
        if int.from_bytes(padded, "big") < modulus:
            return padded

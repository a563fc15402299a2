"""The protocol as bytes: what client libraries do not show."""

import asyncio
import random
import struct
import time
import zlib
from collections.abc import Callable

import pytest

from djangobot.bot.sandbox.mtproto import constructors, wire
from djangobot.bot.sandbox.mtproto.wire import Reader, pack_bytes, pack_int, pack_long, pack_uint
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess

from ..probe import TRANSPORTS, CallError, Probe

GET_CONFIG = {"_": "help.getConfig"}
GET_STATE = {"_": "updates.getState"}


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    """One sandbox for all of these tests."""
    return shared_sandbox


async def counted(sandbox: SandboxProcess, kind: str, name: str) -> int:
    """One of the journal's counts."""
    return int((await sandbox.journal())[kind].get(name, 0))


def pong_of(ping: int) -> bytes:
    return pack_uint(constructors.PING) + pack_long(ping)


async def notification(probe: Probe) -> tuple[int, int]:
    """(bad message's id, error code) of the next bad_msg_notification."""
    reader = (await probe.until(constructors.BAD_MSG_NOTIFICATION)).reader
    bad, _, code = reader.int64(), reader.int32(), reader.int32()
    return bad, code


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("rsa_pad", [True, False])
async def test_every_transport_carries_a_handshake_of_either_padding(
    sandbox: SandboxProcess, transport: str, rsa_pad: bool
) -> None:
    """A key is made and used over each transport; the first bytes tell them apart."""
    names = {"padded": "padded intermediate", "obfuscated": "obfuscated padded intermediate"}
    names["proxy"] = names["obfuscated"]
    before = await counted(sandbox, "connections", names.get(transport, transport))
    async with Probe(sandbox, transport=transport) as probe:
        await probe.make_key(rsa_pad=rsa_pad)
        assert (await probe.call(GET_CONFIG, init=True))["this_dc"] == 2
    assert await counted(sandbox, "connections", names.get(transport, transport)) == before + 1


async def test_the_handshakes_salt_is_taken_and_a_wrong_one_is_corrected(sandbox: SandboxProcess) -> None:
    """bad_server_salt names the message and the salt to use; with that salt the message passes."""
    async with Probe(sandbox) as probe:
        await probe.make_key()
        assert await probe.call(GET_CONFIG, init=True)
        msg_id = probe.send(pong_of(1), salt=12345)
        reader = (await probe.until(constructors.BAD_SERVER_SALT)).reader
        assert (reader.int64(), reader.int32() % 2, reader.int32()) == (msg_id, 1, 48)
        probe.salt = reader.int64()
        probe.send(pong_of(2))
        assert await probe.until(constructors.PONG)


async def test_salts_rotate(sandbox_factory: Callable[..., SandboxProcess]) -> None:
    """After two periods the old salt is refused; get_future_salts names the new ones beforehand."""
    async with Probe(sandbox_factory("--salt-lifetime", "0.5")) as probe:
        await probe.make_key()
        msg_id = probe.send(probe.request(GET_CONFIG, init=True))
        message = await probe.until(constructors.NEW_SESSION_CREATED)
        probe.salt = Reader(message.body, 20).int64()
        probe.send(pack_uint(constructors.GET_FUTURE_SALTS) + pack_int(8))
        reader = (await probe.until(constructors.FUTURE_SALTS)).reader
        assert reader.int64() > msg_id
        reader.int32()
        salts = [(reader.int32(), reader.int32(), reader.int64()) for _ in range(reader.int32())]
        assert len(salts) == 8
        assert len({salt for _, _, salt in salts}) == 8
        deadline = time.monotonic() + PATIENCE
        while True:
            probe.send(pong_of(1))
            kinds = {message.constructor: message for message in await probe.receive()}
            if constructors.BAD_SERVER_SALT in kinds or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)  # the clock is what is waited for
        corrected = Reader(kinds[constructors.BAD_SERVER_SALT].body, 20).int64()
        assert corrected in {salt for _, _, salt in salts}


async def test_a_message_from_the_past_or_the_future_is_refused(probe: Probe) -> None:
    """Codes 16 and 17: the client's clock is wrong."""
    for shift, code in ((-400, constructors.TOO_LOW), (400, constructors.TOO_HIGH)):
        msg_id = (int(time.time() + shift) << 32) & ~3
        probe.send(pong_of(1), msg_id=msg_id, seqno=probe.content * 2)
        assert await notification(probe) == (msg_id, code)


async def test_a_message_id_must_be_a_multiple_of_four(probe: Probe) -> None:
    """Code 18."""
    msg_id = probe.next_id() + 1
    probe.send(pong_of(1), msg_id=msg_id)
    assert await notification(probe) == (msg_id, constructors.NOT_A_MULTIPLE_OF_4)


async def test_sequence_numbers_are_checked(probe: Probe) -> None:
    """Codes 32 to 35: too low, too high, odd where even belongs, even where odd belongs."""
    request = probe.request(GET_STATE)
    low = probe.send(request, seqno=1)
    assert await notification(probe) == (low, constructors.SEQNO_TOO_LOW)
    even = probe.send(request, seqno=probe.content * 2)
    assert await notification(probe) == (even, constructors.ODD_EXPECTED)
    odd = probe.send(pack_uint(constructors.HTTP_WAIT) + bytes(12), seqno=99)
    assert await notification(probe) == (odd, constructors.EVEN_EXPECTED)
    early = probe.next_id()
    await probe.call(GET_STATE)
    probe.send(request, msg_id=early, seqno=probe.content * 2 + 101)
    assert await notification(probe) == (early, constructors.SEQNO_TOO_HIGH)


@pytest.mark.parametrize("odd", [False, True])
async def test_service_messages_are_taken_with_either_parity(
    sandbox: SandboxProcess, new_id: Callable[[], int], odd: bool
) -> None:
    """TDLib asks for salts and forgets its key as no content, mtcute acknowledges as content."""

    def send(probe: Probe, body: bytes) -> int:
        return probe.send(body, seqno=probe.next_seqno(content=odd) if odd else probe.content * 2)

    async with Probe(sandbox) as probe:
        await probe.sign_in(new_id())
        send(probe, pack_uint(constructors.MSGS_ACK) + pack_uint(wire.VECTOR) + pack_int(0))
        send(probe, pack_uint(constructors.GET_FUTURE_SALTS) + pack_int(1))
        assert await probe.until(constructors.FUTURE_SALTS)
        dropped = send(probe, pack_uint(constructors.RPC_DROP_ANSWER) + pack_long(probe.last_id + 4))
        assert (await probe.result(dropped)).uint32() == constructors.RPC_ANSWER_UNKNOWN
        send(probe, pack_uint(constructors.DESTROY_AUTH_KEY))
        assert await probe.until(constructors.DESTROY_AUTH_KEY_OK)
        assert constructors.BAD_MSG_NOTIFICATION not in {message.constructor for message in probe.seen}


def container(*messages: tuple[int, int, bytes]) -> bytes:
    parts = [pack_uint(constructors.CONTAINER), pack_int(len(messages))]
    for msg_id, seqno, body in messages:
        parts += (pack_long(msg_id), pack_int(seqno), pack_int(len(body)), body)
    return b"".join(parts)


async def test_a_container_is_taken_message_by_message(probe: Probe) -> None:
    """Two calls in one container get two answers."""
    request = probe.request(GET_STATE)
    inner = [(probe.next_id(), probe.next_seqno(), request) for _ in range(2)]
    probe.send(container(*inner), seqno=probe.content * 2)
    wanted = {msg_id for msg_id, _, _ in inner}
    while wanted:
        for message in await probe.receive():
            if message.constructor == constructors.RPC_RESULT:
                wanted.discard(message.reader.int64())


async def test_a_container_with_one_id_twice_or_cut_short_is_refused(probe: Probe) -> None:
    """Codes 19 and 64."""
    msg_id, seqno = probe.next_id(), probe.content * 2
    outer = probe.send(container((msg_id, seqno, pong_of(1)), (msg_id, seqno, pong_of(2))), seqno=seqno)
    assert await notification(probe) == (outer, constructors.SAME_IN_CONTAINER)
    broken = container((probe.next_id(), seqno, pong_of(1)))[:-4]
    outer = probe.send(broken, seqno=seqno)
    assert await notification(probe) == (outer, constructors.BAD_CONTAINER)


@pytest.mark.parametrize("wbits", [31, 15], ids=["gzip", "zlib"])
async def test_a_packed_call_is_understood_and_long_answers_come_packed(probe: Probe, wbits: int) -> None:
    """gzip_packed both ways; mtcute packs a stream of zlib."""
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(probe.request(GET_STATE)) + packer.flush()
    reader = await probe.result(probe.send(pack_uint(constructors.GZIP_PACKED) + pack_bytes(packed)))
    assert probe.schema.read_result("updates.getState", reader)["_"] == "updates.state"
    await probe.call({"_": "help.getConfig"})
    bodies = [m.body for m in probe.seen if m.constructor == constructors.RPC_RESULT]
    assert any(body[12:16] == b"\xa1\xcf\x72\x30" for body in bodies) or max(map(len, bodies)) < 1024


async def test_the_same_message_twice_is_executed_once_and_answered_again(
    sandbox: SandboxProcess, probe: Probe
) -> None:
    """A repeated msg_id gets the first answer once more, as long as that was not acknowledged."""
    before = await counted(sandbox, "methods", "updates.getState")
    request, seqno = probe.request(GET_STATE), probe.next_seqno()
    msg_id = probe.send(request, seqno=seqno)
    await probe.result(msg_id)
    probe.send(request, msg_id=msg_id, seqno=seqno)
    await probe.result(msg_id)
    assert await counted(sandbox, "methods", "updates.getState") == before + 1


async def test_unacknowledged_answers_come_again_after_a_reconnect(
    sandbox: SandboxProcess, probe: Probe
) -> None:
    """They come first and with their old ids; acknowledged ones do not come."""
    before = await counted(sandbox, "protocol", "answers re-sent")
    first = probe.send(probe.request(GET_STATE))
    await probe.result(first)
    answered = probe.seen[-1].msg_id
    every = [
        m.msg_id for m in probe.seen if m.constructor == constructors.RPC_RESULT and m.msg_id != answered
    ]
    ack = pack_uint(constructors.MSGS_ACK) + pack_uint(wire.VECTOR) + pack_int(len(every))
    probe.send(ack + b"".join(map(pack_long, every)), seqno=probe.content * 2)
    probe.send(pong_of(5), seqno=probe.content * 2)
    await probe.until(constructors.PONG)
    await probe.connect()
    probe.send(pong_of(6), seqno=probe.content * 2)
    messages = await probe.receive()
    assert [m.msg_id for m in messages if m.constructor == constructors.RPC_RESULT] == [answered]
    assert messages[0].msg_id == answered
    assert await counted(sandbox, "protocol", "answers re-sent") == before + 1


async def test_a_call_cut_after_its_execution_is_answered_after_the_reconnect_if_ordered(
    sandbox: SandboxProcess, probe: Probe
) -> None:
    """cut_after with keep_answer: the server re-sends what the client missed."""
    await sandbox.fault("cut_after", "updates.getState", value="keep_answer")
    msg_id = probe.send(probe.request(GET_STATE))
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await probe.result(msg_id)
    await probe.connect()
    probe.send(pong_of(6), seqno=probe.content * 2)
    assert await probe.result(msg_id)


async def test_an_answer_can_be_asked_for_again_or_dropped(probe: Probe) -> None:
    """msg_resend_req sends it once more; rpc_drop_answer forgets it; msgs_state_req knows of it."""
    msg_id = probe.send(probe.request(GET_STATE))
    await probe.result(msg_id)
    answer = next(m.msg_id for m in reversed(probe.seen) if m.constructor == constructors.RPC_RESULT)
    one = pack_uint(wire.VECTOR) + pack_int(1)
    probe.send(pack_uint(constructors.MSG_RESEND_REQ) + one + pack_long(answer))
    assert (await probe.until(constructors.RPC_RESULT)).msg_id == answer
    probe.send(pack_uint(constructors.MSGS_STATE_REQ) + one + pack_long(msg_id))
    reader = (await probe.until(constructors.MSGS_STATE_INFO)).reader
    reader.int64()
    assert reader.blob()[0] & 7 == 4
    dropped = probe.send(pack_uint(constructors.RPC_DROP_ANSWER) + pack_long(msg_id))
    assert (await probe.result(dropped)).uint32() == constructors.RPC_ANSWER_DROPPED
    dropped = probe.send(pack_uint(constructors.RPC_DROP_ANSWER) + pack_long(msg_id))
    assert (await probe.result(dropped)).uint32() == constructors.RPC_ANSWER_UNKNOWN


def drop(msg_id: int) -> bytes:
    """rpc_drop_answer."""
    return pack_uint(constructors.RPC_DROP_ANSWER) + pack_long(msg_id)


def answered(probe: Probe) -> list[int]:
    """The calls whose answers have come, in their order."""
    return [
        message.reader.int64() for message in probe.seen if message.constructor == constructors.RPC_RESULT
    ]


async def test_an_answer_that_was_not_sent_yet_is_dropped(probe: Probe) -> None:
    """The call is executed; rpc_answer_dropped says which answer would have come, and it does not come."""
    call, dropped = probe.next_id(), probe.next_id()
    body = container(
        (call, probe.next_seqno(), probe.request(GET_STATE)),
        (dropped, probe.next_seqno(), drop(call)),
    )
    probe.send(body, seqno=probe.next_seqno(content=False))
    reader = await probe.result(dropped)
    assert reader.uint32() == constructors.RPC_ANSWER_DROPPED
    msg_id, seqno, length = reader.int64(), reader.int32(), reader.int32()
    assert (msg_id % 4, seqno % 2) == (1, 1)
    assert length > 12
    await probe.connect()
    again = probe.send(probe.request(GET_STATE))
    await probe.result(again)
    assert call not in answered(probe)


async def test_a_running_call_is_not_answered_when_its_answer_was_dropped(
    sandbox: SandboxProcess, probe: Probe, new_id: Callable[[], int]
) -> None:
    """It goes on (rpc_answer_dropped_running) and takes effect; one that ends later is answered."""
    person = await sandbox.person(id=new_id())
    await sandbox.say(person, "/start", probe.number)
    for seconds in (0.01, 0.02):
        await sandbox.fault("delay", "messages.sendMessage", value=seconds, chat=person)
    peer = {"_": "inputPeerUser", "user_id": person, "access_hash": 0}
    request = {"_": "messages.sendMessage", "peer": peer}
    first, second, dropped = probe.next_id(), probe.next_id(), probe.next_id()
    body = container(
        (first, probe.next_seqno(), probe.request({**request, "message": "dropped", "random_id": 1})),
        (second, probe.next_seqno(), probe.request({**request, "message": "answered", "random_id": 2})),
        (dropped, probe.next_seqno(), drop(first)),
    )
    probe.send(body, seqno=probe.next_seqno(content=False))
    assert (await probe.result(dropped)).uint32() == constructors.RPC_ANSWER_DROPPED_RUNNING
    while second not in answered(probe):
        await probe.receive()
    assert first not in answered(probe)
    assert (await probe.result(probe.send(drop(first)))).uint32() == constructors.RPC_ANSWER_UNKNOWN
    assert [m["text"] for m in await sandbox.messages(person, bot=probe.number)] == [
        "/start", "dropped", "answered",
    ]  # fmt: skip


async def test_a_session_can_be_destroyed_by_another_one(sandbox: SandboxProcess, probe: Probe) -> None:
    """destroy_session_ok for a known one, destroy_session_none after that."""
    old = probe.session
    async with Probe(sandbox) as other:
        other.auth_key, other.salt = probe.auth_key, probe.salt
        for constructor in (constructors.DESTROY_SESSION_OK, constructors.DESTROY_SESSION_NONE):
            other.send(pack_uint(constructors.DESTROY_SESSION) + pack_long(old))
            assert (await other.until(constructor)).reader.int64() == old


async def test_a_new_session_is_announced_once(probe: Probe) -> None:
    """new_session_created names the first message."""
    await probe.call(GET_STATE)
    assert [m.constructor for m in probe.seen].count(constructors.NEW_SESSION_CREATED) == 1


async def test_ping_delay_disconnect_closes_a_silent_connection(probe: Probe) -> None:
    """The pong comes at once, the end of the connection after the delay."""
    probe.send(
        pack_uint(constructors.PING_DELAY_DISCONNECT) + pack_long(9) + pack_int(0), seqno=probe.content * 2
    )
    reader = (await probe.until(constructors.PONG)).reader
    reader.int64()
    assert reader.int64() == 9
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await probe.receive()


async def test_an_unknown_auth_key_gets_minus_404(probe: Probe) -> None:
    """Four bytes, then the connection ends."""
    probe.auth_key = b"\x01" * 256
    probe.send(pong_of(1))
    assert struct.unpack("<i", await probe.read_packet()) == (-404,)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await probe.read_packet()


async def test_a_call_before_init_connection_is_refused(sandbox: SandboxProcess) -> None:
    """CONNECTION_NOT_INITED."""
    async with Probe(sandbox) as probe:
        await probe.make_key()
        with pytest.raises(CallError, match="CONNECTION_NOT_INITED"):
            await probe.call(GET_CONFIG)


async def test_an_unknown_method_is_refused_and_listed(sandbox: SandboxProcess, probe: Probe) -> None:
    """METHOD_INVALID, with the id in the journal; the session goes on."""
    reader = await probe.result(probe.send(pack_uint(0x12345678) + bytes(12)))
    assert (reader.uint32(), reader.int32(), reader.text()) == (constructors.RPC_ERROR, 400, "METHOD_INVALID")
    assert await counted(sandbox, "unknown_methods", "12345678") == 1
    assert await probe.call(GET_STATE)


async def test_whoever_is_not_signed_in_is_told_so(sandbox: SandboxProcess) -> None:
    """401 AUTH_KEY_UNREGISTERED."""
    async with Probe(sandbox) as probe:
        await probe.make_key()
        await probe.call(GET_CONFIG, init=True)
        with pytest.raises(CallError, match="401 AUTH_KEY_UNREGISTERED"):
            await probe.call(GET_STATE)


async def test_garbage_on_the_port_takes_nothing_down(sandbox: SandboxProcess, probe: Probe) -> None:
    """Noise, half packets, lying lengths, tampered envelopes: their connection ends, all others go on."""
    noise = random.Random(20)
    heads = (
        b"\xef",
        b"\xee" * 4,
        b"\xdd" * 4,
        b"",
        b"\x0c\0\0\0\0\0\0\0",
        b"\xef\x7f\xff\xff\xff",
        b"GET / HTTP/1.1\r\n",
    )
    for number in range(60):
        async with Probe(sandbox) as other:
            other.close()
            _, writer = await asyncio.open_connection(sandbox.host, sandbox.port)
            writer.write(heads[number % len(heads)] + noise.randbytes(noise.randrange(200)))
            writer.close()
    sealed = bytearray(
        wire.seal(probe.auth_key, wire.key_id(probe.auth_key), 1, 2, probe.next_id(), 1, pong_of(1), x=0)
    )
    sealed[40] ^= 1
    async with Probe(sandbox) as other:
        other.send_packet(bytes(sealed))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await other.read_packet()
    async with Probe(sandbox) as other:
        other.auth_key, other.salt = probe.auth_key, probe.salt
        for _ in range(20):
            other.send(noise.randbytes(4 * noise.randrange(1, 30)))
        other.send(pong_of(1), seqno=0)
        await other.until(constructors.PONG)
    assert await probe.call(GET_STATE)
    assert sandbox.process.poll() is None

"""TL's primitive values and the encrypted envelope."""

import contextlib
from hashlib import shake_256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from djangobot.bot.sandbox.mtproto import wire
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader

KEYS = st.binary(max_size=8).map(lambda seed: shake_256(seed).digest(256))
LONGS = st.integers(-(1 << 63), (1 << 63) - 1)
INTS = st.integers(-(1 << 31), (1 << 31) - 1)


@given(st.binary(max_size=600))
def test_a_byte_string_survives_the_wire_and_is_padded_to_words(value: bytes) -> None:
    """Short and long forms, whatever the length."""
    packed = wire.pack_bytes(value)
    assert len(packed) % 4 == 0
    reader = Reader(packed)
    assert reader.blob() == value
    assert not reader.left


@given(
    st.text(max_size=300).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)), INTS, LONGS
)
def test_texts_and_numbers_survive_the_wire(text: str, number: int, long: int) -> None:
    """In a row, each read by its own type."""
    data = wire.pack_string(text) + wire.pack_int(number) + wire.pack_long(long) + wire.pack_bool(number > 0)
    reader = Reader(data)
    assert (reader.text(), reader.int32(), reader.int64(), reader.boolean()) == (
        text,
        number,
        long,
        number > 0,
    )


@given(st.binary(max_size=80))
def test_reading_garbage_raises_nothing_but_malformed(data: bytes) -> None:
    """Truncated values included."""
    for read in (Reader.blob, Reader.text, Reader.int64, Reader.boolean, Reader.float64):
        with contextlib.suppress(Malformed):
            read(Reader(data))


@settings(deadline=None)
@given(
    KEYS,
    LONGS,
    LONGS,
    LONGS,
    INTS,
    st.binary(max_size=200).map(lambda b: b[: len(b) & ~3]),
    st.sampled_from([0, 8]),
)
def test_an_envelope_opens_with_its_key_and_direction(
    key: bytes, salt: int, session: int, msg_id: int, seqno: int, body: bytes, x: int
) -> None:
    """All that was put in comes out."""
    packet = wire.seal(key, wire.key_id(key), salt, session, msg_id, seqno, body, x=x)
    assert wire.unseal(key, packet, x=x) == (salt, session, msg_id, seqno, body)
    with pytest.raises(Malformed):
        wire.unseal(key, packet, x=8 - x)


@settings(deadline=None)
@given(KEYS, st.data())
def test_a_tampered_or_cut_envelope_does_not_open(key: bytes, data: st.DataObject) -> None:
    """One flipped bit, or some bytes less, is enough."""
    packet = bytearray(wire.seal(key, wire.key_id(key), 1, 2, 3, 4, b"body" * 5, x=0))
    cut = data.draw(st.integers(0, len(packet) - 1))
    with pytest.raises(Malformed):
        wire.unseal(key, bytes(packet[:cut]))
    place = data.draw(st.integers(8, len(packet) - 1))
    packet[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Malformed):
        wire.unseal(key, bytes(packet))

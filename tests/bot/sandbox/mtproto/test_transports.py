"""The framings: recognised by their first bytes, whole packets however the bytes arrive."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from djangobot.bot.sandbox.mtproto.transports import BadFrame, Transport

from ..probe import TRANSPORTS, ClientTransport

# As on the wire: encrypted packets are 24 bytes and a multiple of 16; the first eight are a key's id.
PACKETS = st.lists(
    st.integers(2, 80)
    .flatmap(lambda n: st.binary(min_size=16 + 16 * n, max_size=16 + 16 * n))
    .map(lambda body: b"\x01" * 8 + body),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("name", TRANSPORTS)
@settings(deadline=None)
@given(packets=PACKETS, cuts=st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_packets_arrive_whole_however_they_are_cut(name: str, packets: list[bytes], cuts: list[int]) -> None:
    """In pieces of any size, several at once, with the transport's own first bytes before them."""
    client, server = ClientTransport(name), Transport()
    stream = client.hello() + b"".join(client.frame(packet) for packet in packets)
    received: list[bytes] = []
    position = turn = 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        received += server.feed(stream[position : position + size])
        position, turn = position + size, turn + 1
    assert received == packets
    assert {"proxy": "obfuscated"}.get(name, name) in server.name


@given(st.lists(st.binary(max_size=100), max_size=6))
def test_garbage_is_at_most_a_bad_frame(pieces: list[bytes]) -> None:
    """Nothing else is raised, and nothing is kept for ever: lengths are bounded."""
    link = Transport()
    with contextlib.suppress(BadFrame):
        for piece in pieces:
            for _ in link.feed(piece):
                pass


def test_a_full_frame_with_a_wrong_checksum_is_refused() -> None:
    """So is one out of order."""
    for spoil in (0, 1):
        client, server = ClientTransport("full"), Transport()
        frame = bytearray(client.frame(b"\x01" * 40))
        if spoil:
            frame = bytearray(client.frame(b"\x01" * 40))
            frame[4:8] = b"\0" * 4
        frame[-1] ^= 1
        with pytest.raises(BadFrame):
            list(server.feed(bytes(frame)))


def test_a_packet_longer_than_any_is_refused_before_it_is_read() -> None:
    """The length alone decides."""
    with pytest.raises(BadFrame):
        list(Transport().feed(b"\xee\xee\xee\xee\xff\xff\xff\x7f" + bytes(8)))

"""Sides and length of MP4 videos, as their headers have them, and of files that are none."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.rendering.video_size import BOXES_MOST, VideoSize, video_size

UPRIGHT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
TURNED = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)


class Bytes:
    """A file in memory that counts how often it is read."""

    def __init__(self, content: bytes) -> None:
        self.content, self.reads = content, 0

    async def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return self.content[offset : offset + length]


def box(kind: bytes, content: bytes, *, wide: bool = False) -> bytes:
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def movie(*, version: int = 0, matrix: bytes = UPRIGHT, wide: bool = False) -> bytes:
    """A video of 1280 by 720 that takes 12.6 seconds, with its sound before the picture."""
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, 1000, 12_600)
    mvhd = box(b"mvhd", bytes([version, 0, 0, 0]) + times + bytes(80))
    before = bytes([version, 0, 0, 7]) + bytes(32 if version else 20) + bytes(16)
    tracks = [
        box(b"trak", box(b"tkhd", before + matrix + struct.pack(">II", w << 16, h << 16)))
        for w, h in ((0, 0), (1280, 720))
    ]
    return (
        box(b"ftyp", b"isom" + bytes(12))
        + box(b"mdat", bytes(5000), wide=wide)
        + box(b"moov", mvhd + b"".join(tracks))
    )


async def size_of(content: bytes) -> VideoSize:
    return await video_size(Bytes(content).read, len(content))


@pytest.mark.parametrize("version", [0, 1])
async def test_the_headers_say_sides_and_length(version: int) -> None:
    """Wherever they stand, in both versions of the boxes."""
    assert await size_of(movie(version=version)) == VideoSize(1280, 720, 13)
    assert await size_of(movie(version=version, wide=True)) == VideoSize(1280, 720, 13)


async def test_a_turned_video_has_its_sides_as_it_is_shown() -> None:
    """Phones store what was filmed upright lying on its side."""
    assert await size_of(movie(matrix=TURNED)) == VideoSize(720, 1280, 13)


@pytest.mark.parametrize("version", [0, 1])
async def test_a_length_that_is_not_known_is_none(version: int) -> None:
    """All bits are set then (ISO/IEC 14496-12, 8.2.2): no chat shows a video of 49 days."""
    known, unknown = struct.pack(">Q" if version else ">I", 12_600), b"\xff" * (8 if version else 4)
    content = movie(version=version).replace(b"\0\0\x03\xe8" + known, b"\0\0\x03\xe8" + unknown)
    assert await size_of(content) == VideoSize(1280, 720, 0)


async def test_a_file_that_ends_early_is_read_as_far_as_it_goes() -> None:
    """At every place: no error, and nothing that is not there."""
    whole = movie()
    for end in range(len(whole)):
        found = await size_of(whole[:end])
        assert found.width in (0, 1280)


@given(st.binary(max_size=400), st.integers(0, 400))
async def test_no_file_is_an_error_and_the_reads_have_a_bound(noise: bytes, at: int) -> None:
    """Also one that says it has boxes without end."""
    content = movie()[-600:]
    file = Bytes(content[:at] + noise + content[at:] + box(b"moov", b"\0\0\0\x08free" * 1000))
    await video_size(file.read, len(file.content))
    assert file.reads <= 2 * BOXES_MOST

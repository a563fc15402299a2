"""Video size: width, height and length of an MP4 video, from the headers of its boxes (ISO/IEC 14496-12).

No frame is decoded. Whatever the file says, the number of reads has a bound.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import msgspec

Read = Callable[[int, int], Awaitable[bytes]]
"""Reads a piece of the file: (offset, length)."""

BOXES_MOST = 200
"""Boxes whose headers are read. A usual file has fewer than forty."""
MOST = 2**31 - 1
"""Telegram takes numbers of 32 bits."""


class VideoSize(msgspec.Struct, frozen=True):
    """0 for what the file does not say."""

    width: int = 0
    height: int = 0
    seconds: int = 0


class Box(msgspec.Struct, frozen=True):
    """A box: its type, and where its content begins and ends."""

    kind: bytes
    start: int
    end: int


async def video_size(read: Read, size: int) -> VideoSize:
    """Of a video of `size` bytes. Of several tracks, the first that has a picture counts."""
    walk = Walk(read)
    width = height = seconds = 0
    async for box in walk.inside(Box(b"", 0, size), b"moov"):
        async for header in walk.inside(box, b"mvhd"):
            seconds = _seconds(await read(header.start, min(32, header.end - header.start)))
        async for track in walk.inside(box, b"trak"):
            async for header in walk.inside(track, b"tkhd"):
                if not (width and height):
                    width, height = _sides(await read(header.start, min(96, header.end - header.start)))
    return VideoSize(width, height, seconds)


class Walk:
    """Goes from box to box, as far as BOXES_MOST allows."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._seen = count(1)

    async def inside(self, outer: Box, kind: bytes) -> AsyncIterator[Box]:
        """The boxes of this type directly inside another one."""
        at = outer.start
        while at < outer.end and next(self._seen) <= BOXES_MOST:
            head = await self._read(at, 16)
            length, begins = int.from_bytes(head[:4]), 8
            if length == 1:  # the real one follows
                length, begins = int.from_bytes(head[8:16]), 16
            elif length == 0:  # until the end
                length = outer.end - at
            if len(head) < begins or length < begins:
                return
            if head[4:8] == kind:
                yield Box(kind, at + begins, min(at + length, outer.end))
            at += length


def _seconds(header: bytes) -> int:
    wide = header[:1] == b"\x01"
    scale, duration = (header[20:24], header[24:32]) if wide else (header[12:16], header[16:20])
    size = 8 if wide else 4
    unknown = duration == b"\xff" * size
    if len(duration) < size or unknown or not any(scale):
        return 0
    return min(round(int.from_bytes(duration) / int.from_bytes(scale)), MOST)


def _sides(header: bytes) -> tuple[int, int]:
    """The sides in whole pixels, as the video is shown: it may be turned by a quarter."""
    placed = header[52:96] if header[:1] == b"\x01" else header[40:84]
    if len(placed) < 44:
        return 0, 0
    width, height = int.from_bytes(placed[36:38]), int.from_bytes(placed[40:42])
    turned = not any(placed[:4]) and not any(placed[16:20])
    return (height, width) if turned else (width, height)

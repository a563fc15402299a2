"""Picture size: width and height of a picture, from the few bytes that say it.

The library for this (imagesize) also reads formats that Telegram does not show as photos, parses XML, and
opens addresses. What is read here is bounded.
"""

import struct
from collections.abc import Awaitable, Callable

SEGMENTS = 200
"""Segments of a JPEG before its size. Real ones have some ten."""
UNKNOWN = (0, 0)

Read = Callable[[int, int], Awaitable[bytes]]
"""Reads a piece of a file: (offset, length)."""


async def picture_size(read: Read) -> tuple[int, int]:
    """Width and height of a PNG, JPEG, WebP or BMP. UNKNOWN for anything else."""
    head = await read(0, 32)
    if len(head) < 32:
        return UNKNOWN
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    if head.startswith(b"BM"):
        width, height = struct.unpack("<ii", head[18:26])
        return abs(width), abs(height)
    return await _jpeg(read) if head.startswith(b"\xff\xd8\xff") else UNKNOWN


def _webp(head: bytes) -> tuple[int, int]:
    """RFC 9649: a lossy, a lossless or an extended picture."""
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return UNKNOWN


async def _jpeg(read: Read) -> tuple[int, int]:
    """The first frame header says the size. The segments before it are passed over."""
    position = 2
    for _ in range(SEGMENTS):
        segment = await read(position, 9)
        if len(segment) < 9 or segment[0] != 0xFF:
            break
        marker, length = segment[1], int.from_bytes(segment[2:4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", segment[5:9])
            return width, height
        position += 1 if marker == 0xFF else 2 + max(length, 2)
    return UNKNOWN

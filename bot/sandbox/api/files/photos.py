"""Telegram's rules for photos (core.telegram.org/bots/api#sendphoto), and how large a picture is."""

import struct
from collections.abc import Callable

from djangobot.bot.sandbox.api.call import RpcError
from djangobot.bot.sandbox.world import File

# core.telegram.org/bots/api#sendphoto: 10 MB, width and height together 10 000, ratio 20, all at most.
MAX_BYTES = 10 << 20
MAX_SIDES = 10_000
MAX_RATIO = 20
# Of a JPEG, before its size. Real ones have some ten. Our own choice.
MAX_SEGMENTS = 200

Read = Callable[[int, int], bytes]
"""(offset, length): a piece of a file."""


def check(file: File) -> None:
    """RpcError when Telegram does not take this as a photo."""
    if file.size > MAX_BYTES:
        raise RpcError(400, "PHOTO_SAVE_FILE_INVALID")
    if not file.width or not file.height:
        raise RpcError(400, "IMAGE_PROCESS_FAILED")
    short, long = sorted((file.width, file.height))
    if short + long > MAX_SIDES or long > MAX_RATIO * short:
        raise RpcError(400, "PHOTO_INVALID_DIMENSIONS")


def dimensions(read: Read) -> tuple[int, int]:
    """Width and height of a PNG, GIF, WebP, BMP or JPEG; zeros for anything else."""
    head = read(0, 32)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return struct.unpack(">II", head[16:24])
    if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        return struct.unpack("<HH", head[6:10])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        return _webp(head)
    if head[:2] == b"BM" and len(head) >= 26:
        width, height = struct.unpack("<ii", head[18:26])
        return abs(width), abs(height)
    return _jpeg(read) if head.startswith(b"\xff\xd8") else (0, 0)


def _webp(head: bytes) -> tuple[int, int]:
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1


def _jpeg(read: Read) -> tuple[int, int]:
    """The size stands in the first frame header; the segments before it are passed over."""
    pos = 2
    for _ in range(MAX_SEGMENTS):
        segment = read(pos, 9)
        if len(segment) < 9 or segment[0] != 0xFF:
            break
        marker, length = segment[1], int.from_bytes(segment[2:4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", segment[5:9])
            return width, height
        pos += 1 if marker == 0xFF else 2 + max(length, 2)
    return 0, 0

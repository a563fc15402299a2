"""How large a picture is, from its bytes."""

import pytest

from djangobot.bot.sandbox.api.files.photos import dimensions

WEBP = b"RIFF\0\0\0\0WEBP"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x07", (5, 7)),
        (b"GIF89a\x05\0\x07\0", (5, 7)),
        (b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x07\0\x05\x03", (5, 7)),
        (b"\xff\xd8\xff\xe1\xff\xff" + bytes(0xFFFD) + b"\xff\xc2\0\x11\x08\0\x07\0\x05", (5, 7)),
        (b"BM" + bytes(16) + b"\x05\0\0\0\xf9\xff\xff\xff", (5, 7)),
        (WEBP + b"VP8X" + bytes(8) + b"\x04\0\0\x06\0\0", (5, 7)),
        (WEBP + b"VP8L" + bytes(4) + b"\x2f\x04\x80\x01\0" + bytes(5), (5, 7)),
        (WEBP + b"VP8 " + bytes(10) + b"\x05\0\x07\0", (5, 7)),
        (b"%PDF", (0, 0)),
        (b"", (0, 0)),
        (b"\xff\xd8" + b"\xff\xe0\0\x02" * 1000, (0, 0)),
    ],
)
def test_dimensions_are_read_from_the_file(data: bytes, size: tuple[int, int]) -> None:
    """PNG, GIF, JPEG, BMP and WebP; anything else has none, and broken ones end."""
    assert dimensions(lambda offset, length: data[offset : offset + length]) == size

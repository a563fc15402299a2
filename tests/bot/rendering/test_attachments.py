"""Attachments: what Telegram shows a file as, which files go together, and where the text stands."""

import struct

import pytest

from djangobot.bot.rendering.attachments import PHOTO_BYTES, attachments, with_attachments
from djangobot.bot.telegram.text import Button, Document, Media, MediaKind, Text
from djangobot.db.messages.content import Content, FileInfo

OPUS = b"OggS" + bytes(24) + b"OpusHead"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF"
    + bytes(10)
    + b"\xff\xff\xc0\x00\x11\x08"
    + struct.pack(">HH", 20, 30)
    + bytes(9)
)


def png(width: int, height: int) -> bytes:
    return (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)).ljust(40, b"\0")


def webp(kind: bytes, at: int, size: bytes) -> bytes:
    return (b"RIFF\0\0\0\0WEBP" + kind).ljust(at, b"\0") + size.ljust(16, b"\0")


async def looked_at(mime: str, content: bytes, *, size: int = 0, as_documents: bool = False) -> Media:
    """What is made of one file."""

    async def read(file_id: int, offset: int, length: int) -> bytes:
        assert file_id == 5
        return content[offset : offset + length]

    file = FileInfo(5, "name", size or len(content), mime)
    (media,) = await attachments(Content(files=(file,), as_documents=as_documents), read)
    return media


@pytest.mark.parametrize(
    ("mime", "content", "kind"),
    [
        ("image/png", png(30, 20), "photo"),
        ("image/jpeg", JPEG, "photo"),
        ("image/jpeg", png(30, 20), "photo"),
        ("image/webp", webp(b"VP8X", 24, b"\x1d\0\0\x13\0\0"), "photo"),
        ("image/webp", webp(b"VP8 ", 26, b"\x1e\0\x14\0"), "photo"),
        ("image/bmp", b"BM".ljust(18, b"\0") + struct.pack("<ii", 30, -20) + bytes(10), "photo"),
        ("image/png", png(9980, 20), "document"),
        ("image/png", png(400, 20), "photo"),
        ("image/png", png(401, 20), "document"),
        ("image/png", png(0, 20), "document"),
        ("image/png", b"no picture".ljust(40), "document"),
        ("image/png", b"", "document"),
        ("image/jpeg", b"\xff\xd8" + b"\xff" * 5000, "document"),
        ("image/svg+xml", b"<svg/>".ljust(40), "document"),
        ("image/gif", b"GIF89a", "animation"),
        ("video/mp4", b"x", "video"),
        ("video/x-matroska", b"x", "document"),
        ("audio/mpeg", b"x", "audio"),
        ("audio/ogg", OPUS, "voice"),
        ("audio/ogg", b"OggS".ljust(40), "audio"),
        ("application/pdf", png(30, 20), "document"),
    ],
)
async def test_a_file_is_shown_as_what_it_is(mime: str, content: bytes, kind: MediaKind) -> None:
    """A picture by its bytes and Telegram's rules for photos, the rest by its type."""
    media = await looked_at(mime, content)
    assert media.kind == kind
    if kind == "photo" and content != png(400, 20):
        assert (media.width, media.height) == (30, 20)
    assert (await looked_at(mime, content, as_documents=True)).kind == "document"


async def test_a_picture_of_more_than_ten_megabytes_is_a_document() -> None:
    """Telegram takes no larger photo."""
    assert (await looked_at("image/png", png(30, 20), size=PHOTO_BYTES)).kind == "photo"
    assert (await looked_at("image/png", png(30, 20), size=PHOTO_BYTES + 1)).kind == "document"


def of(kind: MediaKind, number: int) -> Media:
    return Media(number, kind, f"{number}", "a/b", 1)


PHOTO, VIDEO, PAPER = of("photo", 1), of("video", 2), of("document", 3)


def test_files_of_a_kind_are_one_album() -> None:
    """Photos and videos together, documents together; a voice message and an animation alone."""
    others = [of("voice", 4), of("document", 5), of("animation", 6), of("animation", 7), of("audio", 8)]
    texts = with_attachments([Text("x")], [PAPER, PHOTO, *others, VIDEO])
    assert [[media.file for media in text.media] for text in texts] == [[3, 5], [1, 2], [4], [6], [7], [8]]
    assert [text.text for text in texts] == ["x", *[""] * 5]


def test_the_text_is_the_caption_of_the_first_file_if_it_can_be() -> None:
    """To 1024 UTF-16 units, with its buttons; a longer text, several texts, a text sent as a file, and
    buttons with an album come before the files."""
    rows = ((Button("B", "b"),),)
    fits = Text("🎈" * 512, buttons=rows, silent=True)
    assert [(text.text, text.buttons) for text in with_attachments([fits], [PHOTO])] == [(fits.text, rows)]
    too_long = Text("🎈" * 512 + "x", buttons=rows, silent=True)
    for texts in (
        [too_long],
        [Text("a"), Text("b", buttons=rows)],
        [Text("a", document=Document("a", "b", "c"))],
        [Text("a", buttons=rows)],
    ):
        found = with_attachments(texts, [PHOTO, VIDEO])
        assert found[:-1] == texts
        assert found[-1] == Text("", silent=texts[0].silent, media=(PHOTO, VIDEO))

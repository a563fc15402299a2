"""Attachments: decides as what Telegram shows the files of a message, and which of them are sent together."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec

from djangobot.bot.rendering.picture_size import picture_size
from djangobot.bot.rendering.video_size import video_size
from djangobot.bot.telegram.text import ALBUM_OF, Media, Text
from djangobot.db.messages.content import Content, FileInfo
from djangobot.db.messages.rich_text.limits import CAPTION_LIMIT
from djangobot.db.messages.rich_text.spans import utf16_length

PHOTO_BYTES = 10 << 20
PHOTO_SIDES = 10_000
PHOTO_RATIO = 20
"""Of a photo, at most: bytes, width and height together, and one of them to the other
(core.telegram.org/bots/api#sendphoto)."""
VIDEOS = ("video/mp4",)
AUDIO = (
    "audio/mpeg",
    "audio/mp3",
    "audio/mp4",
    "audio/m4a",
    "audio/x-m4a",
    "audio/aac",
    "audio/flac",
    "audio/ogg",
)
"""What Telegram's apps play (core.telegram.org/bots/api#sendvideo, #sendaudio)."""
VOICES = ("audio/ogg", "audio/opus", "audio/x-opus+ogg", "application/ogg")
"""Types of a file that may be a voice message: Ogg with Opus in it (#sendvoice)."""
ReadFile = Callable[[int, int, int], Awaitable[bytes]]
"""Reads a piece of a stored file: (its id, offset, length)."""


async def attachments(content: Content, read: ReadFile) -> tuple[Media, ...]:
    """The files of a message, as Telegram is to show them."""
    return tuple([await _media(file, read, as_document=content.as_documents) for file in content.files])


async def _media(file: FileInfo, read: ReadFile, *, as_document: bool) -> Media:
    media = Media(file.id, "document", file.name, file.mime, file.size)
    if as_document:
        return media
    if file.mime == "image/gif":
        return msgspec.structs.replace(media, kind="animation")
    if file.mime.startswith("image/"):
        width, height = await picture_size(partial(read, file.id))
        if _is_photo(file.size, width, height):
            return msgspec.structs.replace(media, kind="photo", width=width, height=height)
    if file.mime in VIDEOS:
        shown = await video_size(partial(read, file.id), file.size)
        return msgspec.structs.replace(
            media, kind="video", width=shown.width, height=shown.height, seconds=shown.seconds
        )
    if file.mime in VOICES and await _is_opus(partial(read, file.id)):
        return msgspec.structs.replace(media, kind="voice", mime="audio/ogg")
    if file.mime in AUDIO:
        return msgspec.structs.replace(media, kind="audio")
    return media


def _is_photo(size: int, width: int, height: int) -> bool:
    short, long = sorted((width, height))
    return size <= PHOTO_BYTES and short > 0 and short + long <= PHOTO_SIDES and long <= PHOTO_RATIO * short


async def _is_opus(read: Callable[[int, int], Awaitable[bytes]]) -> bool:
    """RFC 7845, 3: the first page of such a file holds the header of the stream and nothing else."""
    head = await read(0, 36)
    return head.startswith(b"OggS") and head[28:] == b"OpusHead"


def with_attachments(texts: Sequence[Text], media: Sequence[Media]) -> list[Text]:
    """The texts of a message with its files. A text that can't be the caption of the first comes before them.
    An album has no buttons, so a text with buttons is no caption of one."""
    first, *others = _albums(media)
    silent = texts[0].silent
    bare = [Text("", silent=silent, media=album) for album in others]
    caption = texts[0]
    if (
        len(texts) == 1
        and caption.document is None
        and utf16_length(caption.text) <= CAPTION_LIMIT
        and not (caption.buttons and len(first) > 1)
    ):
        return [msgspec.structs.replace(caption, media=first), *bare]
    return [*texts, Text("", silent=silent, media=first), *bare]


def _albums(media: Sequence[Media]) -> list[tuple[Media, ...]]:
    """Files that go together are an album. It stands where its first file does, and keeps their order."""
    albums: dict[object, list[Media]] = {}
    for number, one in enumerate(media):
        albums.setdefault(ALBUM_OF.get(one.kind, number), []).append(one)
    return [tuple(album) for album in albums.values()]

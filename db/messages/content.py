"""Content: what a message shows beside its text, as it is kept in one column and shown in every list."""

from typing import get_args

import msgspec

from djangobot.db.fields import line_error
from djangobot.db.messages.buttons import Button
from djangobot.db.messages.rich_text.formats import Format
from djangobot.db.messages.rich_text.spans import Span

TITLE_LIMIT = 200
FORMATS: tuple[Format, ...] = get_args(Format)


class FileInfo(msgspec.Struct, frozen=True):
    """A file of a message, as lists name it. `id` is that of the stored file, `size` is in bytes."""

    id: int
    name: str
    size: int
    mime: str


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything of a message that people see, but its text. `progress` is from 0 to 1. `source` is the text
    as the program wrote it; it is kept for a text that is sent as a file."""

    spans: tuple[Span, ...] = ()
    format: Format = "plain"
    title: str = ""
    tags: tuple[str, ...] = ()
    silent: bool = False
    preview: bool = False
    progress: float | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    files: tuple[FileInfo, ...] = ()
    as_documents: bool = False
    """Telegram does not show the files as pictures, videos or sounds."""
    source: str | None = None


PLAIN = Content()
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Content)


def encode(content: Content) -> str | None:
    """The content as JSON. None for a plain text, which has none."""
    return None if content == PLAIN else _encoder.encode(content).decode()


def decode(stored: str | None) -> Content:
    """The content that was encoded."""
    return PLAIN if stored is None else _decoder.decode(stored)


def without_file_ids(stored: str | None) -> str | None:
    """The stored content, for a comparison: the same files are stored under other ids."""
    content = decode(stored)
    files = tuple(msgspec.structs.replace(file, id=0) for file in content.files)
    return encode(msgspec.structs.replace(content, files=files))


def wrong_title(title: str) -> str | None:
    """Why this is no title. None when it is one, or empty."""
    return line_error(title, TITLE_LIMIT) if title else None


def wrong_format(text_format: str) -> str | None:
    """Why this is no format. None when it is one."""
    return None if text_format in FORMATS else f"must be one of: {', '.join(FORMATS)}"


def wrong_progress(progress: float | None) -> str | None:
    """Why this is no progress. None when it is one."""
    return None if progress is None or 0 <= progress <= 1 else "must be a number from 0 to 1"

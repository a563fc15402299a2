"""Content: what a message shows beside its text, as it is kept in one column and shown in every list."""

from typing import get_args
from urllib.parse import urlsplit

import msgspec

from djangobot.db.fields import line_error
from djangobot.db.messages.rich_text.formats import Format
from djangobot.db.messages.rich_text.hashtags import wrong_tags
from djangobot.db.messages.rich_text.spans import Span

TITLE_LIMIT = 200
BUTTON_ROWS, BUTTONS_IN_ROW = 8, 4
BUTTON_TEXT_LIMIT = 64
BUTTON_VALUE_LIMIT = 64
"""Characters."""
BUTTON_URL_LIMIT = 2048
BUTTON_SCHEMES = ("http", "https", "tg")
FORMATS: tuple[Format, ...] = get_args(Format)


class Button(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A button under a message. It opens a `url`, or gives a `value` back to the program."""

    text: str
    url: str | None = None
    value: str | None = None


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


def wrong_buttons(rows: tuple[tuple[Button, ...], ...]) -> str | None:
    """Why these can't be buttons. None when they can."""
    if len(rows) > BUTTON_ROWS or any(len(row) > BUTTONS_IN_ROW for row in rows):
        return f"must be at most {BUTTON_ROWS} rows of {BUTTONS_IN_ROW} buttons"
    if not all(rows):
        return "must have a button in each row"
    return next((wrong for row in rows for button in row if (wrong := _wrong_button(button))), None)


def _wrong_button(button: Button) -> str | None:
    if wrong := line_error(button.text, BUTTON_TEXT_LIMIT):
        return f"has a button whose text {wrong}"
    if (button.url is None) == (button.value is None):
        return "must have either `url` or `value` in each button"
    if button.value is not None:
        wrong = line_error(button.value, BUTTON_VALUE_LIMIT)
        return wrong and f"has a button whose value {wrong}"
    return _wrong_url(button.url or "")


def _wrong_url(url: str) -> str | None:
    if len(url) > BUTTON_URL_LIMIT or line_error(url, BUTTON_URL_LIMIT) or " " in url:
        return f"has a button whose url is longer than {BUTTON_URL_LIMIT} characters or holds spaces"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "has a button whose url is none"
    if parts.scheme.lower() not in BUTTON_SCHEMES or not (parts.netloc or parts.path):
        return f"must have urls that begin with {', '.join(f'{one}://' for one in BUTTON_SCHEMES)}"
    return None


__all__ = [
    "PLAIN",
    "Button",
    "Content",
    "FileInfo",
    "decode",
    "encode",
    "without_file_ids",
    "wrong_buttons",
    "wrong_format",
    "wrong_progress",
    "wrong_tags",
    "wrong_title",
]

"""Text: the content of a Telegram message, as our own value. Nothing here imports Telegram's library."""

from typing import Literal

import msgspec

from djangobot.db.messages.rich_text.spans import Span


class Button(msgspec.Struct, frozen=True, array_like=True):
    """A button under a message. It sends `data`, of which Telegram allows 1 to 64 bytes, or opens a `url`."""

    text: str
    data: str = ""
    url: str = ""


class Document(msgspec.Struct, frozen=True, array_like=True):
    """A text that is sent as a file."""

    name: str
    mime: str
    text: str


MediaKind = Literal["photo", "video", "animation", "audio", "voice", "document"]
"""What Telegram shows a file as."""
ALBUM_OF: dict[MediaKind, str] = {
    "photo": "pictures", "video": "pictures", "document": "documents", "audio": "audio",
}  # fmt: skip
"""Which kinds may be in one album (core.telegram.org/bots/api#sendmediagroup). The others are sent alone."""


class Media(msgspec.Struct, frozen=True, array_like=True):
    """A stored file (db/messages/files/files.py) of a message. `size` is in bytes, `seconds` the length of a
    video. 0 for what is not known."""

    file: int
    kind: MediaKind
    name: str
    mime: str
    size: int
    width: int = 0
    height: int = 0
    seconds: int = 0


class Text(msgspec.Struct, frozen=True, array_like=True):
    """Plain text, its formatting, and rows of buttons. A `silent` one arrives without a sound. With
    `preview`, Telegram shows what the first link leads to. With a `document`, the text is its caption.

    The outbox stores it as a JSON array in the order of these fields (bot/delivery/parts.py). A new field
    comes last.
    """

    text: str
    spans: tuple[Span, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    silent: bool = False
    preview: bool = False
    document: Document | None = None
    media: tuple[Media, ...] = ()
    """The text is the caption of the first. Several are an album, which has no buttons."""
    reply_to: int | None = None
    """Telegram's id of the message that this one answers."""

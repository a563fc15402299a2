"""Text: the content of a Telegram message, as our own value. Nothing here imports Telegram's library."""

import msgspec

from djangobot.db.messages.rich_text.spans import Span


class Button(msgspec.Struct, frozen=True, array_like=True):
    """A button under a message. Telegram allows 1 to 64 bytes of `data`."""

    text: str
    data: str


class Document(msgspec.Struct, frozen=True, array_like=True):
    """A text that is sent as a file."""

    name: str
    mime: str
    text: str


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

"""Text: the content of a Telegram message, as our own value. Nothing here imports Telegram's library."""

import msgspec

from djangobot.db.messages.rich_text.spans import Span


class Button(msgspec.Struct, frozen=True, array_like=True):
    """A button under a message. Telegram allows 1 to 64 bytes of `data`."""

    text: str
    data: str


class Text(msgspec.Struct, frozen=True, array_like=True):
    """Plain text, its formatting, and rows of buttons. A `silent` one arrives without a sound.

    The outbox stores it as a JSON array in the order of these fields (bot/delivery/parts.py). A new field
    comes last.
    """

    text: str
    spans: tuple[Span, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    silent: bool = False

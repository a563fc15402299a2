"""Parts: the Telegram messages that one message is sent as, stored with it before the first attempt.

Each repeat sends the stored parts. Names, languages, settings, our own texts or the clock may have changed
since.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from pyrogram import raw

from djangobot.bot.telegram.gateway import Button, Text

FORMATS: dict[str, Any] = {
    "b": raw.types.MessageEntityBold,
    "i": raw.types.MessageEntityItalic,
    "code": raw.types.MessageEntityCode,
    "pre": raw.types.MessageEntityPre,
    "spoiler": raw.types.MessageEntitySpoiler,
}
NAMES = {entity: name for name, entity in FORMATS.items()}


class Format(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """An entity, by its tag's name (replies.TAGS). `language` is set only for a `pre`."""

    name: str
    offset: int
    length: int
    language: str | None = None


class Part(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A Text, as it is stored."""

    text: str
    formats: tuple[Format, ...] = ()
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()
    silent: bool = False


def encode(parts: Sequence[Text]) -> str:
    """Encodes the parts as JSON."""
    return msgspec.json.encode([_stored(part) for part in parts]).decode()


def decode(stored: str) -> list[Text]:
    """Returns exactly the texts that were encoded."""
    return [_text(part) for part in msgspec.json.decode(stored, type=list[Part])]


def _stored(part: Text) -> Part:
    formats = tuple(
        Format(NAMES[type(entity)], entity.offset, entity.length, getattr(entity, "language", None))
        for entity in part.entities
    )
    buttons = tuple(tuple((button.text, button.data) for button in row) for row in part.buttons)
    return Part(part.text, formats, buttons, part.silent)


def _text(part: Part) -> Text:
    entities = tuple(_entity(stored) for stored in part.formats)
    buttons = tuple(tuple(Button(text, data) for text, data in row) for row in part.buttons)
    return Text(part.text, entities, buttons, part.silent)


def _entity(stored: Format) -> Any:
    more = {} if stored.language is None else {"language": stored.language}
    return FORMATS[stored.name](offset=stored.offset, length=stored.length, **more)

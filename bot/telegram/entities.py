"""Entities: Telegram's name for formatting. Each of our spans becomes one."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pyrogram import raw

from djangobot.bot.telegram import library
from djangobot.db.messages.rich_text.spans import Kind, Span

PLAIN: Mapping[Kind, Callable[..., Any]] = {
    "bold": raw.types.MessageEntityBold,
    "italic": raw.types.MessageEntityItalic,
    "underline": raw.types.MessageEntityUnderline,
    "strikethrough": raw.types.MessageEntityStrike,
    "spoiler": raw.types.MessageEntitySpoiler,
    "code": raw.types.MessageEntityCode,
    "blockquote": raw.types.MessageEntityBlockquote,
    "expandable_blockquote": partial(raw.types.MessageEntityBlockquote, **library.COLLAPSED),
}
"""Kinds without a value. Where the library knows no expandable quotation, it is shown in full."""


def entities_of(spans: Sequence[Span]) -> list[Any] | None:
    """Telegram's entities for these spans. None if there are none."""
    return [_entity(span) for span in spans] or None


def _entity(span: Span) -> Any:
    match span.kind:
        case "pre":
            make: Callable[..., Any] = partial(raw.types.MessageEntityPre, language=span.value or "")
        case "text_link":
            make = partial(raw.types.MessageEntityTextUrl, url=span.value or "")
        case kind:
            make = PLAIN[kind]
    return make(offset=span.offset, length=span.length)

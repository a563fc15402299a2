"""Spans: the formatting of a text, without markup. Telegram calls them entities."""

from typing import Literal

import msgspec

Kind = Literal[
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "code",
    "pre",
    "text_link",
    "blockquote",
    "expandable_blockquote",
]
"""The names that Telegram's Bot API uses (core.telegram.org/bots/api, MessageEntity)."""


class Span(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One stretch of a text and how it is shown. `offset` and `length` count UTF-16 code units, as Telegram
    does. `value` is the language of a `pre` and the address of a `text_link`; None for all others."""

    kind: Kind
    offset: int
    length: int
    value: str | None = None


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units, in which Telegram counts offsets, lengths and its limits."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class RichText(msgspec.Struct, frozen=True):
    """A text and its spans, in the order in which they begin; of those that begin together the longest is
    first. Spans nest or do not touch each other; `code` and `pre` contain no other span."""

    text: str
    spans: tuple[Span, ...] = ()

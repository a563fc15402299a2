"""Puts texts together and keeps their spans."""

import math
import re
from collections.abc import Sequence

from djangobot.db.messages.rich_text.spans import RichText, Span, utf16_length

_LINE_END = re.compile("\r(?!\n)|[\u2028\u2029]")
"""Each is one unit long, as a line feed is."""
NOTHING = RichText("")
_BAR_LENGTH = 10
_DONE = "▓"
_TO_DO = "░"


def joined(parts: Sequence[RichText], separator: str = "\n") -> RichText:
    """The parts that have a text, one after another."""
    given = [part for part in parts if part.text]
    if len(given) <= 1:
        return given[0] if given else NOTHING
    text = given[0].text
    spans = list(given[0].spans)
    for part in given[1:]:
        text += separator
        if part.spans:
            offset = utf16_length(text)
            spans += [Span(span.kind, span.offset + offset, span.length, span.value) for span in part.spans]
        text += part.text
    return RichText(text, tuple(spans))


def with_line_feeds(rich: RichText) -> RichText:
    """The text with one kind of line end. Telegram's library for clients drops others, and makes one word of
    two."""
    text = _LINE_END.sub("\n", rich.text)
    return RichText(text if rich.spans else text.replace("\r\n", "\n"), rich.spans)


def bold(text: str) -> RichText:
    """A text that is bold as a whole, such as a title."""
    return RichText(text, (Span("bold", 0, utf16_length(text)),)) if text else NOTHING


def progress_bar(progress: float) -> str:
    """How far something is, from 0 to 1: `▓▓▓▓░░░░░░ 42 %`. It is full and 100 % only when all is done."""
    share = 0.0 if math.isnan(progress) else min(1.0, max(0.0, progress))
    done = math.floor(share * _BAR_LENGTH + 1e-9)
    # A no-break space, so that the percent sign stays on the line.
    return f"{_DONE * done}{_TO_DO * (_BAR_LENGTH - done)} {math.floor(share * 100 + 1e-9)}\u00a0%"

"""Splits a text with its spans into parts that fit into messages."""

import re
from collections.abc import Iterator

from djangobot.db.fields import visible
from djangobot.db.messages.rich_text.characters import cluster_pattern
from djangobot.db.messages.rich_text.limits import CAPTION_LIMIT, MESSAGE_LIMIT, SPAN_LIMIT
from djangobot.db.messages.rich_text.nesting import thinned
from djangobot.db.messages.rich_text.spans import RichText, Span, utf16_length

GUARD = "\u200b"
"""Stands before a part that begins with white space. Telegram trims white space from both ends of a message,
and a zero-width space is none (Unicode's property White_Space)."""
ELLIPSIS = "…"
LEAST_LIMIT = 3
"""Room for GUARD and any one character."""
CANDIDATES = 8
"""How many separators are tried before a finer one is taken."""
INDENT_LIMIT = 256
"""Spaces kept at the beginning of a part. More of them indent nothing."""

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = re.compile(r"\n\s*")
_WORD = re.compile(r"\s+")
_SPACE = re.compile(r"\s*")


def split(rich: RichText, limit: int = MESSAGE_LIMIT, first_limit: int | None = None) -> list[RichText]:
    """Splits into parts of at most `limit` UTF-16 units and SPAN_LIMIT spans, the first of at most
    `first_limit`. Both must be at least LEAST_LIMIT.

    A part ends at a paragraph, a line or a word, if one ends in the part's second half; else at a cluster. A
    cluster that is longer than a part is broken. The parts show all of the text in its order; between them
    only white space is left out, which Telegram would trim. A part that begins with an indented line begins
    with GUARD. The same text and limits always give the same parts. A text that shows nothing is one part."""
    return list(_parts(rich, limit, first_limit)) or [RichText(rich.text[: limit // 2])]


def excerpt(rich: RichText, limit: int = CAPTION_LIMIT) -> RichText:
    """The beginning of a text, to be the caption of a file that has all of it. A text that fits is whole."""
    if utf16_length(rich.text) <= limit:
        return RichText(rich.text, thinned(rich.spans, SPAN_LIMIT))
    parts = _parts(rich, limit - len(ELLIPSIS), None)
    first = next(parts, RichText(""))
    if next(parts, None) is None:
        return first
    return RichText(first.text + ELLIPSIS, first.spans)


def _parts(rich: RichText, limit: int, first_limit: int | None) -> Iterator[RichText]:
    text = rich.text
    cuts = _Cuts(text)
    room = limit if first_limit is None else first_limit
    start = cuts.next_start(0)
    while start < len(text):
        guarded = text[start].isspace()
        end = cuts.end_of_part(start, room - len(GUARD) * guarded)
        part = _part(rich, cuts, start, end, guarded)
        if visible(part.text):
            yield part
            room = limit
        start = cuts.next_start(end)


class _Cuts:
    """Finds where parts end, from left to right, each character looked at a bounded number of times."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._counted = 0
        self._units = 0

    def units_before(self, position: int) -> int:
        """UTF-16 units before a position. Positions must not go back."""
        self._units += utf16_length(self.text[self._counted : position])
        self._counted = position
        return self._units

    def end_of_part(self, start: int, room: int) -> int:
        most = self._fitting(start, room)
        rest = _SPACE.match(self.text, most)
        if rest and rest.end() == len(self.text):
            return len(self.text.rstrip())
        half = start + (most - start) // 2
        for pattern in (_PARAGRAPH, _LINE, _WORD):
            if end := self._last(pattern, half, most):
                return self._without_spaces(start, end)
        return self._without_spaces(start, self._last_cluster(start, most))

    def next_start(self, position: int) -> int:
        """Where the next part begins: after white space, but before the indentation of its first line."""
        text = self.text
        space = _SPACE.match(text, position)
        end = space.end() if space else position
        if end == len(text):
            return end
        line_end = max(text.rfind("\n", position, end), text.rfind("\r", position, end))
        if line_end >= 0 or position == 0:
            return max(line_end + 1, end - INDENT_LIMIT)
        return end if end == position or self._is_boundary(end) else end - 1

    def _is_boundary(self, position: int) -> bool:
        """Whether a cluster ends beside a space. The space may carry an accent."""
        cluster = cluster_pattern().match(self.text[position - 1 : position + 1])
        return cluster is None or cluster.end() == 1

    def _without_spaces(self, start: int, end: int) -> int:
        while end > start + 1 and self.text[end - 1].isspace():
            end -= 1
        return end

    def _fitting(self, start: int, room: int) -> int:
        """Where the longest text ends that fits into `room` units."""
        end = min(len(self.text), start + room)
        while (length := utf16_length(self.text[start:end])) > room:
            end -= max(1, (length - room) // 2)
        return max(end, start + 1)

    def _last(self, pattern: re.Pattern[str], half: int, most: int) -> int | None:
        """Where the last separator begins between `half` and `most` that ends with its cluster. None when
        there is none: a space may carry an accent."""
        begins = [
            found.start()
            for found in pattern.finditer(self.text, half, min(most + 2, len(self.text)))
            if half < found.start() <= most
        ]
        for begin in reversed(begins[-CANDIDATES:]):
            if self._is_boundary(begin) and self._is_boundary(begin + 1):
                return begin
        return None

    def _last_cluster(self, start: int, most: int) -> int:
        # In a slice, for a flag looks back to where the row of flags begins.
        last = 0
        for cluster in cluster_pattern().finditer(self.text[start : most + 1]):
            if cluster.end() > most - start:
                break
            last = cluster.end()
        return start + last if last else most


def _part(rich: RichText, cuts: _Cuts, start: int, end: int, guarded: bool) -> RichText:
    first = cuts.units_before(start)
    last = cuts.units_before(end)
    shift = len(GUARD) * guarded - first
    spans: list[Span] = []
    for span in rich.spans:
        begin = max(span.offset, first)
        length = min(span.offset + span.length, last) - begin
        if length > 0:
            spans.append(Span(span.kind, begin + shift, length, span.value))
    return RichText(GUARD * guarded + rich.text[start:end], thinned(spans, SPAN_LIMIT))

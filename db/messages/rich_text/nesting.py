"""Nesting: brings spans into the form that Telegram takes, and to its limits."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter

from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT, MESSAGES_LIMIT, SPAN_LIMIT, WINDOW
from djangobot.db.messages.rich_text.spans import Span

QUOTES = ("blockquote", "expandable_blockquote")
_RANKS = {"blockquote": 0, "expandable_blockquote": 0, "code": 2, "pre": 2}
"""Of spans of one extent: what contains comes before what is contained."""


def merged(spans: Sequence[Span]) -> list[Span]:
    """Adjacent spans that show the same become one."""
    found: list[Span] = []
    last: dict[tuple[str, str | None], int] = {}
    for span in sorted(spans, key=_offset):
        index = last.get((span.kind, span.value))
        if index is not None and span.offset <= _end(found[index]):
            same = found[index]
            found[index] = _between(same, same.offset, max(_end(same), _end(span)))
        else:
            last[span.kind, span.value] = len(found)
            found.append(span)
    return found


def nested(spans: list[Span]) -> list[Span]:
    """The spans in their order. One that ends within another is cut in two there."""
    ordered = sorted(spans, key=_order)
    if not _cross(ordered):
        return ordered
    quotes = [span for span in spans if span.kind in QUOTES]
    others = _cut_by([span for span in spans if span.kind not in QUOTES], quotes)
    links = [span for span in others if span.kind == "text_link"]
    rest = _cut_by([span for span in others if span.kind != "text_link"], links)
    waiting = sorted(quotes + links + rest, key=_order, reverse=True)
    found: list[Span] = []
    ends: list[int] = []
    while waiting:
        span = waiting.pop()
        while ends and ends[-1] <= span.offset:
            ends.pop()
        end = span.offset + span.length
        if ends and end > ends[-1]:
            cut = ends[-1]
            _put_back(waiting, _between(span, cut, end))
            span = _between(span, span.offset, cut)
            end = cut
        ends.append(end)
        found.append(span)
    return found


def thinned(spans: Sequence[Span], limit: int) -> tuple[Span, ...]:
    """The outermost and first `limit` of nested spans."""
    if len(spans) <= limit:
        return tuple(spans)
    depths = _depths(spans)
    kept = sorted(range(len(spans)), key=lambda index: (depths[index], index))[:limit]
    return tuple(spans[index] for index in sorted(kept))


def storable(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The spans that a message can show, however it is split: of those that begin in one window the
    outermost and first. What needs more than five messages is a file and shows none."""
    if len(spans) <= SPAN_LIMIT:
        return tuple(spans)
    depths = _depths(spans)
    free = dict.fromkeys(range(0, MESSAGES_LIMIT * MESSAGE_LIMIT, WINDOW), SPAN_LIMIT)
    kept: list[int] = []
    for index in sorted(range(len(spans)), key=lambda index: (depths[index], index)):
        window = spans[index].offset // WINDOW * WINDOW
        if free.get(window, 0):
            free[window] -= 1
            kept.append(index)
    return tuple(spans[index] for index in sorted(kept))


def _depths(spans: Sequence[Span]) -> list[int]:
    """In how many others each of nested spans lies."""
    depths: list[int] = []
    ends: list[int] = []
    for span in spans:
        while ends and ends[-1] <= span.offset:
            ends.pop()
        depths.append(len(ends))
        ends.append(_end(span))
    return depths


def _cross(spans: Sequence[Span]) -> bool:
    ends: list[int] = []
    for span in spans:
        while ends and ends[-1] <= span.offset:
            ends.pop()
        if ends and _end(span) > ends[-1]:
            return True
        ends.append(_end(span))
    return False


def _cut_by(spans: list[Span], containers: list[Span]) -> list[Span]:
    """The spans, each cut where it crosses the edge of a container. Containers do not touch each other's
    inside."""
    if not containers:
        return spans
    containers = sorted(containers, key=_order)
    starts = [container.offset for container in containers]
    found: list[Span] = []
    for span in spans:
        start, end = span.offset, span.offset + span.length
        cuts = [start, end]
        for edge in (start, end):
            container = containers[max(bisect_right(starts, edge) - 1, 0)]
            first, last = container.offset, container.offset + container.length
            if first < edge < last:
                cuts += [cut for cut in (first, last) if start < cut < end]
        cuts = sorted(set(cuts))
        found += [_between(span, left, right) for left, right in pairwise(cuts)]
    return found


def _between(span: Span, start: int, end: int) -> Span:
    return Span(span.kind, start, end - start, span.value)


def _end(span: Span) -> int:
    return span.offset + span.length


_offset = attrgetter("offset")


def _order(span: Span) -> tuple[int, int, int]:
    return span.offset, -span.length, _RANKS.get(span.kind, 1)


def _put_back(waiting: list[Span], span: Span) -> None:
    """Keeps the reversed order. The place is near the end, for few kinds begin before it."""
    place = len(waiting)
    while place and _order(waiting[place - 1]) < _order(span):
        place -= 1
    waiting.insert(place, span)

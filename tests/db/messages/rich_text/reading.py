"""What the tests of formatted texts share: what each span covers, and what every result must keep to."""

from djangobot.db.messages.rich_text.spans import RichText, Span, utf16_length

MONOSPACED = ("code", "pre")
QUOTES = ("blockquote", "expandable_blockquote")


def covered(rich: RichText, span: Span) -> str:
    """The text of a span, cut out of UTF-16 as Telegram does it."""
    units = rich.text.encode("utf-16-le", "surrogatepass")
    return units[span.offset * 2 : (span.offset + span.length) * 2].decode("utf-16-le", "surrogatepass")


def shown(rich: RichText) -> list[tuple[str, str]]:
    """Each span as its kind and its text."""
    return [(span.kind, covered(rich, span)) for span in rich.spans]


def check_spans(rich: RichText) -> None:
    """Spans lie in the text, are not empty, cut no character, are in order and nest; none is within its
    like, and nothing within a code or a pre."""
    units = rich.text.encode("utf-16-le", "surrogatepass")
    open_spans: list[Span] = []
    before = (-1, 0)
    for span in rich.spans:
        end = span.offset + span.length
        assert 0 <= span.offset < end <= utf16_length(rich.text)
        for edge in (span.offset, end):
            unit = int.from_bytes(units[edge * 2 : edge * 2 + 2], "little")
            previous = int.from_bytes(units[edge * 2 - 2 : edge * 2], "little") if edge else 0
            assert not (0xDC00 <= unit < 0xE000 and 0xD800 <= previous < 0xDC00), "half of a character"
        assert before <= (span.offset, -span.length)
        before = (span.offset, -span.length)
        while open_spans and open_spans[-1].offset + open_spans[-1].length <= span.offset:
            open_spans.pop()
        if open_spans:
            outer = open_spans[-1]
            assert end <= outer.offset + outer.length, "spans cross"
            assert outer.kind not in MONOSPACED, "something is within a code"
        assert not any(outer.kind == span.kind for outer in open_spans)
        assert not (span.kind in QUOTES and any(outer.kind in QUOTES for outer in open_spans))
        open_spans.append(span)

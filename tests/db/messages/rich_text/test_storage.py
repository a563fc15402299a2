"""Spans are kept as compact JSON."""

import msgspec
import pytest

from djangobot.db.messages.rich_text.limits import SPANS_STORED
from djangobot.db.messages.rich_text.spans import Span
from djangobot.db.messages.rich_text.storage import decode_spans, encode_spans


def test_spans_come_back_as_they_were() -> None:
    """Each is four values in a row."""
    spans = (Span("bold", 0, 5), Span("text_link", 6, 4, "https://example.com/ü"))
    stored = encode_spans(spans)
    assert stored == '[["bold",0,5,null],["text_link",6,4,"https://example.com/ü"]]'
    assert decode_spans(stored) == spans


def test_plain_texts_cost_nothing() -> None:
    """Most messages have no spans."""
    assert encode_spans(()) == ""
    assert decode_spans("") == ()


def test_the_column_has_a_bound() -> None:
    """However many spans there are."""
    assert len(decode_spans(encode_spans((Span("bold", 0, 1),) * 5000))) == SPANS_STORED


def test_what_was_not_stored_by_us_is_refused() -> None:
    """A kind that Telegram does not have is an error, not a surprise in the chat."""
    with pytest.raises(msgspec.DecodeError):
        decode_spans('[["blink",0,5]]')

"""Texts are put together with titles and progress bars."""

import math

import pytest

from djangobot.db.messages.rich_text.compose import bold, joined, progress_bar, with_line_feeds
from djangobot.db.messages.rich_text.formats import parse
from djangobot.db.messages.rich_text.spans import RichText, Span

from .reading import check_spans, shown


def test_spans_move_with_their_texts() -> None:
    """Offsets count UTF-16 units, in which an emoji has two."""
    rich = joined([bold("Title 😀"), RichText(""), parse("😀 *a*", "markdown"), RichText("b")], "\n\n")
    assert rich.text == "Title 😀\n\n😀 a\n\nb"
    assert shown(rich) == [("bold", "Title 😀"), ("italic", "a")]
    check_spans(rich)


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (0, "░░░░░░░░░░ 0\u00a0%"),
        (0.42, "▓▓▓▓░░░░░░ 42\u00a0%"),
        (0.7, "▓▓▓▓▓▓▓░░░ 70\u00a0%"),
        (0.29, "▓▓░░░░░░░░ 29\u00a0%"),
        (0.999, "▓▓▓▓▓▓▓▓▓░ 99\u00a0%"),
        (1, "▓▓▓▓▓▓▓▓▓▓ 100\u00a0%"),
        (7, "▓▓▓▓▓▓▓▓▓▓ 100\u00a0%"),
        (-1, "░░░░░░░░░░ 0\u00a0%"),
        (math.nan, "░░░░░░░░░░ 0\u00a0%"),
    ],
)
def test_a_progress_bar_is_full_only_at_the_end(progress: float, shown: str) -> None:
    """99.9 percent is not done."""
    assert progress_bar(progress) == shown


def test_line_ends_are_line_feeds() -> None:
    """Of Windows, of old programs and of Unicode; spans stay where they are."""
    assert with_line_feeds(RichText("a\r\nb\rc\u2028d\u2029\n")).text == "a\nb\nc\nd\n\n"
    rich = RichText("a\u2028b\r\nc", (Span("bold", 5, 1),))
    assert with_line_feeds(rich) == RichText("a\nb\r\nc", rich.spans)

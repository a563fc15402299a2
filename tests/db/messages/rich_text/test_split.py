"""Long texts are cut into parts that show all of them."""

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from djangobot.db.fields import visible
from djangobot.db.messages.rich_text.formats import parse
from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT, SPAN_LIMIT
from djangobot.db.messages.rich_text.spans import Kind, RichText, Span, utf16_length
from djangobot.db.messages.rich_text.split import GUARD, INDENT_LIMIT, LEAST_LIMIT, excerpt, split

from .reading import check_spans, covered

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇺🇦"
KEYCAP = "1️⃣"
ACCENTED = "e\u0301"
PIECES = [
    "a",
    "b c",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "x" * 9,
    FAMILY,
    FLAG,
    KEYCAP,
    ACCENTED,
    " \u0301",
]
PIECES += ["😀", "ж", "漢字", "\u200b", "\u200d", "\u0600 ", "\u202e", "\u00a0", "😀" * 9, "\ud83d"]

KINDS: tuple[Kind, ...] = ("bold", "pre")

texts = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=80).map("".join))


@st.composite
def rich_texts(draw: st.DrawFn) -> RichText:
    """Texts with spans that lie between whole characters, one after another."""
    text = draw(texts)
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)))
    spans = []
    for begin, end in zip(edges[::2], edges[1::2], strict=False):
        offset = utf16_length(text[:begin])
        kind = draw(st.sampled_from(KINDS))
        spans.append(Span(kind, offset, utf16_length(text[:end]) - offset))
    return RichText(text, tuple(spans))


def places(text: str, parts: list[RichText]) -> list[tuple[int, int]]:
    """Where each part stands in the text. What lies between shows nothing."""
    found = []
    position = 0
    for part in parts:
        shown = part.text
        begin = text.find(shown, position)
        if begin < 0 or (text[position:begin].strip() and visible(text[position:begin])):
            shown = part.text.removeprefix(GUARD)
            begin = text.find(shown, position)
        assert begin >= 0, "the part is not in the text"
        assert not visible(text[position:begin]), "something between two parts is lost"
        position = begin + len(shown)
        found.append((begin, position))
    assert not visible(text[position:]), "the end is lost"
    return found


@given(rich_texts(), st.integers(LEAST_LIMIT, 40), st.integers(LEAST_LIMIT, 40))
@example(RichText("a" + " " * 50 + "b"), 5, 5)
@example(RichText("    a\n    b"), 6, 6)
@example(RichText("\u0301" * 50), 5, 3)
def test_parts_show_the_whole_text(rich: RichText, limit: int, first_limit: int) -> None:
    """No part is too long, none shows nothing, and between them only what shows nothing is left out."""
    parts = split(rich, limit, first_limit)
    if not visible(rich.text):
        assert len(parts) == 1
        return
    for number, part in enumerate(parts):
        assert utf16_length(part.text) <= (limit if number else first_limit)
        assert visible(part.text)
        assert part.text == part.text.strip()
        check_spans(part)
    places(rich.text, parts)
    assert split(rich, limit, first_limit) == parts


@given(rich_texts(), st.integers(LEAST_LIMIT, 40))
def test_spans_go_on_in_the_next_part(rich: RichText, limit: int) -> None:
    """What was formatted stays so, apart from white space between parts."""
    if not visible(rich.text):
        return
    parts = split(rich, limit)
    for kind in KINDS:
        whole = "".join(covered(rich, span) for span in rich.spans if span.kind == kind)
        split_up = "".join(covered(part, span) for part in parts for span in part.spans if span.kind == kind)
        assert "".join(filter(visible, split_up)) == "".join(filter(visible, whole))


@given(texts, st.integers(30, 60))
def test_clusters_stay_whole(text: str, limit: int) -> None:
    """Flags, families, keycaps and accents are not cut, unless one alone is longer than a part."""
    clusters = list(regex.finditer(r"\X", text))
    if not visible(text) or any(utf16_length(cluster.group()) >= limit for cluster in clusters):
        return
    boundaries = {0, *(cluster.end() for cluster in clusters)}
    for begin, end in places(text, split(RichText(text), limit)):
        assert begin in boundaries or text[:begin].isspace() or not visible(text[:begin])
        assert end in boundaries or text[end].isspace()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("aaaaaa\n\nbb\ncc dd", ["aaaaaa", "bb\ncc dd"]),
        ("aaaaaa\nbb cc dd", ["aaaaaa", "bb cc dd"]),
        ("aaaa bbbb cccc", ["aaaa bbbb", "cccc"]),
        ("aaaaaaaaaabbbbbbbbbbc", ["aaaaaaaaaa", "bbbbbbbbbb", "c"]),
        ("a\n\nbbbbbbbbbbbb", ["a\n\nbbbbbbb", "bbbbb"]),
        ("aaaaaa\n    bbbb", ["aaaaaa", GUARD + "    bbbb"]),
        ("  aa", [GUARD + "  aa"]),
        ("aaaaaaaa\n \n\n  b", ["aaaaaaaa", GUARD + "  b"]),
        (FLAG * 4, [FLAG * 2, FLAG * 2]),
    ],
)
def test_the_coarsest_cut_in_the_second_half_wins(text: str, parts: list[str]) -> None:
    """A paragraph before a line, a line before a word, a word before a cluster."""
    assert [part.text for part in split(RichText(text), 10)] == parts


def test_white_space_alone_is_no_part() -> None:
    """Telegram would refuse it; a gap of pages is a gap between parts."""
    assert [part.text for part in split(RichText("a" + " \n" * 9000 + "b"))] == ["a", "b"]
    assert split(RichText(" \n" * 9000))[0].text.isspace()


def test_the_first_part_leaves_room() -> None:
    """The sender's line stands there, and there alone."""
    parts = split(RichText("word " * 3000), MESSAGE_LIMIT, 3000)
    assert utf16_length(parts[0].text) <= 3000 < utf16_length(parts[1].text)


def test_indentation_has_a_bound() -> None:
    """Spaces without end would push the text away."""
    (part,) = split(RichText(" " * 4000 + "x"))
    assert part.text == GUARD + " " * INDENT_LIMIT + "x"


def test_each_part_has_its_own_hundred_spans() -> None:
    """Telegram counts them for each message."""
    parts = split(parse("*a* b " * 1900, "markdown"))
    assert [len(part.spans) for part in parts] == [SPAN_LIMIT, SPAN_LIMIT]


def test_an_excerpt_is_the_beginning() -> None:
    """A caption says with its last character that there is more."""
    rich = parse("**first** line\n" * 200, "markdown")
    beginning = excerpt(rich)
    assert utf16_length(beginning.text) <= 1024
    assert beginning.text.endswith("line…")
    assert covered(beginning, beginning.spans[0]) == "first"
    assert excerpt(RichText("short")) == RichText("short")
    assert [excerpt(RichText("x" * length), 10).text for length in (10, 11)] == ["x" * 10, "x" * 9 + "…"]

"""No input is refused, and spans are right whatever comes."""

import html
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from djangobot.db.fields import visible
from djangobot.db.messages.rich_text.html import from_html
from djangobot.db.messages.rich_text.limits import SPANS_STORED
from djangobot.db.messages.rich_text.markdown.markdown import from_markdown

from .reading import check_spans

MARKDOWN = ["*", "**", "_", "__", "~~", "||", "|", "`", "``", "```", "~~~\n", "> ", "- ", "1. ", "+ ", "# "]
MARKDOWN += [
    "---\n",
    "[",
    "]",
    "](",
    ")",
    "![",
    "<",
    ">",
    "[a]: ",
    "https://x.y",
    "<https://x.y>",
    "\\",
    "&#0;",
]
WHITE = ["\n", "\n\n", "    ", "\t", " ", "\r\n", "\r", "\x0b", "\x85", "  \n"]
WORDS = [
    "a",
    "word ",
    "😀",
    "👨\u200d👩\u200d👧",
    "e\u0301",
    "漢字",
    "שלום",
    "\u202e",
    "\u200b",
    "\x00",
    "\ud800",
]
LINES = [
    "| a | b |\n|---|--:|\n",
    "| 1 |\n",
    "- [ ] ",
    "- [x] ",
    "&amp;",
    "&#xD800;",
    "[a](/r)",
    "```x\ny\n```\n",
]
HTML = [
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<u>",
    "</u>",
    "<s>",
    "</s>",
    "<code>",
    "</code>",
    "<pre>",
    "</pre>",
    "<br>",
]
HTML += [
    "<a href='https://x.y'>",
    "<a href=/r>",
    "</a>",
    "<blockquote>",
    "<blockquote expandable>",
    "</blockquote>",
]
HTML += [
    "<tg-spoiler>",
    "</tg-spoiler>",
    "<span class=tg-spoiler>",
    "</span>",
    "<ul>",
    "<ol>",
    "<li>",
    "</li>",
]
HTML += [
    "<table>",
    "<tr>",
    "<td>",
    "<th>",
    "</table>",
    "<p>",
    "</p>",
    "<h1>",
    "</h1>",
    "<hr>",
    "<img alt=x src=y>",
]
HTML += [
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "<",
    ">",
    "</",
    "/>",
    "</>",
    "&lt;",
    "&",
]
HTML += [
    "<x",
    "<x>",
    "<input type=checkbox>",
    '"',
    "'",
    "=",
    "<title>",
    "<plaintext>",
    "</ul>",
    "</ol>",
    "</li>",
]
HTML += ["<pre><code class='language-x'>", "</code></pre>", "&#0;"]


def anything(pieces: list[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.lists(st.sampled_from(pieces), max_size=60).map("".join), st.text(max_size=300))


@given(anything(MARKDOWN + LINES + WHITE + WORDS + HTML))
@settings(max_examples=1500)
@example("<b>a<blockquote>b</b>c</blockquote>")
def test_markdown_takes_anything(source: str) -> None:
    """It gives a text with right spans, and one that shows something if the source does."""
    rich = from_markdown(source)
    check_spans(rich)
    assert len(rich.spans) <= SPANS_STORED
    assert visible(rich.text) or not visible(source)


@given(anything(HTML + WHITE + WORDS))
@settings(max_examples=1500)
@example("<blockquote><code>a</blockquote>b</code>c")
def test_html_takes_anything(source: str) -> None:
    """It gives a text with right spans, and one that shows something if the source does."""
    rich = from_html(source)
    check_spans(rich)
    assert len(rich.spans) <= SPANS_STORED
    assert visible(rich.text) or not visible(source)


@given(anything(HTML + WHITE + WORDS))
@example("<pre>0\r\n</pre>")
@example("\r\n<b>b</b>\r\nc")
@example("\r\n")
def test_html_with_line_ends_of_windows_is_the_same(source: str) -> None:
    """Nothing is lost or doubled by a line end of two characters, or by one that is a carriage return. (What
    shows nothing is shown as it was written: so an `a` stands before it.)"""
    lines = "a" + source.replace("\r\n", "\n").replace("\r", "\n")
    assert from_html(lines.replace("\n", "\r\n")) == from_html(lines)
    assert from_html(lines.replace("\n", "\r")) == from_html(lines)


BLOCKS = ["p", "div", "ul", "li", "h1", "blockquote", "pre", "table", "tr", "td", "caption", "section"]


@given(st.lists(st.tuples(st.sampled_from(["word", "</", "<"]), st.sampled_from(BLOCKS)), max_size=20))
@example([("<", "td"), ("<", "div"), ("word", ""), ("</", "div"), ("word", "")])
@example([("<", "table"), ("<", "td"), ("word", ""), ("<", "blockquote"), ("word", "")])
@example([("<", "table"), ("<", "td"), ("<", "div"), ("word", ""), ("</", "div"), ("word", "")])
@example([("<", "li"), ("word", ""), ("</", "li"), ("word", "")])
@example([("<", "pre"), ("<", "div"), ("word", ""), ("</", "div"), ("<", "div"), ("word", "")])
def test_blocks_of_html_keep_words_apart(pieces: list[tuple[str, str]]) -> None:
    """What a browser shows on two lines, or in two cells, is never one word."""
    source = "".join("word" if kind == "word" else f"{kind}{tag}>" for kind, tag in pieces)
    source = source.replace("</pre>", "<pre></pre>")  # one that is not open is nothing
    text = from_html(f"a{source}").text
    assert re.findall("(?:word)+", text) == re.findall("(?:word)+", source)


LETTERS = st.text(st.characters(categories=["L", "N"], max_codepoint=0x2FFF), min_size=1, max_size=8)
TABLE = "\n|a|b|\n|-|-|\n|"


@given(st.lists(st.one_of(st.sampled_from([*MARKDOWN, TABLE, "|", "\n", "\n\n"]), LETTERS), max_size=40))
@example([TABLE, "ps", "|", "1", "|", "grep"])
@example(["[a]: ", "down", "\n", "[a]: ", "up"])
@example(["```", "ERROR", "disk", "\n", "full"])
def test_markdown_loses_no_word(pieces: list[str]) -> None:
    """Whatever markup stands between: each word can be read, or is where a link leads to, or the language of
    code."""
    rich = from_markdown(" ".join(pieces))
    shown = " ".join([rich.text, *(span.value or "" for span in rich.spans)])
    for piece in pieces:
        if piece.isalnum():
            assert piece in shown, piece


@given(st.text(max_size=200))
def test_escaped_text_comes_back_from_html(text: str) -> None:
    """What a program escapes as its library says is shown letter by letter, but for white space."""
    shown = from_html(f"<pre>{html.escape(text)}</pre>").text
    cleaned = re.sub("[\x00\ud800-\udfff]", "\ufffd", text)
    assert shown.split() == cleaned.split() or not visible(cleaned)

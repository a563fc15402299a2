"""Time grows with the length and no faster, on inputs that were made to break parsers.

Most are of cmark's pathological_tests.py and of reports to other parsers."""

from collections.abc import Callable

import pytest

from djangobot.db.messages.new_message import TEXT_LIMIT
from djangobot.db.messages.rich_text.html import from_html
from djangobot.db.messages.rich_text.markdown.markdown import from_markdown
from djangobot.db.messages.rich_text.spans import RichText
from djangobot.db.messages.rich_text.split import split

from ....growth import GROWTH_LIMIT, TIMES, growth

MARKDOWN: dict[str, Callable[[int], str]] = {
    "nested strong emphasis": lambda n: "*a **a " * n + "b" + " a** a*" * n,
    "emphasis closers": lambda n: "a_ " * n,
    "emphasis openers": lambda n: "_a " * n,
    "link closers": lambda n: "a]" * n,
    "link openers": lambda n: "[a" * n,
    "mismatched openers": lambda n: "*a_ " * n,
    "openers of three": lambda n: "a**b" + "c* " * n,
    "emphasis in brackets": lambda n: "[ a_" * n,
    "link that is none": lambda n: "[ (](" * n,
    "images of nothing": lambda n: "![[]()" * n,
    "emphasis across links": lambda n: "**x [a*b**c*](d)" * n,
    "brackets": lambda n: "[" * n + "a" + "]" * n,
    "image openers": lambda n: "![" * n,
    "image starts": lambda n: "![](" * n,
    "quotations": lambda n: "> " * n + "a",
    "quotations of many lines": lambda n: (">" * 60 + "a\n") * n,
    "lists on a line": lambda n: "- " * n + "x",
    "deep lists": lambda n: "".join(" " * i + "* a\n" for i in range(int((2 * n) ** 0.5))),
    "backticks": lambda n: "".join("e" + "`" * i for i in range(int((2 * n) ** 0.5))),
    "unclosed tags": lambda n: "<a " * n,
    "unclosed destinations": lambda n: "[a](<b" * n,
    "open destinations": lambda n: "[a](b" * n,
    "open titles": lambda n: '[a](b "' * n,
    "comments": lambda n: "</" + "<!--" * n,
    "instructions": lambda n: "x<?" * n,
    "declarations": lambda n: "x<!A " * n,
    "cdata": lambda n: "x<![CDATA[" * n,
    "definitions": lambda n: "".join(f"[{i}]: u\n" for i in range(n)) + "[0] " * n,
    "definition titles": lambda n: '[a]: x "\n' * n,
    "one long definition": lambda n: "[a]: " + "u" * n + "\n\n" + "[a]" * n,
    "tables": lambda n: "a|b\n-|-\n\n" * n,
    "a wide table": lambda n: "|a" * n + "\n" + "|-" * n + "\n" + "|\n" * n,
    "a long table": lambda n: "a|b\n-|-\n" + "x|y\n" * n,
    "a table of flags": lambda n: "a|b\n-|-\n" + "🇺🇦" * n,
    "spoilers": lambda n: "||a" * n,
    "spoiler openers": lambda n: "|| a" * n,
    "strikethrough": lambda n: "~~a" * n,
    "pipes": lambda n: "|" * n,
    "escapes": lambda n: "\\*" * n,
    "entities": lambda n: "&lt;&" * n,
    "spaces": lambda n: "a" + " " * n + "\nb",
    "empty lines": lambda n: "\n" * n + "a",
    "lines": lambda n: "a\n" * n,
    "headings": lambda n: "# a\n" * n,
    "underlined headings": lambda n: "a\n=\n" * n,
    "fences": lambda n: "```a\nx\n" * n,
    "html blocks": lambda n: "<div>\n\n" * n,
    "html inline": lambda n: "a" + "<b><i>" * n + "x" + "</b></i>" * n,
    "items": lambda n: "- a\n" * n,
    "empty items": lambda n: "-\n" * n,
    "quoted lists": lambda n: ("> - " * 9 + "a\n") * n,
    "stars": lambda n: "a***" * n,
    "emoji": lambda n: "😀**x**" * n,
    "accents": lambda n: "e" + "\u0301" * n,
    "nul": lambda n: "abc\x00de\x00" * n,
}
HTML: dict[str, Callable[[int], str]] = {
    "one tag": lambda n: "<b>" * n + "x",
    "crossing tags": lambda n: "<b>x<i>y</b>z</i>" * n,
    "what breaks trees": lambda n: "<p>" + "".join(f"<b a={i}>" for i in range(n)) + "</p>" + "<p>x</p>" * n,
    "what closes late": lambda n: "<b>" * n + "<p>" * n + "</b>" * n,
    "lists": lambda n: "<ul><li>" * n + "x",
    "items": lambda n: "<ul>" + "<li>x" * n,
    "quotations": lambda n: "<blockquote>x" * n,
    "links": lambda n: "<a href=/r>x" * n,
    "tables": lambda n: "<table>" * n + "x",
    "rows": lambda n: "<table>" + "<tr><td>x" * n,
    "columns": lambda n: "<table><tr><td>" + "x" * n + "<tr>" + "<td>" * n + "x",
    "attributes": lambda n: "<b " + " ".join(f'a{i}=""' for i in range(n)) + ">x",
    "unclosed tags": lambda n: "<a " * n,
    "quotes": lambda n: '<b "' * n,
    "entities": lambda n: "&amp;&" * n,
    "comments": lambda n: "<!-- " * n,
    "scripts": lambda n: "<script>" * n,
    "pre": lambda n: "<pre>x</pre>" * n,
    "nothing": lambda n: "</>" * n,
    "spaces": lambda n: "a " * n,
    "code within": lambda n: "<b>x<code>y</code>" * n,
    "cut quotations": lambda n: "<b>x" + "<blockquote>y</b>z<b>q</blockquote>w" * n,
    "many within crossing": lambda n: "<b>q<i>" + "<u>x</u>y" * n + "</b>z</i>",
}
SPLIT: dict[str, Callable[[int], str]] = {
    "no cut": lambda n: "x" * n,
    "spaces": lambda n: "a" + " " * n + "b",
    "lines": lambda n: "\n" * n + "a",
    "accents": lambda n: "e" + "\u0301" * n,
    "accented spaces": lambda n: " \u0301" * n,
    "families": lambda n: "👨‍👩‍👧" * n,
    "flags": lambda n: "🇺🇦" * n,
    "invisible": lambda n: "a" + "\u200b" * n,
}


@pytest.mark.parametrize(
    ("read", "make"),
    [
        pytest.param(read, make, id=name)
        for read, sources in ((from_markdown, MARKDOWN), (from_html, HTML))
        for name, make in sources.items()
    ],
)
def test_texts_are_read_in_linear_time(read: Callable[[str], RichText], make: Callable[[int], str]) -> None:
    """However they are nested. At the longest nothing raises, and no text grows more than four times."""

    def run(source: str) -> None:
        assert len(read(source).text) <= 4 * len(source)

    assert growth(run, make, TEXT_LIMIT // TIMES) <= GROWTH_LIMIT


@pytest.mark.parametrize("name", SPLIT)
def test_texts_are_split_in_linear_time(name: str) -> None:
    """Whatever they are made of."""
    assert growth(lambda text: split(RichText(text), 400), SPLIT[name]) <= GROWTH_LIMIT

"""Descriptions of the installed packages, as their authors wrote them: all that can be read stays."""

from functools import cache
from importlib.metadata import distributions

from markdown_it import MarkdownIt

from djangobot.db.messages.rich_text.formats import parse
from djangobot.db.messages.rich_text.html import from_html
from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT, SPAN_LIMIT, SPANS_STORED
from djangobot.db.messages.rich_text.markdown.markdown import from_markdown
from djangobot.db.messages.rich_text.spans import utf16_length
from djangobot.db.messages.rich_text.split import split

from .reading import check_spans
from .visible import missing_word, visible_words

LONGEST = 64 * 1024


@cache
def readmes() -> dict[str, str]:
    """By the package's name. Those in reStructuredText are read as Markdown, too: senders err."""
    found = {}
    for package in distributions():
        text = package.metadata.json.get("description")
        if isinstance(text, str) and text.strip() and text.strip() != "UNKNOWN":
            found[package.name] = text[:LONGEST]
    return found


def test_there_are_many() -> None:
    """A hundred authors write in a hundred ways."""
    assert len(readmes()) >= 100


def test_markdown_keeps_every_visible_word() -> None:
    """The same words in the same order as in the HTML that the library makes of it."""
    reference = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    lost = {}
    for name, text in readmes().items():
        rich = from_markdown(text)
        check_spans(rich)
        assert len(rich.spans) <= SPANS_STORED
        if word := missing_word(visible_words(reference.render(text)), rich.text):
            lost[name] = word
    assert lost == {}


def test_html_keeps_every_visible_word() -> None:
    """The same pages as HTML."""
    reference = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    lost = {}
    for name, text in readmes().items():
        html = reference.render(text)
        rich = from_html(html)
        check_spans(rich)
        if word := missing_word(visible_words(html), rich.text):
            lost[name] = word
    assert lost == {}


def test_parts_keep_every_word() -> None:
    """Each part fits into a message and shows something; together they have all words in their order."""
    for text in readmes().values():
        for text_format in ("plain", "markdown"):
            rich = parse(text, text_format)
            parts = split(rich, first_limit=MESSAGE_LIMIT - 200)
            for part in parts:
                assert utf16_length(part.text) <= MESSAGE_LIMIT
                assert len(part.spans) <= SPAN_LIMIT
                check_spans(part)
            together = " ".join(part.text for part in parts)
            assert "".join(together.split()).replace("\u200b", "") == "".join(rich.text.split()).replace(
                "\u200b", ""
            )

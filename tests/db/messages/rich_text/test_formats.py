"""One entrance for all formats, which refuses nothing."""

import pytest

from djangobot.db.messages.rich_text.formats import EXTENSIONS, parse
from djangobot.db.messages.rich_text.markdown import markdown
from djangobot.db.messages.rich_text.spans import RichText, Span


def test_each_format_is_read_as_itself() -> None:
    """Plain text is never read as markup."""
    text = "**a** <b>b</b>"
    assert parse(text) == RichText(text)
    assert parse(text, "markdown") == RichText("a b", (Span("bold", 0, 1), Span("bold", 2, 1)))
    assert parse(text, "html") == RichText("**a** b", (Span("bold", 6, 1),))
    assert EXTENSIONS == {"plain": ".txt", "markdown": ".md", "html": ".html"}


def test_a_fault_of_a_parser_costs_the_formatting_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No message is lost to an input that nobody has thought of."""

    def fails(source: str) -> RichText:
        raise RecursionError

    monkeypatch.setattr(markdown, "from_markdown", fails)
    assert parse("*a*", "markdown") == RichText("*a*")

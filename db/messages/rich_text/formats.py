"""Formats: in what a program may write its text, and the one entrance to all of them."""

from collections.abc import Callable
from typing import Literal

import structlog

from djangobot.db.messages.rich_text.spans import RichText

Format = Literal["plain", "markdown", "html"]

EXTENSIONS: dict[Format, str] = {"plain": ".txt", "markdown": ".md", "html": ".html"}
"""How the name of the file ends in which a text is sent that is too long for messages."""

log = structlog.get_logger(__name__)


def parse(text: str, text_format: Format = "plain") -> RichText:
    """The text as people will read it. Every text has one: at worst it is shown as it was written.

    The time grows with the length alone, but 64 Ki characters of Markdown may take more than a second: call
    it in a thread when the text is long."""
    if text_format == "plain":
        return RichText(text)
    try:
        return _parser(text_format)(text)
    except Exception as exc:
        # No input is known that gets here. A message must not be lost to one that nobody has found yet.
        log.error("text not formatted", error=type(exc).__name__, characters=len(text))
        return RichText(text)


def _parser(text_format: Format) -> Callable[[str], RichText]:
    """The parsers take memory: they are loaded with the first text that needs one."""
    if text_format == "html":
        from djangobot.db.messages.rich_text.html import from_html

        return from_html
    from djangobot.db.messages.rich_text.markdown.markdown import from_markdown

    return from_markdown

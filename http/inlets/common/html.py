"""Writes the HTML of a message. Every foreign text goes through `escaped`."""

from collections.abc import Iterable
from html import escape

from djangobot.db.messages.rich_text.formats import parse
from djangobot.db.messages.rich_text.links import link_address
from djangobot.http.inlets.common.shorten import cut

LONGEST = 700
"""Characters shown of one foreign text."""
CODE_LONGEST = 3000
"""Characters shown of a text that stands alone in its message."""
MARKDOWN_LONGEST = 6000
"""Characters that are read of a Markdown: its time grows with its length."""


def escaped(text: str, longest: int = LONGEST) -> str:
    """A text as it is shown, with its line breaks."""
    shown = cut(text.strip().replace("\r\n", "\n"), longest)
    return escape(shown, quote=False).replace("\n", "<br>")


def bold(text: str) -> str:
    return f"<b>{escaped(text)}</b>" if text else ""


def code(text: str) -> str:
    return f"<code>{escaped(text)}</code>" if text else ""


def pre(text: str) -> str:
    shown = cut(text.strip("\n"), CODE_LONGEST)
    return f"<pre>{escape(shown, quote=False)}</pre>" if text else ""


def link(text: str, address: str) -> str:
    """The text as a link, if the address is one."""
    shown = escaped(text)
    if not shown or len(address) > LONGEST * 3 or link_address(address) is None:
        return shown
    return f'<a href="{escape(address)}">{shown}</a>'


def quote(text: str, longest: int = CODE_LONGEST) -> str:
    """A long foreign text, folded."""
    return f"<blockquote expandable>{escaped(text, longest)}</blockquote>" if text.strip() else ""


def quote_markdown(source: str, longest: int = CODE_LONGEST) -> str:
    """A long foreign Markdown, folded, without its markup: a quotation of Telegram's holds little of it."""
    shown = parse(source[:MARKDOWN_LONGEST], "markdown").text if source.strip() else ""
    return quote(shown, longest)


def lines(parts: Iterable[str]) -> str:
    """The parts that are not empty, each on a line of its own."""
    return "<br>".join(part for part in parts if part)

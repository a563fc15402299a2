"""Links of foreign programs: as a button where Telegram takes it, or else as a line of the text."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from djangobot.db.fields import visible
from djangobot.db.messages.buttons import Button, wrong_buttons
from djangobot.db.messages.rich_text.formats import Format
from djangobot.db.messages.rich_text.hashtags import as_tag
from djangobot.http.inlets.common.markdown import markdown_escaped
from djangobot.http.inlets.common.shorten import kept_tags


def opens(url: str | None) -> bool:
    """Whether Telegram takes a button to this address."""
    return url is None or wrong_buttons(((Button("x", url=url),),)) is None


def host_of(url: str) -> str:
    """The host of an address, as the text of its button."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def link_line(sign: str, name: str, url: str, markup: Format) -> str:
    """A line of a text in this format, with a link that Telegram makes tappable."""
    named = f"{sign} {name}:" if name else sign
    if markup != "markdown":
        return f"{named} {url}"
    bare = re.fullmatch(r"[^\s<>]+", url) is not None
    named = markdown_escaped(named)
    return f"{named} <{url}>" if bare else f"{named} {url}"


def tags_line(tags: Sequence[str], markup: Format) -> list[str]:
    """A line with the tags of which Telegram makes no hashtag, and those that are too many; or none."""
    linked = {word: as_tag(word) for word in tags}
    hashtags = kept_tags(linked.values())
    others = ", ".join(word for word, tag in linked.items() if tag not in hashtags and visible(word))
    if markup == "markdown":
        others = markdown_escaped(others)
    return [f"🏷 {others}"] if others else []


def with_lines(text: str, lines: list[str]) -> str:
    """The text, and these lines below it, each a paragraph of its own."""
    return "\n\n".join(part for part in (text, *lines) if part)

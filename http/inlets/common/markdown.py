"""Markdown of texts that foreign programs send as plain ones."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&])")
"""What means something in Markdown."""


def markdown_escaped(text: str) -> str:
    """The text in Markdown, to the letter."""
    return _MARKUP.sub(r"\\\1", text)

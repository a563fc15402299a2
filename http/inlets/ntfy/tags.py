"""ntfy's tags: those that are the short code of an emoji stand before the title, the others are hashtags."""

import re
from collections.abc import Sequence

CODE = re.compile(r"[\w+-]{1,64}")
MOST = 50
"""Tags that are looked at."""


def split(tags: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The emoji, with spaces between them, and the other tags."""
    found = {tag: _emoji(tag) for tag in tags[:MOST]}
    return (
        " ".join(emoji for emoji in found.values() if emoji),
        tuple(tag for tag, emoji in found.items() if not emoji),
    )


def _emoji(tag: str) -> str:
    """The emoji of this short code. Empty when it is none."""
    if not CODE.fullmatch(tag):
        return ""
    from emoji import emojize  # takes 9 MB: only who needs it pays

    code = f":{tag}:"
    shown = emojize(code, language="alias")
    return "" if shown == code else shown

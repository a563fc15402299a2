"""ntfy's tags: those that are the short code of an emoji stand before the title, the others are hashtags."""

from collections.abc import Sequence

from djangobot.http.inlets.common.emoji_codes import emoji_of

MOST = 50
"""Tags that are looked at."""


def split(tags: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The emoji, with spaces between them, and the other tags."""
    found = {tag: emoji_of(tag) for tag in tags[:MOST]}
    return (
        " ".join(emoji for emoji in found.values() if emoji),
        tuple(tag for tag, emoji in found.items() if not emoji),
    )

"""Hashtags: words at the end of a message by which a person finds all messages of their kind."""

import re
from collections.abc import Sequence

TAGS_LIMIT = 8
TAG_LIMIT = 64
"""Characters of one tag. Telegram takes up to 256."""

_TAG = re.compile(r"\w+")
_LETTER = re.compile(r"[^\W\d_]")
_SEPARATORS = re.compile(r"\W+")


def wrong_tags(tags: Sequence[str]) -> str | None:
    """Why these are no tags. None when they are."""
    if len(tags) > TAGS_LIMIT:
        return f"must have at most {TAGS_LIMIT} tags"
    for tag in tags:
        if len(tag) > TAG_LIMIT:
            return f"must have tags of at most {TAG_LIMIT} characters"
        if not _TAG.fullmatch(tag):
            return "must have tags of letters, digits and underscores, without `#`, hyphens and spaces"
        if not _LETTER.search(tag):
            return "must have a letter in each tag, or Telegram does not link it"
    return None


def as_tag(word: str) -> str | None:
    """A tag made of a word that was not written as one: `disk-full` is `disk_full`. None when nothing
    remains that Telegram would link."""
    tag = _SEPARATORS.sub("_", word).strip("_")[:TAG_LIMIT]
    return tag if _LETTER.search(tag) else None


def hashtags(tags: Sequence[str]) -> str:
    """The line that shows them, each once: `#backup #disk_full`."""
    return " ".join(f"#{tag}" for tag in dict.fromkeys(tags))

"""The short codes of emoji, as ntfy and Slack write them."""

import re

_CODE = re.compile(r"[\w+-]{1,64}")
_CODES = re.compile(r"(?<![\w:]):([\w+-]{1,64}):(?![\w:])")


def emoji_of(code: str) -> str:
    """The emoji of this short code. Empty when it is none."""
    if not _CODE.fullmatch(code):
        return ""
    from emoji import emojize  # takes 9 MB: only who needs it pays

    written = f":{code}:"
    shown = emojize(written, language="alias")
    return "" if shown == written else shown


def with_emoji(text: str) -> str:
    """The text with the emoji in place of their codes between colons. What is no code stays."""
    return _CODES.sub(lambda found: emoji_of(found[1]) or found[0], text)

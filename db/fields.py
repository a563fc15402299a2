"""What texts from outside may contain. Both the bot and the HTTP server check them here."""

import re

from djangobot.db.errors import FieldsInvalid

NAME_LIMIT = 100
LOGIN_LIMIT = 100
TOKEN_NAME_LIMIT = 64

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL's text can't store, and lone surrogates, which UTF-8 can't encode."""

# Sets of characters, in the syntax of a regular expression between brackets. They are fixed here, so that
# what is allowed does not depend on the Unicode tables of the Python that runs. A test compares the two.
CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029"
"""C0, DEL, C1, and the two separators that break a line."""
BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Unicode's Bidi_Control: they change the direction of the text that follows (UAX 9)."""
UNSEEN = "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb"
"""Format characters that show nothing. Two names that differ only in them look the same."""
SPACES = " \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
BLANKS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc"
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters that show nothing by themselves but belong to words and emoji: joiners, variation selectors, the
tags of flags, fillers."""
MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
"""Combining marks of general use, which need a letter to stand on."""

FORBIDDEN = CONTROLS + BIDI + UNSEEN
"""Characters that no name may contain, because names are quoted inside our sentences."""
INVISIBLE = FORBIDDEN + SPACES + BLANKS + MARKS
"""Characters that show nothing when a text has no others."""

_VISIBLE = re.compile(f"[^{INVISIBLE}\ud800-\udfff]")
_CONTROL = re.compile(f"[{CONTROLS}\ud800-\udfff]")
_FORBIDDEN = re.compile(f"[{FORBIDDEN}\ud800-\udfff]")
_BIDI = re.compile(f"[{BIDI}]")
_SPACE = re.compile(f"[{SPACES}]")

IDEMPOTENCY_KEY = re.compile("[!-~]{1,255}")


def whole_number(text: str, least: int, most: int) -> int | None:
    """The whole number that stands in this text, without a sign. None if there is none, or if it is out of
    bounds. Digits of other scripts are none."""
    if not re.fullmatch("[0-9]{1,200}", text):
        return None
    number = int(text)
    return number if least <= number <= most else None


def visible(text: str) -> bool:
    """Whether the text shows anything."""
    return _VISIBLE.search(text) is not None


def one_direction(text: str) -> str:
    """The text without the characters that would change the direction of the sentence it is quoted in."""
    return _BIDI.sub("", text)


def nameable(text: str, limit: int) -> str:
    """The part of a foreign name that may be quoted in our sentences. Empty when it would show nothing."""
    name = " ".join(_FORBIDDEN.sub("", _CONTROL.sub(" ", UNSTORABLE.sub("", text))).split())[:limit].rstrip()
    return name if visible(name) else ""


def blank(text: str) -> str | None:
    """Why a text would show nothing. None when it shows something."""
    if visible(text):
        return None
    return "must have a visible character" if text.strip() else "must not be empty"


def unstorable(text: str) -> str | None:
    """Why a text can't be stored or sent. None when it can."""
    if UNSTORABLE.search(text):
        return "must not contain NUL or lone surrogates"
    return None


def login_error(text: str) -> str | None:
    """Why a text can't be a login. None when it can."""
    return line_error(text, LOGIN_LIMIT) or ("must not contain spaces" if _SPACE.search(text) else None)


def check_token_name(name: str) -> None:
    """Raises FieldsInvalid."""
    wrong = line_error(name, TOKEN_NAME_LIMIT)
    if wrong:
        raise FieldsInvalid({"name": wrong})


def check_idempotency_key(key: str) -> None:
    """Raises FieldsInvalid."""
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise FieldsInvalid({"Idempotency-Key": "must be 1 to 255 visible ASCII characters"})


def line_error(text: str, limit: int) -> str | None:
    """Why a text can't be quoted on a line of ours. None when it can."""
    if wrong := blank(text):
        return wrong
    if _CONTROL.search(text):
        return "must not contain control characters or lone surrogates"
    if _FORBIDDEN.search(text):
        return "must not contain invisible characters, or ones that turn the direction of writing"
    return length_error(text, limit)


def length_error(text: str, limit: int, least: int = 1) -> str | None:
    """Why a text is too short or too long. None when it is neither."""
    if not least <= len(text) <= limit:
        return f"must have {least} to {limit} characters"
    return None

"""Buttons that a program puts under its message: what they may be, and how many."""

from urllib.parse import urlsplit

import msgspec

from djangobot.db.fields import line_error

BUTTON_ROWS, BUTTONS_IN_ROW = 8, 4
BUTTON_TEXT_LIMIT = 64
BUTTON_VALUE_LIMIT = 64
"""Characters."""
BUTTON_URL_LIMIT = 2048
BUTTON_SCHEMES = ("http", "https", "tg")


class Button(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A button under a message. It opens a `url`, or gives a `value` back to the program."""

    text: str
    url: str | None = None
    value: str | None = None


def wrong_buttons(rows: tuple[tuple[Button, ...], ...]) -> str | None:
    """Why these can't be buttons. None when they can."""
    if len(rows) > BUTTON_ROWS or any(len(row) > BUTTONS_IN_ROW for row in rows):
        return f"must be at most {BUTTON_ROWS} rows of {BUTTONS_IN_ROW} buttons"
    if not all(rows):
        return "must have a button in each row"
    return next((wrong for row in rows for button in row if (wrong := _wrong_button(button))), None)


def _wrong_button(button: Button) -> str | None:
    if wrong := line_error(button.text, BUTTON_TEXT_LIMIT):
        return f"has a button whose text {wrong}"
    if (button.url is None) == (button.value is None):
        return "must have either `url` or `value` in each button"
    if button.value is not None:
        wrong = line_error(button.value, BUTTON_VALUE_LIMIT)
        return wrong and f"has a button whose value {wrong}"
    return _wrong_url(button.url or "")


def _wrong_url(url: str) -> str | None:
    if len(url) > BUTTON_URL_LIMIT or line_error(url, BUTTON_URL_LIMIT) or " " in url:
        return f"has a button whose url is longer than {BUTTON_URL_LIMIT} characters or holds spaces"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "has a button whose url is none"
    if parts.scheme.lower() not in BUTTON_SCHEMES or not (parts.netloc or parts.path):
        return f"must have urls that begin with {', '.join(f'{one}://' for one in BUTTON_SCHEMES)}"
    if parts.scheme.lower() != "tg" and not _is_public_name(parts.hostname or ""):
        return "must have urls whose host has a dot, such as example.org: Telegram refuses others"
    return None


def _is_public_name(host: str) -> bool:
    """Whether it is more than one word, such as `localhost`, for which Telegram refuses the whole message."""
    return "." in host.strip(".") or ":" in host

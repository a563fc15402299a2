"""What texts from outside may hold; checked once, here, for both doors."""

import re

from djangobot.db.errors import FieldsInvalid

NAME_LIMIT = 100
LOGIN_LIMIT = 100
PASSWORD_LEAST = 8
"""NIST SP 800-63B, 3.1.1.2. Accounts older than this rule may have shorter ones, and sign in with them."""
PASSWORD_LIMIT = 256
TOKEN_NAME_LIMIT = 64

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL's text can't hold, and lone surrogates, which UTF-8 can't."""
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

IDEMPOTENCY_KEY = re.compile("[!-~]{1,255}")


def unstorable(text: str) -> str | None:
    """Why a text can't be kept or sent, or None."""
    if UNSTORABLE.search(text):
        return "must not contain NUL or lone surrogates"
    return None


def check(*, name: str | None = None, login: str | None = None, password: str | None = None) -> None:
    """Raises FieldsInvalid with every field that is wrong, by the API's names for them."""
    found = {
        "name": name is not None and _line(name, NAME_LIMIT),
        "login": login is not None and (_line(login, LOGIN_LIMIT) or _without_spaces(login)),
        "psw": password is not None
        and (_length(password, PASSWORD_LIMIT, PASSWORD_LEAST) or unstorable(password)),
    }
    details = {field: wrong for field, wrong in found.items() if isinstance(wrong, str)}
    if details:
        raise FieldsInvalid(details)


def check_token_name(name: str) -> None:
    """Raises FieldsInvalid."""
    wrong = _line(name, TOKEN_NAME_LIMIT)
    if wrong:
        raise FieldsInvalid({"name": wrong})


def check_idempotency_key(key: str) -> None:
    """Raises FieldsInvalid."""
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise FieldsInvalid({"Idempotency-Key": "must be 1 to 255 visible ASCII characters"})


def _line(text: str, limit: int) -> str | None:
    if not text.strip():
        return "must not be empty"
    if CONTROL.search(text):
        return "must not contain control characters or lone surrogates"
    return _length(text, limit)


def _length(text: str, limit: int, least: int = 1) -> str | None:
    if not least <= len(text) <= limit:
        return f"must have {least} to {limit} characters"
    return None


def _without_spaces(login: str) -> str | None:
    return "must not contain spaces" if re.search(r"\s", login) else None

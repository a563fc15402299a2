"""Where the bot token stands in a foreign program's request."""

import base64
import binascii
from collections.abc import Iterable

from litestar.types import Scope

from djangobot.db.credentials import looks_like_token, trimmed
from djangobot.http.auth import authorization
from djangobot.http.body.bodies import header_of
from djangobot.http.errors import unauthorized


def given_or_authorized(scope: Scope, given: str | None, missing: str) -> str:
    """The bot token that is given, or that of Authorization. Raises Refused with the sentence `missing` when
    there is none."""
    token = likeliest([trimmed(given)] if given else tokens_in(header_of(scope, b"authorization") or ""))
    if not token:
        raise unauthorized(missing)
    return token


def tokens_in(header: str) -> list[str]:
    """What may be a bot token in this value of Authorization: that of Bearer, or the password and the user of
    Basic."""
    scheme, given = authorization(header)
    match scheme:
        case "bearer":
            return [given]
        case "basic":
            user, _, password = of_base64(given).partition(":")
            return [trimmed(password), trimmed(user)]
    return []


def likeliest(candidates: Iterable[str]) -> str:
    """The first that looks like a bot token, or else the first that there is. Empty when there is none."""
    given = [one for one in candidates if one]
    return next((one for one in given if looks_like_token(one)), given[0] if given else "")


def of_base64(written: str) -> str:
    """The text in base64, of either alphabet, with or without its padding. Empty when there is none."""
    plain = written.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""

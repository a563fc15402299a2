"""Access tokens: a JWT (HS256) that says which account signed in, and with which version of its password."""

from datetime import datetime, timedelta

import jwt

from djangobot.db.clock import utc_now
from djangobot.db.errors import AccessDenied

LIFETIME = timedelta(days=1)
"""The original's: "срок жизни токена 1 день"."""

ALGORITHM = "HS256"

LEEWAY = timedelta(seconds=30)
"""How far the clock of the process that signed may be ahead of ours, or ours may have been set back since.
The expiry of a token has no leeway."""

LARGEST_ID = 2**63 - 1
"""The largest value of a database's BIGINT."""


class Signer:
    """Issues access tokens, and reads only those it issued."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def issue(self, account_id: int, token_version: int, now: datetime) -> str:
        claims = {"sub": str(account_id), "ver": token_version, "iat": now, "exp": now + LIFETIME}
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str) -> tuple[int, int]:
        """Returns (account id, token version). Raises AccessDenied for anything that is not a valid token of
        ours."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "sub", "ver"]},
            )
            account_id, token_version = int(claims["sub"]), claims["ver"]
            over = int(claims["exp"]) <= utc_now().timestamp()
        except (jwt.PyJWTError, ValueError, RecursionError) as exc:
            # RecursionError: the header is parsed before the signature is checked, and its nesting has no
            # limit.
            raise AccessDenied from exc
        if over or type(token_version) is not int or not 0 < account_id <= LARGEST_ID:
            raise AccessDenied
        return account_id, token_version

"""Passwords of accounts: how long they are, and how they are stored and compared."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from djangobot.db import credentials, fields

LEAST = 8
"""Characters. NIST SP 800-63B, 3.1.1.2. Accounts older than this rule may have shorter passwords, and can
still sign in with them."""
MOST = 256

# argon2-cffi's defaults: RFC 9106, second recommended option (64 MiB, 3 passes).
_hasher = PasswordHasher()


def error(password: str) -> str | None:
    """Why a password can't be chosen. None when it can."""
    return fields.length_error(password, MOST, LEAST) or fields.unstorable(password)


async def hashed(password: str) -> str:
    """Hashes with argon2id, in PHC format."""
    return await credentials.in_pool(_hasher.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is right. It takes the same time when there is no hash to compare with."""
    right = await credentials.in_pool(_verify, password, password_hash)
    return bool(right and password_hash)


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def _verify(password: str, password_hash: str | None) -> bool:
    nobody = _nobody()  # made at the first call, whoever it is about, so that its cost reveals nothing
    try:
        return _hasher.verify(password_hash or nobody, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False

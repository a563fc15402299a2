"""Random ids: by them Telegram recognises a message that is sent again. Each message of the outbox has one,
and each attempt uses it."""

from hashlib import sha256

import uuid_utils


def new_random_id() -> int:
    """64 random bits, signed, never 0. Of a UUID, for that asks the system only now and then; one half over
    the other, for each has bits that never change."""
    bits = uuid_utils.uuid4().int
    return ((bits >> 64) ^ (bits & 2**64 - 1)) - 2**63 or 1


def derived_id(*parts: object) -> int:
    """A random_id that is the same whenever `parts` are the same.

    So an update that is handled again after a crash is not answered twice.
    """
    digest = sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True) or 1

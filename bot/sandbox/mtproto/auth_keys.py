"""Auth keys and the server salts that belong to them."""

import hashlib
import time
from collections.abc import Callable, Iterator

import msgspec

from djangobot.bot.sandbox.mtproto import wire


class AuthKey(msgspec.Struct, kw_only=True):
    """An auth key and the user who is signed in with it."""

    key: bytes
    first_salt: int
    """The salt of the handshake."""
    made: float
    """Seconds since 1970."""
    user: int = 0
    """0: nobody is signed in."""
    dc: int = 0
    """The data centre that the client has made it with; 0 when it did not say."""
    imported: bool = False
    """Whether the user has signed in elsewhere, and only fetches files with this key: it gets no updates."""
    layer: int = 0
    """The layer of the last initConnection; 0 before the first one."""

    @property
    def id(self) -> bytes:
        """The eight bytes that name it in an envelope."""
        return wire.key_id(self.key)


class Salts:
    """Server salts: a new one every `lifetime` seconds.

    They are derived from the auth key and the time, so nothing is stored. The former salt is valid for one
    more period. The handshake's salt is valid for the first period.
    """

    def __init__(self, lifetime: float = 1800, clock: Callable[[], float] = time.time) -> None:
        # core.telegram.org/mtproto/description: the salt changes every 30 minutes.
        self.lifetime = lifetime
        self._clock = clock

    def current(self, key: AuthKey) -> int:
        """The salt that clients should use now."""
        return self._of(key, self._period())

    def accepted(self, key: AuthKey, salt: int) -> bool:
        """Whether a message with this salt is accepted."""
        period = self._period()
        if salt in (self._of(key, period), self._of(key, period - 1)):
            return True
        return salt == key.first_salt and self._clock() - key.made < self.lifetime

    def future(self, key: AuthKey, count: int) -> Iterator[tuple[int, int, int]]:
        """(valid since, valid until, salt) of the current salt and of those to come."""
        period = self._period()
        for number in range(period, period + count):
            since = number * self.lifetime
            yield int(since), int(since + 2 * self.lifetime), self._of(key, number)

    def _period(self) -> int:
        return int(self._clock() / self.lifetime)

    def _of(self, key: AuthKey, period: int) -> int:
        digest = hashlib.sha256(key.key + period.to_bytes(8, "little", signed=True)).digest()
        return int.from_bytes(digest[:8], "little", signed=True)

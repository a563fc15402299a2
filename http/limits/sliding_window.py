"""Counts events in a sliding window, for each key. A client can't make its memory grow without end: a key is
kept as a digest, and there are at most KEYS of them. The least recently used go first.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b

from cachetools import TTLCache

from djangobot.db.errors import TooManyRequests

Clock = Callable[[], float]

KEYS = 10_000
"""Keys a window remembers: at most 10 MB for each of the windows below, when every entry is full."""


class Window:
    """At most `limit` times in any `seconds`, per key."""

    def __init__(
        self, limit: int, seconds: float, *, keys: int = KEYS, clock: Clock = time.monotonic
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._counted: TTLCache[bytes, deque[float]] = TTLCache(keys, seconds, timer=clock)
        self._running: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._counted)

    def count(self, key: str) -> None:
        """Counts one for this key. Raises TooManyRequests when the window is full."""
        digest = self._digest(key)
        self._check(digest)
        self._add(digest)

    def reset(self, key: str) -> None:
        """Removes everything that was counted for this key."""
        self._counted.pop(self._digest(key), None)

    @contextmanager
    def count_failures(
        self, failure: type[Exception] | tuple[type[Exception], ...], key: str
    ) -> Iterator[None]:
        """Counts an attempt only when it ends in `failure`."""
        digest = self._digest(key)
        with self._run(digest):
            try:
                yield
            except failure:
                self._add(digest)
                raise

    @contextmanager
    def count_successes(self, key: str) -> Iterator[None]:
        """Counts an attempt only when it succeeds."""
        digest = self._digest(key)
        with self._run(digest):
            yield
            self._add(digest)

    @contextmanager
    def _run(self, digest: bytes) -> Iterator[None]:
        """Running attempts count too. So many at once can't pass before the first has failed."""
        self._check(digest)
        self._running[digest] = self._running.get(digest, 0) + 1
        try:
            yield
        finally:
            self._running[digest] -= 1
            if not self._running[digest]:
                del self._running[digest]

    def _check(self, digest: bytes) -> None:
        now = self._clock()
        counted = self._counted.get(digest, deque())
        while counted and counted[0] <= now - self.seconds:
            counted.popleft()
        if len(counted) >= self.limit:
            raise TooManyRequests(counted[0] + self.seconds - now)
        if len(counted) + self._running.get(digest, 0) >= self.limit:
            raise TooManyRequests

    def _add(self, digest: bytes) -> None:
        counted = self._counted.get(digest, deque())
        counted.append(self._clock())
        self._counted[digest] = counted  # the key lives for another `seconds`

    def _digest(self, key: str) -> bytes:
        """The digest is short whatever was sent, and a client can't predict it."""
        return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16, key=self._salt).digest()

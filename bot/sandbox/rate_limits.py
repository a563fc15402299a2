"""Telegram's sending rates, for `--strict-limits`.

The exact limits are not published. core.telegram.org/bots/faq names one message a second in a chat, where
"short bursts" pass, and about 30 a second in all. The length of a burst (5) is our own choice.
"""

import math
import time
from collections.abc import Callable


class Bucket:
    """A token bucket."""

    __slots__ = ("_at", "_left")

    def __init__(self, now: float, burst: float) -> None:
        self._at = now
        self._left = burst

    def wait(self, now: float, rate: float, burst: float) -> float:
        """Seconds until one more is allowed; 0 means now."""
        self._left = min(burst, self._left + (now - self._at) * rate)
        self._at = now
        return 0.0 if self._left >= 1 else (1 - self._left) / rate

    def use(self, count: int) -> None:
        """Uses some; more than are left are a debt."""
        self._left -= count


class RateLimits:
    """A bot's sending rates; off unless `strict`."""

    def __init__(
        self,
        strict: bool,
        *,
        total: float = 30,
        per_chat: float = 1,
        burst: float = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.strict = strict
        self._total = total
        self._per_chat = per_chat
        self._burst = burst
        self._clock = clock
        self._bots: dict[int, Bucket] = {}
        self._chats: dict[tuple[int, int], Bucket] = {}

    def check(self, bot: int, chat: int, count: int = 1) -> tuple[str, int] | None:
        """Counts a message, or an album of `count`. When it is one too many: the limit that it broke, and the
        whole seconds to wait."""
        if not self.strict:
            return None
        now = self._clock()
        total = self._bots.setdefault(bot, Bucket(now, self._total))
        per_chat = self._chats.setdefault((bot, chat), Bucket(now, self._burst))
        wait_chat = per_chat.wait(now, self._per_chat, self._burst)
        wait_all = total.wait(now, self._total, self._total)
        if wait_chat or wait_all:
            return ("per_chat" if wait_chat >= wait_all else "total"), max(
                1, math.ceil(max(wait_chat, wait_all))
            )
        total.use(count)
        per_chat.use(count)
        return None

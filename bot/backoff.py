"""Back-off: how long to wait before the next attempt at something that failed.

The longest possible pause doubles with each attempt, up to a cap. The pause is random, at least half of that
("equal jitter" in the AWS Architecture Blog, "Exponential Backoff And Jitter", 2015). So many clients that
lost the same server do not return together, and none returns at once. The first pause and the cap are our own
choice: a short failure costs half a second, and the end of a long one is noticed within a minute.
"""

import random

FIRST = 0.5
"""Seconds of the first pause, at most."""
MOST = 60.0
"""Seconds of the longest pause."""
DOUBLINGS = 32
"""More doublings than any cap needs. They keep the figures small."""


def pause(attempts: int, first: float = FIRST, most: float = MOST) -> float:
    """Seconds to wait after this many failed attempts, one or more."""
    longest = min(first * 2 ** min(attempts - 1, DOUBLINGS), most)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, no secret


class Backoff:
    """The pauses between attempts at one thing, each longer than the one before until `reset`."""

    def __init__(self, first: float = FIRST, most: float = MOST) -> None:
        self.first = first
        self.most = most
        self.failures = 0

    def next_pause(self) -> float:
        """Seconds to wait now, after one more failure."""
        self.failures += 1
        return pause(self.failures, self.first, self.most)

    def reset(self) -> None:
        """Begins again with the first pause, after a success."""
        self.failures = 0

"""Whether time grows with the length of a text, and no faster: compared within one run."""

import time
from collections.abc import Callable

SHORT = 2 * 1024
TIMES = 8
GROWTH_LIMIT = 3.0
"""How much longer a character may take in a text of eight times the length. With the square it would be 8."""
NOISE = 0.004
"""Seconds below which a time says nothing."""


def of_length(make: Callable[[int], str], length: int) -> str:
    count = 1
    while len(make(count)) < length:
        count *= 2
    return make(count)[:length]


def growth(run: Callable[[str], object], make: Callable[[int], str], least: int = SHORT) -> float:
    """How much longer a character takes in the long text; the processor's time, the least of three tries."""
    short, long = of_length(make, least), of_length(make, least * TIMES)
    found = float("inf")
    for _ in range(3):
        times = []
        for source in (short, long):
            start = time.process_time()
            run(source)
            times.append(max(time.process_time() - start, NOISE))
        found = min(found, times[1] / times[0] / TIMES)
        if found <= GROWTH_LIMIT:
            break
    return found

"""ntfy's delays: a Unix time, a duration, or a time as people say it."""

import re
from datetime import datetime

LONGEST = 64
"""Characters of a delay that are looked at."""
DIGITS = re.compile(r"[0-9]{1,19}")
ONE_UNIT = re.compile(r"([0-9]{1,19})\s*(d|days?|h|hours?|m|mins?|minutes?|s|secs?|seconds?)", re.IGNORECASE)
DURATION = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|[-+]?0", re.ASCII)
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
"""Go's way to write a duration, such as 1h30m."""
SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400,
}  # fmt: skip
SPOKEN = re.compile(r"[\w\s:,./+-]*[A-Za-z:/-][\w\s:,./+-]*", re.ASCII)
"""A number alone is no time of the day."""


def is_spoken(written: str) -> bool:
    """Whether this is a time as people say it, whose meaning depends on the time zone."""
    return _in_seconds(written) is None and DIGITS.fullmatch(written.strip()) is None


def seconds_until(written: str, now: datetime) -> float | None:
    """The seconds from now until then. None when nobody can tell. `now` is in the time zone in which a time
    of the day is meant."""
    written = written.strip()
    if DIGITS.fullmatch(written):
        ahead = int(written) - now.timestamp()
        return ahead if ahead >= 0 else None
    found = _in_seconds(written)
    return _spoken(written, now) if found is None else found


def _in_seconds(written: str) -> float | None:
    written = written.strip()[:LONGEST]
    if DURATION.fullmatch(written):
        total = sum(float(number) * SECONDS[unit] for number, unit in PART.findall(written))
        return -total if written.startswith("-") else total
    if found := ONE_UNIT.fullmatch(written):
        return int(found[1]) * float(SECONDS[found[2][0].lower()])
    return None


def _spoken(written: str, now: datetime) -> float | None:
    if len(written) > LONGEST or not SPOKEN.fullmatch(written):
        return None
    from dateparser import parse  # takes a quarter of a second and 25 MB: only who needs it pays

    local = now.replace(tzinfo=None)
    settings = {"RELATIVE_BASE": local, "PREFER_DATES_FROM": "future"}
    try:
        found = parse(written, languages=["en"], settings=settings)
    except (ValueError, OverflowError):
        return None
    if found is None:
        return None
    then = found if found.tzinfo else found.replace(tzinfo=now.tzinfo)
    ahead = then.timestamp() - now.timestamp()
    return ahead if ahead > 0 else None

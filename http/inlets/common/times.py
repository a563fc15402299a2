"""Times as foreign programs write them, and stretches of time as people read them."""

import re
from datetime import UTC, datetime, timedelta

_WRITTEN = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?\s?(Z|UTC|[+-]\d\d:?\d\d)?(?: .*)?", re.ASCII
)
_NEVER = datetime(1970, 1, 2, tzinfo=UTC)
"""Go writes the year 1 for a time that is not set."""


def read_time(written: object) -> datetime | None:
    """The moment that this text names, in UTC if it has no offset. None for everything else."""
    found = _WRITTEN.fullmatch(written.strip()) if isinstance(written, str) and len(written) < 80 else None
    if found is None:
        return None
    day, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in (None, "Z", "UTC") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(fraction or '.0')[:7]:0<7}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment > _NEVER else None


def lasted(time: timedelta) -> str:
    """A stretch of time in two units: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = max(0, round(time.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return _two(days, "d", hours % 24, "h")
    if hours:
        return _two(hours, "h", minutes % 60, "min")
    return f"{minutes} min" if minutes else f"{seconds} s"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")

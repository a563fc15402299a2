"""The clock: the one place that asks what time it is. Rules get the time as a value, so that tests can pass
their own."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, with its time zone."""
    return datetime.now(UTC)

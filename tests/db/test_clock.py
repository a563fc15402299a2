"""The clock."""

from datetime import timedelta

from djangobot.db.clock import utc_now


def test_the_time_carries_its_zone() -> None:
    """A time without one could not be compared with those from the database."""
    assert utc_now().utcoffset() == timedelta(0)

"""The picture of the last day."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from djangobot.bot.handlers.admin.status import next_hour


@pytest.mark.parametrize("offset", [0, 180, 330, 345, -210])
def test_the_hours_drawn_are_full_ones_on_the_persons_clock(offset: int) -> None:
    """Also where clocks are half an hour off; the one that is running is the last."""
    zone = timezone(timedelta(minutes=offset))
    for minute in (0, 1, 29, 59):
        now = datetime(2026, 11, 23, 5, minute, 7, 9, tzinfo=UTC)
        ends = next_hour(now.astimezone(zone))
        assert (ends.astimezone(zone).minute, ends.second, ends.microsecond) == (0, 0, 0)
        assert timedelta() < ends - now <= timedelta(hours=1)

"""Quiet hours on a person's own clock, whatever that clock does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from djangobot.db.people.chat_settings import ChatSettings

from ..conftest import MINUTE


def at(written: str, zone: str) -> datetime:
    """Wall clock of a zone as a moment."""
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-23T22:59:59", None),
        ("2026-11-23T23:00:00", "2026-11-24T08:00"),
        ("2026-11-24T00:00:00", "2026-11-24T08:00"),
        ("2026-11-24T07:59:59", "2026-11-24T08:00"),
        ("2026-11-24T08:00:00", None),
    ],
)
def test_quiet_hours_go_over_midnight(now: str, end: str | None) -> None:
    """They begin with their first second and are over with their last."""
    settings = ChatSettings(zone="Europe/Berlin", quiet_from="23:00", quiet_to="08:00")
    expected = at(end, "Europe/Berlin") if end else None
    assert settings.quiet_until(at(now, "Europe/Berlin").astimezone(UTC)) == expected


def test_quiet_hours_of_one_day() -> None:
    """A nap after lunch."""
    settings = ChatSettings(zone="UTC+03:00", quiet_from="13:00", quiet_to="14:30")
    day = datetime(2026, 11, 23, tzinfo=UTC)
    assert settings.quiet_until(day.replace(hour=9, minute=59)) is None
    assert settings.quiet_until(day.replace(hour=10)) == day.replace(hour=11, minute=30)
    assert settings.quiet_until(day.replace(hour=11, minute=30)) is None


@pytest.mark.parametrize(
    ("night", "hours"),
    [("2026-03-28T23:00", 8), ("2026-10-24T23:00", 10), ("2026-10-25T23:00", 9)],
)
def test_quiet_hours_end_on_the_wall_whatever_the_clocks_do(night: str, hours: int) -> None:
    """Eight hours in spring, ten in autumn, nine else: it is eight in the morning."""
    settings = ChatSettings(zone="Europe/Berlin", quiet_from="23:00", quiet_to="08:00")
    begins = at(night, "Europe/Berlin").astimezone(UTC)
    assert settings.quiet_until(begins) == begins + timedelta(hours=hours)


def test_an_hour_that_comes_twice_is_quiet_both_times() -> None:
    """Quiet from 02:30 to 02:45 of the night in which 02:30 comes twice: from the first to the second."""
    settings = ChatSettings(zone="Europe/Berlin", quiet_from="02:30", quiet_to="02:45")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    end = first + timedelta(minutes=75)
    assert settings.quiet_until(first) == end
    assert settings.quiet_until(end - MINUTE) == end
    assert settings.quiet_until(end) is None


def test_an_hour_that_never_comes_is_quiet_after_the_jump() -> None:
    """Quiet from 02:10 to 02:50 of the night in which 03:00 follows 01:59: from 03:10 to 03:50."""
    settings = ChatSettings(zone="Europe/Berlin", quiet_from="02:10", quiet_to="02:50")
    jump = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    quiet = [minute for minute in range(-120, 120) if settings.quiet_until(jump + minute * MINUTE)]
    assert quiet == list(range(10, 50))

"""ntfy's delays: Unix times, durations, and times as people say them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.http.inlets.ntfy.delays import LONGEST, is_spoken, seconds_until

NOW = datetime(2021, 12, 10, 10, 17, 23, tzinfo=UTC)
"""A Friday."""
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30m", 1800), ("30min", 1800), ("3h", 10_800), ("1 day", 86_400), ("2 days", 172_800), ("10s", 10),
        ("5 Minutes", 300), ("1h30m", 5400), ("1.5h", 5400), ("100ms", 0.1), ("-5m", -300), (" 2d ", 172_800),
    ],
)  # fmt: skip
def test_a_duration_counts_from_now(written: str, seconds: float) -> None:
    """In ntfy's form and in that of Go."""
    assert seconds_until(written, NOW) == pytest.approx(seconds)
    assert not is_spoken(written)


def test_a_unix_time_is_a_time() -> None:
    """One that is past is none, as for ntfy."""
    ahead = timedelta(hours=14)
    assert seconds_until(str(int((NOW + ahead).timestamp())), NOW) == ahead.total_seconds()
    assert seconds_until("1600000000", NOW) is None
    assert not is_spoken("1639194738")


@pytest.mark.parametrize(
    ("written", "then"),
    [
        ("11am", datetime(2021, 12, 10, 11)),
        ("9am", datetime(2021, 12, 11, 9)),
        ("8:30pm", datetime(2021, 12, 10, 20, 30)),
        ("tomorrow, 3pm", datetime(2021, 12, 11, 15)),
        ("Tuesday, 7am", datetime(2021, 12, 14, 7)),
        ("Monday, 10:30pm", datetime(2021, 12, 13, 22, 30)),
        ("in 5 minutes", datetime(2021, 12, 10, 10, 22, 23)),
        ("2021-12-24 18:00", datetime(2021, 12, 24, 18)),
    ],
)
@pytest.mark.parametrize("zone", [UTC, BERLIN])
def test_a_time_as_people_say_it_is_meant_in_their_time_zone(
    written: str, then: datetime, zone: ZoneInfo
) -> None:
    """It lies ahead."""
    local = NOW.replace(tzinfo=zone)
    assert is_spoken(written)
    assert seconds_until(written, local) == (then.replace(tzinfo=zone) - local).total_seconds()


def test_the_clock_is_put_forward_in_between() -> None:
    """Ten in the morning is ten in the morning."""
    evening = datetime(2026, 3, 28, 22, tzinfo=BERLIN)
    assert seconds_until("tomorrow, 10am", evening) == 11 * 3600


@pytest.mark.parametrize(
    "written",
    ["INVALID", "yesterday", "3 days ago", "5", "99", "", "x" * LONGEST, "10am " * 100, "٣h", "⏰", "d" * 9],
)
def test_what_is_no_time_ahead_is_none(written: str) -> None:
    """Also what is past, and numbers without a unit."""
    assert seconds_until(written, NOW) is None


@given(st.text(max_size=70) | st.text(alphabet="0123456789dhms.:apm tomrow,-/+", max_size=70))
def test_any_text_is_a_number_of_seconds_or_none(written: str) -> None:
    """Nothing is raised."""
    found = seconds_until(written, NOW)
    assert found is None or isinstance(found, float)

"""Time zones as people name them."""

import pytest

from djangobot.bot import zones


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("Москва", "Europe/Moscow"),
        ("moscow", "Europe/Moscow"),
        (" Санкт-Петербург ", "Europe/Moscow"),
        ("Нижний Новгород", "Europe/Moscow"),
        ("New York", "America/New_York"),
        ("нью-йорк", "America/New_York"),
        ("Екатеринбург", "Asia/Yekaterinburg"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("+3", "UTC+03:00"),
        ("utc-5", "UTC-05:00"),
        ("GMT +5:30", "UTC+05:30"),
        ("−4", "UTC-04:00"),
        ("UTC", "UTC"),
        ("+15", ""),
        ("+3:75", ""),
        ("Атлантида", ""),
        ("", ""),
        ("../../etc/passwd", ""),
    ],
)
def test_a_zone_is_found_by_city_or_offset(written: str, zone: str) -> None:
    """In English and Russian, however it is written; nothing is guessed."""
    assert zones.find(written) == zone

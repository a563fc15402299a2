"""Time zones as people name them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from djangobot.bot.rendering import timezones
from djangobot.db.people import chat_settings


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
        ("São Paulo", "America/Sao_Paulo"),
        ("Zürich", "Europe/Zurich"),
        ("Bogotá", "America/Bogota"),
        ("СПб", "Europe/Moscow"),
        ("Мск", "Europe/Moscow"),
        ("Тель-Авив", "Asia/Jerusalem"),
        ("Йошкар-Ола", "Europe/Moscow"),
        ("Кёльн", "Europe/Berlin"),
        ("CET", "CET"),
        ("israel", "Israel"),
        ("EST5EDT", "EST5EDT"),
        ("Etc/UTC", "UTC"),
        ("Etc/GMT+3", "Etc/GMT+3"),
        ("+14", "UTC+14:00"),
        ("-12", "UTC-12:00"),
        ("-13", ""),
        ("UTC-14", ""),
        ("-12:30", ""),
        ("+14:30", ""),
        ("+15", ""),
        ("+3:75", ""),
        ("Атлантида", ""),
        ("", ""),
        ("../../etc/passwd", ""),
    ],
)
def test_a_zone_is_found_by_city_or_offset(written: str, zone: str) -> None:
    """In English and Russian, however it is written; nothing is guessed."""
    assert timezones.find(written) == zone


def test_every_name_of_the_database_is_known() -> None:
    """What is UTC by another name is UTC."""
    for zone in available_timezones() - {"Factory", "localtime"}:
        there = datetime(2026, 7, 1, tzinfo=UTC).astimezone(chat_settings.zone_named(timezones.find(zone)))
        assert there.utcoffset() == datetime(2026, 7, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset(), (
            zone
        )


@pytest.mark.parametrize(
    ("language", "zone", "city"),
    [
        ("ru", "Europe/Moscow", "Москва"),
        ("en", "Europe/Moscow", "Moscow"),
        ("ru", "Europe/Kyiv", "Киев"),
        ("ru", "Asia/Kolkata", "Калькутта"),
        ("ru", "UTC+03:00", "UTC+03:00"),
        ("ru", "CET", "CET"),
        ("en", "America/Argentina/Buenos_Aires", "Buenos Aires"),
        ("ru", "", ""),
    ],
)
def test_a_zone_is_shown_by_its_city(language: str, zone: str, city: str) -> None:
    """As people call it in their language."""
    assert timezones.shown(language, zone) == city

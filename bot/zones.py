"""Time zones, as people name them: by a city, in English or Russian, or by an offset from UTC."""

import re
from functools import cache
from zoneinfo import available_timezones

from babel import Locale

OFFSET = re.compile(r"(?:(?:UTC|GMT)\s*)?([+\-−–])\s*(\d{1,2})(?::?(\d\d))?", re.IGNORECASE)
FARTHEST = 14
"""Hours from UTC, east (Kiribati); in the west it is 12."""
NEAR = {
    "Europe/Moscow": "санкт-петербург петербург питер spb saint-petersburg st-petersburg казань kazan"
    " сочи sochi нижний-новгород nizhny-novgorod воронеж voronezh ростов-на-дону rostov-on-don ростов"
    " краснодар krasnodar мск msk",
    "Asia/Yekaterinburg": "екб пермь perm челябинск chelyabinsk уфа ufa тюмень tyumen",
    "Europe/Minsk": "гомель gomel брест витебск гродно",
    "Asia/Kolkata": "мумбаи mumbai delhi дели new-delhi bangalore bengaluru",
    "Asia/Shanghai": "beijing пекин shenzhen",
    "America/Los_Angeles": "san-francisco сан-франциско seattle сиэтл",
    "America/New_York": "boston бостон washington вашингтон miami майами nyc",
    "Europe/Berlin": "munich münchen мюнхен hamburg гамбург cologne köln frankfurt франкфурт",
    "Europe/Rome": "milan милан",
    "Europe/Madrid": "barcelona барселона",
}
"""Large cities that have no zone of their own in the IANA database."""


def find(written: str) -> str:
    """The zone meant: a name of the IANA database, `UTC+05:30`, or nothing when nobody can tell."""
    words = written.strip()
    if words.upper() in ("UTC", "GMT"):
        return "UTC"
    if offset := OFFSET.fullmatch(words):
        return _of_offset(offset[1], int(offset[2]), int(offset[3] or 0))
    return _cities().get(_plain(words), "")


def _of_offset(sign: str, hours: int, minutes: int) -> str:
    if hours > FARTHEST or minutes > 59:
        return ""
    return f"UTC{'+' if sign == '+' else '-'}{hours:02}:{minutes:02}"


@cache
def _cities() -> dict[str, str]:
    """Zones by their cities' names, and by their own."""
    found: dict[str, str] = {}
    zones = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    for zone in zones:
        found[_plain(zone)] = zone
        found[_plain(zone.rpartition("/")[2])] = zone
    for language in ("en", "ru"):
        for zone, names in Locale(language).time_zones.items():
            if "city" in names and zone in zones:
                found[_plain(names["city"])] = zone
    for zone, names in NEAR.items():
        found.update((_plain(name), zone) for name in names.split())
    return found


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[_\-.,]", " ", name.lower().replace("ё", "е")).split())

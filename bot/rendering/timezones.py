"""Time zones as people name them: by a city, in English or Russian, or by an offset from UTC."""

import re
from functools import cache
from unicodedata import combining, normalize
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global

from djangobot.db.people.chat_settings import LANGUAGES

OFFSET = re.compile(r"(?:(?:UTC|GMT)\s*)?([+\-−–])\s*(\d{1,2})(?::?(\d\d))?", re.IGNORECASE)
NEAR = {
    "Europe/Moscow": "санкт-петербург петербург питер спб спбург spb saint-petersburg st-petersburg"
    " казань kazan сочи sochi нижний-новгород нижний нн nizhny-novgorod воронеж voronezh ростов-на-дону"
    " rostov-on-don ростов рнд краснодар krasnodar мск msk москва moskva тула ярославль yaroslavl рязань"
    " тверь пенза липецк курск белгород брянск иваново владимир калуга смоленск орел тамбов вологда череповец"
    " мурманск murmansk архангельск петрозаводск псков новгород великий-новгород чебоксары йошкар-ола саранск"
    " махачкала грозный владикавказ ставрополь новороссийск",
    "Europe/Kaliningrad": "кенигсберг клд",
    "Europe/Samara": "тольятти ижевск",
    "Asia/Yekaterinburg": "екб ебург екат пермь perm челябинск chelyabinsk чел уфа ufa тюмень tyumen оренбург"
    " магнитогорск сургут нижневартовск курган ханты-мансийск екатеринбург ekaterinburg",
    "Asia/Novosibirsk": "нск новосиб novosib",
    "Asia/Krasnoyarsk": "крск абакан норильск",
    "Asia/Novokuznetsk": "кемерово",
    "Asia/Irkutsk": "улан-удэ братск",
    "Asia/Yakutsk": "благовещенск",
    "Asia/Vladivostok": "владик хабаровск khabarovsk находка уссурийск",
    "Asia/Kamchatka": "петропавловск-камчатский",
    "Europe/Minsk": "гомель gomel брест витебск гродно могилев",
    "Europe/Kyiv": "киев kiev харьков kharkiv одесса odesa odessa львов lviv днепр dnipro запорожье",
    "Asia/Almaty": "алма-ата алматы astana астана нур-султан шымкент караганда",
    "Asia/Tbilisi": "батуми batumi",
    "Asia/Jerusalem": "тель-авив tel-aviv tel-aviv-yafo хайфа haifa иерусалим",
    "Asia/Dubai": "абу-даби abu-dhabi",
    "Asia/Bangkok": "пхукет phuket паттайя pattaya",
    "Asia/Ho_Chi_Minh": "нячанг hanoi ханой хошимин сайгон",
    "Asia/Makassar": "бали bali денпасар denpasar",
    "Asia/Kolkata": "мумбаи mumbai delhi дели new-delhi bangalore bengaluru гоа goa",
    "Asia/Shanghai": "beijing пекин shenzhen шэньчжэнь гуанчжоу guangzhou",
    "Asia/Tokyo": "osaka осака киото kyoto",
    "Europe/Istanbul": "анталья antalya анкара ankara измир izmir",
    "America/Los_Angeles": "san-francisco сан-франциско sf la лос-анджелес seattle сиэтл san-diego las-vegas",
    "America/New_York": "nyc boston бостон washington вашингтон miami майами philadelphia atlanta нью-йорк",
    "America/Chicago": "houston dallas austin хьюстон даллас",
    "America/Argentina/Buenos_Aires": "буэнос-айрес",
    "America/Sao_Paulo": "rio rio-de-janeiro рио рио-де-жанейро сан-паулу brasilia бразилиа",
    "America/Toronto": "ottawa оттава montreal монреаль quebec",
    "Europe/Berlin": "munich munchen muenchen мюнхен hamburg гамбург cologne koln koeln кельн frankfurt"
    " франкфурт dusseldorf дюссельдорф stuttgart штутгарт leipzig dresden дрезден",
    "Europe/London": "manchester манчестер edinburgh эдинбург",
    "Europe/Rome": "milan milano милан флоренция florence неаполь naples",
    "Europe/Madrid": "barcelona барселона valencia валенсия малага malaga аликанте alicante",
    "Europe/Warsaw": "krakow краков wroclaw вроцлав gdansk гданьск",
    "Europe/Zurich": "geneva geneve женева basel bern берн",
    "Europe/Lisbon": "porto порту",
    "Europe/Belgrade": "нови-сад novi-sad",
    "Australia/Sydney": "canberra канберра",
}
"""Large cities without a zone of their own in the IANA database, and common names of those with one."""
ALIKE = str.maketrans({"\0": "й", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe"})
"""Letters without an accent that could be removed, and й, which is a letter of its own."""
EAST_MOST, WEST_MOST = 14 * 60, 12 * 60
"""Minutes from UTC: Kiribati in the east, Baker Island in the west."""


def find(written: str) -> str:
    """Finds the zone: a name of the IANA database or `UTC+05:30`. Returns an empty string when it finds
    none."""
    words = written.strip()
    if offset := OFFSET.fullmatch(words):
        return _of_offset(offset[1], int(offset[2]), int(offset[3] or 0))
    return _known().get(_plain(words), "")


def shown(language: str, zone: str) -> str:
    """The zone's name in that language: its city if there is one, otherwise its own name."""
    if "/" not in zone and (len(zone) <= 4 or not zone.isalpha()):  # CET, EST5EDT, UTC+03:00
        return zone
    cities = _cities(language)
    place, _, city = zone.rpartition("/")
    return cities.get(zone) or (city.replace("_", " ") if place and place != "Etc" else zone)


@cache
def _cities(language: str) -> dict[str, str]:
    """The city of each zone, under every name that the zone has or had."""
    cities = {
        zone: str(names["city"]) for zone, names in Locale(language).time_zones.items() if "city" in names
    }
    links = get_global("zone_aliases")
    for old, new in links.items():
        if new not in cities and old in cities:
            cities[new] = cities[old]
    for old, new in links.items():
        if old not in cities and new in cities:
            cities[old] = cities[new]
    return cities


def _of_offset(sign: str, hours: int, minutes: int) -> str:
    east, far = sign == "+", hours * 60 + minutes
    if minutes > 59 or far > (EAST_MOST if east else WEST_MOST):
        return ""
    return f"UTC{'+' if east else '-'}{hours:02}:{minutes:02}"


@cache
def _known() -> dict[str, str]:
    """Zones by the names of their cities and by their own names, past names included."""
    zones = sorted(available_timezones() - {"Factory", "localtime"})
    found: dict[str, str] = {}
    for zone in zones:
        if "/" in zone and not zone.startswith(("Etc/", "US/", "Canada/", "posix/", "right/")):
            found[_plain(zone.rpartition("/")[2])] = zone
    for language in LANGUAGES:
        for zone, names in Locale(language).time_zones.items():
            if "city" in names and zone in zones:
                found[_plain(names["city"])] = zone
    for zone, cities in NEAR.items():
        found.update((_plain(city), zone) for city in cities.split())
    found.update((_plain(zone), zone) for zone in zones)
    found.update(dict.fromkeys(map(_plain, ("UTC", "GMT", "Etc/UTC", "Etc/GMT", "UCT", "Zulu")), "UTC"))
    return found


def _plain(name: str) -> str:
    """The name without case and accents. Signs between words count as spaces."""
    letters = "".join(
        letter for letter in normalize("NFD", name.casefold().replace("й", "\0")) if not combining(letter)
    )
    return " ".join(re.sub(r"[_\-‐‑–.,’'ʼ`]", " ", letters.translate(ALIKE)).split())

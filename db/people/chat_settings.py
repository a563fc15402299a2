"""Chat settings: a person's choices. `chat.settings` holds those that differ from the default, as JSON."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from djangobot.db.people import quiet_hours

UNCHANGED = "{}"
"""The column's value for a person who never changed anything, which is nearly everybody."""
OFFSET = re.compile(r"UTC([+-])(\d\d):(\d\d)")
QuietMode = Literal["silent", "digest"]
Language = Literal["en", "ru"]
"""The languages in which we write. Each has a file in bot/locales/."""
LANGUAGES: tuple[Language, ...] = get_args(Language)
_BY_TAG: dict[str, Language] = {language: language for language in LANGUAGES}


class ChatSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """`language` overrides Telegram's. `zone`: a name of the IANA database or `UTC+05:30`; none until we have
    asked. `quiet_from` and `quiet_to`: `23:00`, both or none. `news`: whether we may send news of our own.
    `keep`: for how many days their history is kept; 0 for as long as the service keeps it."""

    language: str = ""
    zone: str = ""
    quiet_from: str = ""
    quiet_to: str = ""
    quiet_mode: QuietMode = "silent"
    news: bool = True
    keep: int = 0

    @property
    def clock(self) -> tzinfo:
        """The time zone of this person."""
        return zone_named(self.zone)

    def quiet_until(self, now: datetime) -> datetime | None:
        """The end of the quiet hours that `now` lies in; None outside of them."""
        if not self.quiet_from or not self.quiet_to:
            return None
        return quiet_hours.end(self.quiet_from, self.quiet_to, self.clock, now)


DEFAULT = ChatSettings()


def language_of(tag: str | None) -> Language:
    """Our language for an IETF tag. English when we do not have theirs."""
    short = (tag or "").partition("-")[0].lower()
    return _BY_TAG.get(short, "en")


@lru_cache(maxsize=4096)
def read(settings: str) -> ChatSettings:
    """Reads the column. Settings written by an older or a newer version are read as far as they are known."""
    if settings == UNCHANGED:
        return DEFAULT
    try:
        return msgspec.json.decode(settings, type=ChatSettings)
    except msgspec.DecodeError:
        return DEFAULT


def written(settings: ChatSettings) -> str:
    """The value for the column."""
    return msgspec.json.encode(settings).decode()


@lru_cache(maxsize=1024)
def zone_named(name: str) -> tzinfo:
    """The time zone of this name. UTC for none, and for one that this machine does not know."""
    if found := OFFSET.fullmatch(name):
        sign = -1 if found[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(found[2]), minutes=int(found[3])), name)
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC

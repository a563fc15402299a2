"""Humanize: times, sizes, codes, names and long texts as people read them."""

from datetime import date, datetime
from itertools import takewhile

from djangobot.bot.rendering.replies import say
from djangobot.db.fields import one_direction
from djangobot.db.messages.rich_text.characters import cluster_pattern
from djangobot.db.people.guesses import CODE_LENGTH

BUTTON_LENGTH = 40
"""Characters of a name on a button; more do not fit on a phone."""
MIB = 1 << 20
REASONS = {
    "dropped": "reason-dropped",
    "token revoked": "reason-token-revoked",
    "account banned": "reason-account-banned",
    "forgotten": "reason-forgotten",
    "broadcast canceled": "reason-broadcast-canceled",
    "skipped": "reason-skipped",
}
"""Reasons that db/ gives; all others are Telegram's."""


def shown_time(moment: datetime | None) -> str:
    """The time as `23.11.2026 05:14`, or `never` for None."""
    return moment.strftime("%d.%m.%Y %H:%M") if moment else "never"


def shown_day(day: date) -> str:
    """The day as `23.11.2026`."""
    return day.strftime("%d.%m.%Y")


def shown_age(language: str, moment: datetime | None, now: datetime) -> str:
    """How long ago it was, in words: `5 minutes ago`."""
    if moment is None:
        return say(language, "age-never")
    minutes = max(0, int((now - moment).total_seconds())) // 60
    if not minutes:
        return say(language, "age-now")
    if minutes < 60:
        return say(language, "age-minutes", count=minutes)
    hours = minutes // 60
    return (
        say(language, "age-hours", count=hours)
        if hours < 24
        else say(language, "age-days", count=hours // 24)
    )


def shown_status(language: str, status: str) -> str:
    """The status of messages, in words."""
    return say(language, "message-status", status=status)


def shown_reason(language: str, failure: str) -> str:
    """Why a message was not delivered. Our own reasons are in words, Telegram's as they are."""
    return say(language, REASONS[failure]) if failure in REASONS else failure


def shown_size(language: str, size: int) -> str:
    """A size in MiB, with a decimal comma where that is usual."""
    shown = f"{size / MIB:.1f}"
    return say(language, "size-mib", size=shown.replace(".", ",") if language == "ru" else shown)


def shown_file_size(language: str, size: int) -> str:
    """The size of a file: `812 B`, `34 kB`, `1.2 MB`."""
    if size < 1000:
        return say(language, "size-b", size=str(size))
    if size < 999_500:
        return say(language, "size-kb", size=f"{size / 1000:.0f}")
    shown = f"{size / 1_000_000:.1f}"
    return say(language, "size-mb", size=shown.replace(".", ",") if language == "ru" else shown)


def shown_code(code: str) -> str:
    """A code's digits in groups: ten as in a telephone number, twenty as on a bank card."""
    if len(code) > CODE_LENGTH:  # groups of four
        return " ".join(code[at : at + 4] for at in range(0, len(code), 4))
    return f"{code[:3]} {code[3:6]} {code[6:]}"


def shortened(text: str, length: int) -> str:
    """The text on one line, in one direction, cut at `length` characters. It is never cut within what a
    person sees as one character."""
    line = " ".join(one_direction(text).split())
    if len(line) <= length:
        return line
    ends = takewhile(
        lambda end: end < length, (cluster.end() for cluster in cluster_pattern().finditer(line))
    )
    return line[: max(ends, default=length - 1)].rstrip() + "…"


def whose(account: str | None, token: str) -> str:
    """The name of a token: its account, if there is one, and its own name if it has one."""
    return token if account in (None, "", token) else f"{account} · {token}"

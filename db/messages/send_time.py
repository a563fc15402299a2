"""When a message is to be sent, if not at once: what a sender may write, and its bounds."""

import re
from datetime import UTC, datetime, timedelta

from djangobot.db.errors import FieldsInvalid

AHEAD_MOST = timedelta(days=366)
DELAY_MOST = 366 * 24 * 60 * 60
"""Seconds."""
PAST_MOST = timedelta(minutes=1)
"""A time that is past by no more than this means now: clocks differ, and a request takes its time."""
EXAMPLE = "2026-12-31T09:00:00+01:00"
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
"""RFC 3339, 5.6; without an offset it is no time there."""


def wrong_delay(delay: float | None) -> str | None:
    """Why this is no delay. None when it is one."""
    return None if delay is None or 0 <= delay <= DELAY_MOST else f"must be a number from 0 to {DELAY_MOST}"


def wrong_time(text: str | None) -> str | None:
    """Why this is no time to send at. None when it is one."""
    if text is None:
        return None
    found = TIME.fullmatch(text)
    if found is None:
        return f"must be a time such as {EXAMPLE}"
    if found[2] is None:
        return f"has no offset; write it like {EXAMPLE}, or with a Z for UTC"
    try:
        read_time(text)
    except (ValueError, OverflowError):
        return f"is a time that does not exist; write it like {EXAMPLE}"
    return None


def read_time(text: str) -> datetime:
    """The time in UTC. Raises ValueError, OverflowError."""
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def check_bounds(send_at: str | None, now: datetime) -> None:
    """Raises FieldsInvalid when this time is past or too far ahead."""
    if send_at is None:
        return
    time = read_time(send_at)
    if time < now - PAST_MOST:
        raise FieldsInvalid({"send_at": "is in the past"})
    if time > now + AHEAD_MOST:
        raise FieldsInvalid({"send_at": f"is more than {AHEAD_MOST.days} days ahead"})

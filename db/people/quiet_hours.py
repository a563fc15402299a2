"""Quiet hours: a daily time in which a person's messages come without a sound, or later in one digest."""

from datetime import UTC, datetime, time, timedelta, tzinfo


def end(begins: str, ends: str, clock: tzinfo, now: datetime) -> datetime | None:
    """The end of the quiet hours, such as from 23:00 to 08:00, that `now` lies in; None outside of them.

    Times are local. A time skipped when the clock is put forward comes as much later. When a time comes
    twice, quiet hours begin with the first and end with the second.
    """
    first, last = _clock_time(begins), _clock_time(ends)
    today = now.astimezone(clock).date()
    for day in (today - timedelta(days=1), today):
        last_day = day if first < last else day + timedelta(days=1)
        found = max(
            datetime.combine(last_day, last, clock).replace(fold=fold).astimezone(UTC) for fold in (0, 1)
        )
        if datetime.combine(day, first, clock).astimezone(UTC) <= now < found:
            return found
    return None


def _clock_time(written: str) -> time:
    return time(int(written[:2]), int(written[3:]))

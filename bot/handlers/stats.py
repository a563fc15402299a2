"""/stats: a person's messages of the last thirty days as a picture, by day and by sender."""

from collections import Counter
from datetime import date, timedelta

import msgspec
import structlog

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.rendering import charts
from djangobot.bot.rendering.charts import ChartFailed, Panel, Picture, Series
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_day, whose
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.gateway import File
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages import history

log = structlog.get_logger(__name__)

DAYS = 30
NAMED = charts.MOST_SERIES - 1
"""Senders with a colour of their own; the others share one."""


class Month(msgspec.Struct, frozen=True):
    """The days, the last of them today; the messages of each day by token; the tokens' names."""

    days: list[date]
    counts: list[dict[int, int]]
    names: dict[int, str]

    @property
    def by_sender(self) -> list[tuple[int, int]]:
        """Tokens and their messages, the most first."""
        total: Counter[int] = Counter()
        for count in self.counts:
            total.update(count)
        return total.most_common()


async def show(visit: Context) -> None:
    """On a light background."""
    month = await _month(visit)
    if not month.by_sender:
        await visit.reply(formatted(visit.language, "stats-none", days=DAYS))
        return
    picture = await _drawn(visit, month, dark=False)
    if picture is None:
        await visit.reply(formatted(visit.language, "stats-failed"))
        return
    await visit.reply_file(picture, _caption(visit, month, dark=False))


async def refresh_light(visit: Context) -> None:
    """On the other background, in place of this one; as things are now."""
    dark = visit.argument == "dark"
    month = await _month(visit)
    picture = await _drawn(visit, month, dark=dark) if month.by_sender else None
    if picture is None:
        message = "stats-failed" if month.by_sender else "stats-none"
        words = say(visit.language, message, **({} if month.by_sender else {"days": DAYS}))
        return await visit.answer(words)
    await visit.replace(_caption(visit, month, dark=dark), picture)
    await visit.answer()


async def _month(visit: Context) -> Month:
    today = visit.now.astimezone(visit.zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    counts = [await history.counts(visit.chat.id, history.whole_day(day, visit.zone)) for day in days]
    senders = await history.senders(visit.chat.id)
    return Month(days, counts, {sender.token: whose(sender.account, sender.name) for sender in senders})


async def _drawn(visit: Context, month: Month, *, dark: bool) -> File | None:
    try:
        content = await charts.draw(picture_of(month, visit.language, dark=dark))
    except ChartFailed as exc:
        log.error("chart not drawn", reason=str(exc))
        return None
    return File(f"stats-{'dark' if dark else 'light'}.png", "image/png", content)


def picture_of(month: Month, language: str, *, dark: bool) -> Picture:
    """Stacked by day; below, each sender in the same colour."""
    senders = month.by_sender
    rest = len(senders) > NAMED + 1
    named = [token for token, _ in (senders[:NAMED] if rest else senders)]
    names = [month.names.get(token, "?") for token in named]
    series = [
        Series(name, [day.get(token, 0) for day in month.counts])
        for name, token in zip(names, named, strict=True)
    ]
    if rest:
        names.append(say(language, "stats-others"))
        others = [sum(count for token, count in day.items() if token not in named) for day in month.counts]
        series.append(Series(names[-1], [float(count) for count in others]))
    totals = Series("", [sum(one.values) for one in series])
    labels = [day.strftime("%d.%m") for day in month.days]
    return Picture(
        say(language, "stats-title", days=DAYS),
        say(
            language,
            "stats-total",
            since=shown_day(month.days[0]),
            until=shown_day(month.days[-1]),
            count=sum(count for _, count in senders),
        ),
        [
            Panel(say(language, "stats-by-day"), "bars", labels, series, rest=rest),
            Panel(say(language, "stats-by-sender"), "ranks", names, [totals], rest=rest),
        ],
        dark,
    )


def _caption(visit: Context, month: Month, *, dark: bool) -> Text:
    """One sentence, and a button for the other background."""
    token, most_of_one = month.by_sender[0]
    total = sum(count for _, count in month.by_sender)
    sums = [sum(day.values()) for day in month.counts]
    other = "light" if dark else "dark"
    label = say(visit.language, "stats-light" if dark else "stats-dark")
    return formatted(
        visit.language,
        "stats-caption",
        [[Button(label, f"stats:{other}")]],
        count=total,
        days=DAYS,
        day=shown_day(month.days[sums.index(max(sums))]),
        most=max(sums),
        who=shortened(month.names.get(token, "?"), BUTTON_LENGTH),
        share=round(100 * most_of_one / total),
    )

"""/stats: a picture of a person's messages of the last thirty days, by day and by sender."""

from collections import Counter
from datetime import date, timedelta

import msgspec
import structlog

from djangobot.bot.callback_data.buttons import Background, DrawStats
from djangobot.bot.context import Context
from djangobot.bot.rendering import charts
from djangobot.bot.rendering.charts import ChartFailed, Panel, Picture, Series
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_day, whose
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.files.uploads import File
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages.history import history
from djangobot.db.messages.history.history import Days

log = structlog.get_logger(__name__)

DAYS = 30
NAMED = charts.MOST_SERIES - 1
"""Senders that have a colour each; the others share one."""


class Month(msgspec.Struct, frozen=True):
    """Thirty days, of which today is the last. `counts`: the messages of each day by token. `names`: those of
    the tokens. `files`: how many the messages had."""

    days: list[date]
    counts: list[dict[int, int]]
    names: dict[int, str]
    files: int = 0

    @property
    def by_sender(self) -> list[tuple[int, int]]:
        """Tokens and the numbers of their messages, the largest first."""
        total: Counter[int] = Counter()
        for count in self.counts:
            total.update(count)
        return total.most_common()


async def show(context: Context) -> None:
    """Shows the picture on a light background."""
    month = await _month(context)
    if not month.by_sender:
        await context.reply(formatted(context.language, "stats-none", days=DAYS))
        return
    picture = await _drawn(context, month, dark=False)
    if picture is None:
        await context.reply(formatted(context.language, "stats-failed"))
        return
    await context.reply_file(picture, _caption(context, month, dark=False))


async def redraw(context: Context, data: DrawStats) -> None:
    """Shows the present picture on this background, in place of the old one."""
    dark = data.background == "dark"
    month = await _month(context)
    picture = await _drawn(context, month, dark=dark) if month.by_sender else None
    if picture is None:
        if month.by_sender:
            return await context.answer(say(context.language, "stats-failed"))
        return await context.answer(say(context.language, "stats-none", days=DAYS))
    await context.replace(_caption(context, month, dark=dark), picture)
    await context.answer()


async def _month(context: Context) -> Month:
    today = context.now.astimezone(context.zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    counts = [await history.counts(context.chat.id, history.whole_day(day, context.zone)) for day in days]
    senders = await history.senders(context.chat.id)
    since, until = (history.whole_day(day, context.zone) for day in (days[0], days[-1]))
    files = await history.files_of_chat(context.chat.id, Days(since.since, until.until))
    names = {sender.token: whose(sender.account, sender.name) for sender in senders}
    return Month(days, counts, names, files)


async def _drawn(context: Context, month: Month, *, dark: bool) -> File | None:
    try:
        content = await charts.draw(picture_of(month, context.language, dark=dark))
    except ChartFailed as exc:
        log.error("chart not drawn", reason=str(exc))
        return None
    return File(f"stats-{'dark' if dark else 'light'}.png", "image/png", content)


def picture_of(month: Month, language: str, *, dark: bool) -> Picture:
    """Bars by day, and below them bars by sender in the same colours."""
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


def _caption(context: Context, month: Month, *, dark: bool) -> Text:
    """One sentence, and a button for the other background."""
    token, most_of_one = month.by_sender[0]
    total = sum(count for _, count in month.by_sender)
    sums = [sum(day.values()) for day in month.counts]
    other: Background = "light" if dark else "dark"
    label = say(context.language, "stats-light" if dark else "stats-dark")
    return formatted(
        context.language,
        "stats-caption",
        [[Button(label, DrawStats(other).pack())]],
        count=total,
        files=month.files,
        days=DAYS,
        day=shown_day(month.days[sums.index(max(sums))]),
        most=max(sums),
        who=shortened(month.names.get(token, "?"), BUTTON_LENGTH),
        share=round(100 * most_of_one / total),
    )

"""/status: the state of the service on one card, which is refreshed for a while; the buttons that pause and
resume delivery; a picture of the last day."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from djangobot import __version__
from djangobot.bot.callback_data.admin_buttons import (
    DrawStatus,
    PauseDelivery,
    RedrawStatus,
    ShowStatus,
)
from djangobot.bot.callback_data.buttons import Background
from djangobot.bot.callback_data.jobs import RefreshStatus
from djangobot.bot.context import Context
from djangobot.bot.rendering import charts
from djangobot.bot.rendering.charts import ChartFailed, Panel, Picture, Series
from djangobot.bot.rendering.humanize import shown_size
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.files.uploads import File
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import growth, stats
from djangobot.db.admin.growth import Growth
from djangobot.db.admin.stats import Hour, Summary
from djangobot.db.delivery import pause, scheduled

log = structlog.get_logger(__name__)

LIVES_FOR = timedelta(minutes=5)
EDIT_EVERY = timedelta(seconds=5)
"""Telegram allows a bot about twenty messages or edits a minute in one chat."""
HOURS = 24
STARTED = time.monotonic()
PAGE_BYTES = 4096


async def show(context: Context) -> None:
    """/status: of an admin's cards only the newest is refreshed."""
    message_id = await context.reply(await _card(context))
    await scheduled.drop_all(context.chat.id, "status")
    await _schedule(context, message_id, context.now + LIVES_FOR)


async def refresh(context: Context, _: ShowStatus) -> None:
    """Shows the present card in place of this message, and refreshes it for a while."""
    await context.replace(await _card(context))
    await context.answer()
    await scheduled.drop_all(context.chat.id, "status")
    await _schedule(context, context.message_id, context.now + LIVES_FOR)


async def keep_up(context: Context, data: RefreshStatus) -> None:
    """Shows the present card, and schedules the next time until `until`."""
    await context.replace(await _card(context))
    if context.now < data.until:
        await _schedule(context, context.message_id, data.until)


async def _schedule(context: Context, message_id: int, until: datetime) -> None:
    if message_id != UNKNOWN_TELEGRAM_ID:
        argument = RefreshStatus(until).argument
        await scheduled.put(context.chat.id, "status", message_id, argument, context.now + EDIT_EVERY)


async def show_charts(context: Context, _: DrawStatus) -> None:
    """Sends a picture of the last day: messages of each hour, and how long sending took."""
    await context.answer(say(context.language, "status-drawing"))
    content = await _drawn(context, dark=False)
    if content is None:
        await context.reply(formatted(context.language, "stats-failed"))
        return
    await context.reply_file(File("status.png", "image/png", content), _caption(context, dark=False))


async def redraw(context: Context, data: RedrawStatus) -> None:
    """Shows the present picture on this background, in place of the old one."""
    dark = data.background == "dark"
    content = await _drawn(context, dark)
    if content is None:
        return await context.answer(say(context.language, "stats-failed"))
    await context.replace(_caption(context, dark), File("status.png", "image/png", content))
    await context.answer()


async def _drawn(context: Context, dark: bool) -> bytes | None:
    """The picture. The present hour, which is not over, comes last."""
    hours = await stats.hours(next_hour(context.now.astimezone(context.zone)), HOURS)
    try:
        return await charts.draw(_picture(context, hours, dark))
    except ChartFailed as exc:
        log.error("chart not drawn", reason=str(exc))
        return None


def next_hour(moment: datetime) -> datetime:
    """The end of the present hour on the person's clock, in UTC. Not every zone's hours begin as UTC's do."""
    began = moment.astimezone(UTC) - timedelta(
        minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond
    )
    return began + timedelta(hours=1)


def _caption(context: Context, dark: bool) -> Text:
    label = say(context.language, "stats-light" if dark else "stats-dark")
    other: Background = "light" if dark else "dark"
    return Text("", (), ((Button(label, RedrawStatus(other).pack()),),))


def _picture(context: Context, hours: Sequence[Hour], dark: bool) -> Picture:
    language = context.language
    labels = [hour.begins.astimezone(context.zone).strftime("%H:%M") for hour in hours]

    def series(words: str, values: list[float]) -> Series:
        return Series(say(language, words), values)

    counts = [  # in this order the palette makes the sent ones green, and not the failed ones
        series("status-accepted", [hour.accepted for hour in hours]),
        series("status-failed", [hour.failed for hour in hours]),
        series("status-sent", [hour.sent for hour in hours]),
    ]
    latency = [
        series("status-median", [hour.median * 1000 for hour in hours]),
        series("status-slowest", [hour.slow * 1000 for hour in hours]),
    ]
    return Picture(
        say(language, "status-day"),
        say(
            language,
            "status-day-total",
            accepted=sum(hour.accepted for hour in hours),
            sent=sum(hour.sent for hour in hours),
            failed=sum(hour.failed for hour in hours),
        ),
        [
            Panel(say(language, "status-by-hour"), "lines", labels, counts),
            Panel(say(language, "status-latency"), "lines", labels, latency),
        ],
        dark,
    )


async def set_paused(context: Context, data: PauseDelivery) -> None:
    """Pauses or resumes delivery."""
    await pause.set_paused(data.paused, context.chat.id, context.now)
    await context.replace(await _card(context))
    await context.answer(say(context.language, "status-paused" if data.paused else "status-resumed"))


async def _card(context: Context) -> Text:
    language, seen = context.language, await stats.summary(context.now)
    grown = await growth.lately(seen.size, context.now)
    pause_label = say(language, "status-resume" if seen.paused else "status-pause")
    rows = [
        [Button(say(language, "status-refresh"), ShowStatus().pack())],
        [Button(say(language, "status-charts"), DrawStatus().pack())],
        [Button(pause_label, PauseDelivery(not seen.paused).pack())],
    ]
    return joined(_lines(context, seen, grown), buttons=rows)


def _lines(context: Context, seen: Summary, grown: Growth | None) -> list[Text]:
    language, online = context.language, context.gateway.online.is_set()
    up = _span(language, timedelta(seconds=time.monotonic() - STARTED))
    lines = [
        formatted(language, "status-title", version=__version__),
        formatted(language, "status-up", since=up),
        formatted(language, "status-telegram-on" if online else "status-telegram-off"),
        formatted(language, "status-database", kind=seen.database, size=shown_size(language, seen.size)),
        *_growth(language, grown),
        _queue(context, seen.depth, seen.oldest_due),
        formatted(language, "status-minute", accepted=seen.accepted, sent=seen.sent, failed=seen.failed),
    ]
    if seen.flood_seconds > 0:
        lines.append(formatted(language, "status-flood", seconds=int(seen.flood_seconds) + 1))
    if seen.paused:
        lines.append(formatted(language, "status-is-paused"))
    if (memory := _memory()) is not None:
        lines.append(formatted(language, "status-memory", size=shown_size(language, memory)))
    return lines


def _growth(language: str, grown: Growth | None) -> list[Text]:
    if grown is None:
        return []
    size = ("−" if grown.size < 0 else "+") + shown_size(language, abs(grown.size))
    return [formatted(language, "status-growth", days=grown.days, size=size)]


def _queue(context: Context, depth: int, oldest_due: datetime | None) -> Text:
    if oldest_due is None:
        return formatted(context.language, "status-queue", count=depth)
    return formatted(
        context.language,
        "status-queue-due",
        count=depth,
        age=_span(context.language, context.now - oldest_due),
    )


def _span(language: str, span: timedelta) -> str:
    """A span of time as `3 d 04:05:06`."""
    seconds = max(0, int(span.total_seconds()))
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return say(language, "span-days", days=seconds // 86400, clock=clock) if seconds >= 86400 else clock


def _memory() -> int | None:
    """Resident bytes. None where the machine does not say so (it does on Linux)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return None

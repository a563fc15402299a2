"""/status: one card of how the service is, kept up to date for a while; Pause and Resume of delivery; the
last day as a picture."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from djangobot import __version__
from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.rendering import charts
from djangobot.bot.rendering.charts import ChartFailed, Panel, Picture, Series
from djangobot.bot.rendering.humanize import shown_size
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.gateway import UNKNOWN_TELEGRAM_ID, File
from djangobot.bot.telegram.text import Button, Text
from djangobot.db import audit, state
from djangobot.db.admin import stats
from djangobot.db.admin.stats import Hour
from djangobot.db.delivery import recalls, scheduled
from djangobot.db.engine import current

log = structlog.get_logger(__name__)

LIVES_FOR = timedelta(minutes=5)
EDIT_EVERY = timedelta(seconds=5)
"""Telegram allows a bot about twenty messages or edits a minute in one chat."""
HOURS = 24
STARTED = time.monotonic()
PAGE_BYTES = 4096


async def show(visit: Context) -> None:
    """/status: the one card of this admin that lives; an older one stays as it is."""
    shown = await visit.reply(await _card(visit))
    await scheduled.drop_all(visit.chat.id, "status")
    await _keep_up(visit, shown, visit.now + LIVES_FOR)


async def refresh(visit: Context) -> None:
    """The card as it is by now, and for a while from now on."""
    await visit.replace(await _card(visit))
    await visit.answer()
    await scheduled.drop_all(visit.chat.id, "status")
    await _keep_up(visit, visit.message_id, visit.now + LIVES_FOR)


async def keep_up(visit: Context) -> None:
    """The chore: shows the card as it is by now, until its time is over."""
    until = datetime.fromisoformat(visit.argument)
    await visit.replace(await _card(visit))
    if visit.now < until:
        await _keep_up(visit, visit.message_id, until)


async def _keep_up(visit: Context, message_id: int, until: datetime) -> None:
    if message_id != UNKNOWN_TELEGRAM_ID:
        await scheduled.put(visit.chat.id, "status", message_id, until.isoformat(), visit.now + EDIT_EVERY)


async def show_charts(visit: Context) -> None:
    """The last day, hour by hour: accepted, sent, failed, and how long sending took."""
    await visit.answer(say(visit.language, "status-drawing"))
    content = await _drawn(visit, dark=False)
    if content is None:
        await visit.reply(formatted(visit.language, "stats-failed"))
        return
    await visit.reply_file(File("status.png", "image/png", content), _caption(visit, dark=False))


async def turn_light(visit: Context) -> None:
    """The same on the other background, in place of what was there."""
    dark = visit.argument == "dark"
    content = await _drawn(visit, dark)
    if content is None:
        return await visit.answer(say(visit.language, "stats-failed"))
    await visit.replace(_caption(visit, dark), File("status.png", "image/png", content))
    await visit.answer()


async def _drawn(visit: Context, dark: bool) -> bytes | None:
    """Of the full hours, up to the one that is not over."""
    hours = await stats.hours(next_hour(visit.now.astimezone(visit.zone)), HOURS)
    try:
        return await charts.draw(_picture(visit, hours, dark))
    except ChartFailed as exc:
        log.error("chart not drawn", reason=str(exc))
        return None


def next_hour(moment: datetime) -> datetime:
    """When the hour that is running on the person's clock ends, in UTC: not every zone's hours are UTC's."""
    began = moment.astimezone(UTC) - timedelta(
        minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond
    )
    return began + timedelta(hours=1)


def _caption(visit: Context, dark: bool) -> Text:
    label = say(visit.language, "stats-light" if dark else "stats-dark")
    return Text("", (), ((Button(label, f"status_light:{'light' if dark else 'dark'}"),),))


def _picture(visit: Context, hours: Sequence[Hour], dark: bool) -> Picture:
    language = visit.language
    labels = [hour.begins.astimezone(visit.zone).strftime("%H:%M") for hour in hours]

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


async def pause(visit: Context) -> None:
    """Pauses delivery, or lets it go on; programs' messages are accepted all the same."""
    wanted = visit.argument == "1"
    engine = current()
    async with engine.write():
        before = bool(await state.get("paused"))
        if before != wanted:
            await state.put("paused", wanted, visit.now)
            await audit.record(visit.chat.id, "pause delivery", "", before, wanted, visit.now)
    await recalls.apply()
    await visit.replace(await _card(visit))
    await visit.answer(say(visit.language, "status-paused" if wanted else "status-resumed"))


async def _card(visit: Context) -> Text:
    language, seen = visit.language, await stats.overview(visit.now)
    lines = [
        formatted(language, "status-title", version=__version__),
        formatted(
            language, "status-up", since=_span(language, timedelta(seconds=time.monotonic() - STARTED))
        ),
        formatted(language, "status-telegram-on" if visit.gateway.online.is_set() else "status-telegram-off"),
        formatted(language, "status-database", kind=seen.database, size=shown_size(language, seen.size)),
        _queue(visit, seen.depth, seen.oldest_due),
        formatted(language, "status-minute", accepted=seen.accepted, sent=seen.sent, failed=seen.failed),
    ]
    if seen.flood_seconds > 0:
        lines.append(formatted(language, "status-flood", seconds=int(seen.flood_seconds) + 1))
    if seen.paused:
        lines.append(formatted(language, "status-is-paused"))
    if (memory := _memory()) is not None:
        lines.append(formatted(language, "status-memory", size=shown_size(language, memory)))
    turn = (
        Button(say(language, "status-resume"), "pause:0")
        if seen.paused
        else Button(say(language, "status-pause"), "pause:1")
    )
    refresh = Button(say(language, "status-refresh"), "status:")
    picture = Button(say(language, "status-charts"), "status_charts:")
    return joined(lines, buttons=[[refresh], [picture], [turn]])


def _queue(visit: Context, depth: int, oldest_due: datetime | None) -> Text:
    if oldest_due is None:
        return formatted(visit.language, "status-queue", count=depth)
    return formatted(
        visit.language, "status-queue-due", count=depth, age=_span(visit.language, visit.now - oldest_due)
    )


def _span(language: str, span: timedelta) -> str:
    """Like `3 d 04:05:06`."""
    seconds = max(0, int(span.total_seconds()))
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return say(language, "span-days", days=seconds // 86400, clock=clock) if seconds >= 86400 else clock


def _memory() -> int | None:
    """Resident bytes, where the machine says so (Linux)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return None

"""/status: one card of how the service is; Pause and Resume of delivery."""

import time
from datetime import datetime, timedelta
from pathlib import Path

from djangobot import __version__
from djangobot.bot.gateway import Button, Text
from djangobot.bot.replies import formatted, joined, say
from djangobot.bot.visits import Visit
from djangobot.db import audit, overview, service
from djangobot.db.engine import current

STARTED = time.monotonic()
PAGE_BYTES = 4096
MIB = 1 << 20


async def show(visit: Visit) -> None:
    """/status"""
    await visit.reply(await _card(visit))


async def refresh(visit: Visit) -> None:
    """The card as it is by now."""
    await visit.replace(await _card(visit))
    await visit.answer()


async def pause(visit: Visit) -> None:
    """Pauses delivery, or lets it go on; programs' messages are accepted all the same."""
    wanted = visit.argument == "1"
    engine = current()
    async with engine.write():
        before = bool(await service.get("paused"))
        if before != wanted:
            await service.put("paused", wanted, visit.now)
            await audit.record(visit.chat.id, "pause delivery", "", before, wanted, visit.now)
    await visit.replace(await _card(visit))
    await visit.answer(say(visit.language, "status-paused" if wanted else "status-resumed"))


async def _card(visit: Visit) -> Text:
    language, seen = visit.language, await overview.overview(visit.now)
    lines = [
        formatted(language, "status-title", version=__version__),
        formatted(language, "status-up", since=_span(timedelta(seconds=time.monotonic() - STARTED))),
        formatted(language, "status-telegram-on" if visit.gateway.online.is_set() else "status-telegram-off"),
        formatted(language, "status-database", kind=seen.database, size=_mib(seen.size)),
        _queue(visit, seen.depth, seen.oldest_due),
        formatted(language, "status-minute", accepted=seen.accepted, sent=seen.sent, failed=seen.failed),
    ]
    if seen.flood_seconds > 0:
        lines.append(formatted(language, "status-flood", seconds=int(seen.flood_seconds) + 1))
    if seen.paused:
        lines.append(formatted(language, "status-is-paused"))
    if (memory := _memory()) is not None:
        lines.append(formatted(language, "status-memory", size=_mib(memory)))
    turn = (
        Button(say(language, "status-resume"), "pause:0")
        if seen.paused
        else Button(say(language, "status-pause"), "pause:1")
    )
    return joined(lines, buttons=[[Button(say(language, "status-refresh"), "status:"), turn]])


def _queue(visit: Visit, depth: int, oldest_due: datetime | None) -> Text:
    if oldest_due is None:
        return formatted(visit.language, "status-queue", count=depth)
    return formatted(visit.language, "status-queue-due", count=depth, age=_span(visit.now - oldest_due))


def _span(span: timedelta) -> str:
    """Like `3 d 04:05:06`."""
    seconds = max(0, int(span.total_seconds()))
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{seconds // 86400} d {clock}" if seconds >= 86400 else clock


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB"


def _memory() -> int | None:
    """Resident bytes, where the machine says so (Linux)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return None

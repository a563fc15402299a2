"""The progress of a broadcast, as its author sees it."""

from datetime import datetime, timedelta

from djangobot.bot.callback_data.admin_buttons import ChangeBroadcast
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin.broadcasts import BroadcastView, Progress

TITLES = {
    "running": "broadcast-running",
    "paused": "broadcast-is-paused",
    "canceled": "broadcast-canceled",
    "done": "broadcast-done",
}


def progress_card(language: str, broadcast: BroadcastView, progress: Progress, now: datetime) -> Text:
    """The progress of a broadcast, with the buttons that change it; at its end the outcome."""
    settled = progress.sent + progress.failed + progress.skipped
    counts = {"sent": progress.sent, "failed": progress.failed, "skipped": progress.skipped}
    lines = [
        formatted(language, TITLES[broadcast.status]),
        formatted(language, "broadcast-progress", **counts),
    ]
    if not broadcast.live:
        return joined(lines)
    left = max(broadcast.total - settled, progress.waiting)
    lines.append(formatted(language, "broadcast-left", count=left))
    if broadcast.status == "running" and settled and left and broadcast.started is not None:
        seconds = (now - broadcast.started).total_seconds() / settled * left
        lines.append(formatted(language, "broadcast-time", time=_span(seconds)))
    return joined(lines, buttons=_buttons(language, broadcast))


def _buttons(language: str, broadcast: BroadcastView) -> list[list[Button]]:
    if broadcast.status == "running":
        first = Button(say(language, "broadcast-pause"), ChangeBroadcast(broadcast.id, "pause").pack())
    else:
        first = Button(say(language, "broadcast-resume"), ChangeBroadcast(broadcast.id, "resume").pack())
    cancel = ChangeBroadcast(broadcast.id, "cancel")
    return [[first], [Button(say(language, "broadcast-cancel"), cancel.pack())]]


def _span(seconds: float) -> str:
    """A span of time as `1:05:09`."""
    return str(timedelta(seconds=int(seconds)))

"""A run of a pipeline or a workflow: one message, which says in the end how it went."""

from datetime import datetime

import msgspec

from djangobot.db.messages.buttons import Button
from djangobot.db.messages.incidents import State, Update
from djangobot.http.inlets.common.html import code, escaped, lines
from djangobot.http.inlets.common.json import present
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.times import lasted

GOOD = ("success", "passed", "neutral", "skipped", "fixed")
STOPPED = ("cancelled", "canceled", "stale", "manual", "warning")
WORDS = {"success": "passed", "failure": "failed", "timed_out": "timed out", "cancelled": "canceled"}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `step` grows as it goes on. `key` names it for all its deliveries."""

    where: str
    name: str
    key: str
    step: int
    over: bool
    conclusion: str
    branch: str = ""
    commit: str = ""
    title: str = ""
    who: str = ""
    details: str = ""
    since: datetime | None = None
    until: datetime | None = None
    buttons: tuple[Button, ...] = ()


def run_message(run: Run) -> InletMessage:
    """Yellow while it runs, then green or red. A failure is told with a sound."""
    failed = run.over and run.conclusion not in (*GOOD, *STOPPED)
    sign, word = _state(run, failed)
    took = f"after {lasted(run.until - run.since)}" if run.over and run.since and run.until else ""
    return InletMessage(
        title=f"{sign} {present([run.where, run.name])} {word}",
        text=lines(
            [
                present([escaped(run.branch), code(run.commit), escaped(run.who)]),
                escaped((run.title.splitlines() or [""])[0], 200),
                run.details,
                escaped(took),
            ]
        )
        or escaped(word),
        format="html",
        silent=not failed,
        buttons=run.buttons,
        incident=Update(
            run.key, {"": State(float(run.step), not run.over)}, since=run.since, until=run.until
        ),
        outcome=f"{sign} {word.capitalize()}",
        loud=failed,
    )


def _state(run: Run, failed: bool) -> tuple[str, str]:
    if not run.over:
        return ("🟡", "is running") if run.step else ("🟡", "is queued")
    word = WORDS.get(run.conclusion, run.conclusion.replace("_", " ") or "finished")
    if failed:
        return "🔴", word
    return ("🟢" if run.conclusion in GOOD else "⚪️"), word

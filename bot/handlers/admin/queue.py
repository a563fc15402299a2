"""/queue and /errors: what waits, what failed and why, what is uncertain; and what to do about all of it."""

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.handlers.admin import backlog as lists
from djangobot.bot.rendering.humanize import shown_age, shown_reason
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db import audit
from djangobot.db.admin import stats
from djangobot.db.delivery import backlog
from djangobot.db.delivery.backlog import Counts

CAUSES = 10
DEEDS = {
    "retry": backlog.retry_all,
    "resend": backlog.resend_all,
    "drop": backlog.drop_all,
}
ASKED = {"retry": "queue-retry-ask", "resend": "queue-resend-ask", "drop": "queue-drop-ask"}
SURE = {"retry": "queue-retry-sure", "resend": "queue-resend-sure", "drop": "queue-drop-sure"}


async def show(visit: Context) -> None:
    """/queue"""
    await visit.reply(await _card(visit))


async def refresh(visit: Context) -> None:
    """The card as it is by now."""
    await visit.replace(await _card(visit))
    await visit.answer()


async def apply(visit: Context) -> None:
    """Asks whether, saying how many; or does it to all there are."""
    verb, _, sure = visit.argument.partition(":")
    if verb not in DEEDS:
        return await visit.answer(say(visit.language, "button-unknown"))
    if not sure:
        many = _many(verb, await backlog.counts(visit.now))
        rows = [
            [Button(say(visit.language, SURE[verb], count=many), f"queue_all:{verb}:yes")],
            [Button(say(visit.language, "back"), "queue:")],
        ]
        await visit.replace(formatted(visit.language, ASKED[verb], rows, count=many))
        return await visit.answer()
    before = _many(verb, await backlog.counts(visit.now))
    done = await DEEDS[verb](visit.now)
    if done:
        after = _many(verb, await backlog.counts(visit.now))
        await audit.record(visit.chat.id, f"{verb} all", "messages", before, after, visit.now)
    await visit.replace(await _card(visit))
    await visit.answer(say(visit.language, "queue-done", count=done))


async def show_causes(visit: Context) -> None:
    """/errors"""
    causes = await stats.causes(CAUSES)
    if not causes:
        await visit.reply(formatted(visit.language, "errors-none"))
        return
    lines = [formatted(visit.language, "errors-title")]
    lines += [
        formatted(
            visit.language,
            "errors-line",
            reason=shown_reason(visit.language, cause.reason or "?"),
            count=cause.messages,
            age=shown_age(visit.language, cause.latest, visit.now),
        )
        for cause in causes
    ]
    await visit.reply(joined(lines, separator="\n\n"))


def _many(verb: str, seen: Counts) -> int:
    return seen.failed if verb == "retry" else seen.uncertain


async def _card(visit: Context) -> Text:
    seen = await backlog.counts(visit.now)
    text = formatted(
        visit.language,
        "queue-card",
        due=seen.due,
        postponed=seen.postponed,
        failed=seen.failed,
        uncertain=seen.uncertain,
    )
    rows = [[Button(say(visit.language, "status-refresh"), "queue:")], *lists.rows(visit.language, seen)]
    if seen.failed:
        rows.append([Button(say(visit.language, "queue-retry"), "queue_all:retry")])
    if seen.uncertain:
        rows.append(
            [
                Button(say(visit.language, "queue-resend"), "queue_all:resend"),
                Button(say(visit.language, "queue-drop"), "queue_all:drop"),
            ]
        )
    return joined([text], buttons=[row for row in rows if row])

"""/queue and /errors: how many messages wait, failed or are uncertain, and why; decisions about all."""

from djangobot.bot.callback_data.admin_buttons import AskQueueAll, DecideQueueAll, ShowQueue
from djangobot.bot.context import Context
from djangobot.bot.handlers.admin import backlog as lists
from djangobot.bot.rendering.humanize import shown_age, shown_reason
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import stats
from djangobot.db.admin.stats import Cause
from djangobot.db.delivery import backlog
from djangobot.db.delivery.backlog import BulkVerb
from djangobot.db.programs import token_secrets
from djangobot.db.programs.token_secrets import Refused

CAUSES = 10
ASKED: dict[BulkVerb, str] = {
    "retry": "queue-retry-ask",
    "resend": "queue-resend-ask",
    "drop": "queue-drop-ask",
}
SURE: dict[BulkVerb, str] = {
    "retry": "queue-retry-sure",
    "resend": "queue-resend-sure",
    "drop": "queue-drop-sure",
}


async def show(context: Context) -> None:
    """/queue"""
    await context.reply(await _card(context))


async def refresh(context: Context, _: ShowQueue) -> None:
    """Shows the present card in place of this message."""
    await context.replace(await _card(context))
    await context.answer()


async def ask_all(context: Context, data: AskQueueAll) -> None:
    """Asks whether to decide so about all messages, and says how many they are."""
    counts = await backlog.counts(context.now)
    count = counts.failed if data.verb == "retry" else counts.uncertain
    rows = [
        [Button(say(context.language, SURE[data.verb], count=count), DecideQueueAll(data.verb).pack())],
        [Button(say(context.language, "back"), ShowQueue().pack())],
    ]
    await context.replace(formatted(context.language, ASKED[data.verb], rows, count=count))
    await context.answer()


async def decide_all(context: Context, data: DecideQueueAll) -> None:
    """Decides about all messages."""
    done = await backlog.apply_to_all(data.verb, context.chat.id, context.now)
    await context.replace(await _card(context))
    await context.answer(say(context.language, "queue-done", count=done))


async def show_causes(context: Context) -> None:
    """/errors"""
    causes, refused = await stats.causes(CAUSES), await token_secrets.refused(context.now)
    lines = []
    if causes or not refused:
        lines = [formatted(context.language, "errors-title" if causes else "errors-none")]
        lines += [_line(context, cause) for cause in causes]
    if refused:
        lines.append(formatted(context.language, "errors-signatures"))
        lines += [_signature(context, one) for one in refused]
    await context.reply(joined(lines, separator="\n\n"))


def _signature(context: Context, refused: Refused) -> Text:
    return formatted(
        context.language,
        "errors-signature",
        who=refused.name,
        prefix=refused.prefix,
        format=refused.format,
        count=refused.times,
        age=shown_age(context.language, refused.latest, context.now),
    )


def _line(context: Context, cause: Cause) -> Text:
    return formatted(
        context.language,
        "errors-line",
        reason=shown_reason(context.language, cause.reason or "?"),
        count=cause.messages,
        age=shown_age(context.language, cause.latest, context.now),
    )


async def _card(context: Context) -> Text:
    language = context.language
    counts = await backlog.counts(context.now)
    text = formatted(
        language,
        "queue-card",
        due=counts.due,
        postponed=counts.postponed,
        failed=counts.failed,
        uncertain=counts.uncertain,
    )
    rows = [
        [Button(say(language, "status-refresh"), ShowQueue().pack())],
        *lists.rows(language, counts),
    ]
    if counts.failed:
        rows.append([Button(say(language, "queue-retry"), AskQueueAll("retry").pack())])
    if counts.uncertain:
        resend = Button(say(language, "queue-resend"), AskQueueAll("resend").pack())
        rows.append([resend, Button(say(language, "queue-drop"), AskQueueAll("drop").pack())])
    return joined([text], buttons=[row for row in rows if row])

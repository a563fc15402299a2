"""/scheduled: the messages that are to come, each with buttons to cancel it or to have it now."""

from djangobot.bot.callback_data.buttons import CancelScheduled, ListScheduled, SendScheduledNow
from djangobot.bot.context import Context
from djangobot.bot.rendering import timezones
from djangobot.bot.rendering.entries import files_in_short
from djangobot.bot.rendering.humanize import shortened, shown_time, whose
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages import schedule
from djangobot.db.messages.messages import Entry

PAGE = 5
TEXT_SHOWN = 200
"""Characters of each message."""


async def show(context: Context) -> None:
    """Shows what comes next."""
    await context.reply(await _page(context, 0))


async def show_page(context: Context, data: ListScheduled) -> None:
    """Shows a page in place of this message."""
    await context.replace(await _page(context, data.page))
    await context.answer()


async def cancel(context: Context, data: CancelScheduled) -> None:
    """Cancels a message of the list."""
    done = await schedule.cancel(context.chat.id, data.message)
    await context.replace(await _page(context, data.page))
    await context.answer(say(context.language, "scheduled-canceled" if done else "scheduled-gone"))


async def send_now(context: Context, data: SendScheduledNow) -> None:
    """Has a message of the list sent now."""
    done = await schedule.send_now(context.chat.id, data.message, context.now)
    await context.replace(await _page(context, data.page))
    await context.answer(say(context.language, "scheduled-sent" if done else "scheduled-gone"))


async def _page(context: Context, page: int) -> Text:
    language, zone = context.language, context.zone
    found = await schedule.coming(context.chat.id, PAGE + 1, page * PAGE)
    if not found and page:  # the messages of this page were sent meanwhile
        return await _page(context, 0)
    if not found:
        return formatted(language, "scheduled-none")
    lines = [formatted(language, "scheduled-title", zone=timezones.shown(language, str(zone)))]
    rows: list[list[Button]] = []
    for number, entry in enumerate(found[:PAGE], start=page * PAGE + 1):
        lines.append(_line(context, number, entry))
        cancel_it = CancelScheduled(entry.seq, page).pack()
        send_it = SendScheduledNow(entry.seq, page).pack()
        rows.append(
            [
                Button(say(language, "scheduled-cancel", number=number), cancel_it),
                Button(say(language, "scheduled-now", number=number), send_it),
            ]
        )
    turns = []
    if page:
        turns.append(Button(say(language, "scheduled-earlier"), ListScheduled(page - 1).pack()))
    if len(found) > PAGE:
        turns.append(Button(say(language, "scheduled-later"), ListScheduled(page + 1).pack()))
    return joined(lines, separator="\n\n", buttons=[*rows, *([turns] if turns else [])])


def _line(context: Context, number: int, entry: Entry) -> Text:
    head = formatted(
        context.language,
        "scheduled-head",
        number=number,
        sender=whose(entry.sender, entry.token or entry.sender),
        time=shown_time((entry.send_at or entry.time).astimezone(context.zone)),
    )
    text = Text(shortened(entry.content.title or entry.text, TEXT_SHOWN))
    return joined([head, text, files_in_short(context.language, entry.content)])

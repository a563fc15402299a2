"""/history: what was sent to this person, page by page in one message. A person can choose one sender or one
day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from djangobot.bot.callback_data.buttons import (
    HistoryDays,
    HistoryPage,
    HistorySenders,
    ShowFull,
    ShowHistory,
)
from djangobot.bot.context import Context
from djangobot.bot.handlers.history import history_tags
from djangobot.bot.rendering import timezones
from djangobot.bot.rendering.attachments import attachments, with_attachments
from djangobot.bot.rendering.entries import full_buttons, in_full, in_pairs, listed
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_day, whose
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.rendering.splitting import in_parts
from djangobot.bot.telegram.errors import Refused
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.errors import FileGone
from djangobot.db.messages.files import files
from djangobot.db.messages.history import history
from djangobot.db.messages.history.history import HistorySender, Page, Place
from djangobot.db.messages.messages import Entry

PAGE = 5
TEXT_SHOWN = 220
"""Characters of each message. With its title, files and tags a page of five stays below 4096."""
CHOICES = 8
"""Senders or days to choose from at once."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


async def show(context: Context) -> None:
    """Shows the newest messages, or those with the tag after the command."""
    if context.argument:
        return await history_tags.show(context)
    await context.reply(await _page(context, HistoryPage()))


async def show_beside(context: Context, _: ShowHistory) -> None:
    """The button under a digest: shows the newest messages in a message of their own."""
    await context.reply(await _page(context, HistoryPage()))
    await context.answer()


async def show_page(context: Context, data: HistoryPage) -> None:
    """Shows a page in place of this message."""
    await context.replace(await _page(context, data))
    await context.answer()


async def choose_sender(context: Context, data: HistorySenders) -> None:
    """Shows the senders to choose from in place of this message."""
    await context.replace(await _senders(context, data))
    await context.answer()


async def choose_day(context: Context, data: HistoryDays) -> None:
    """Shows the days to choose from in place of this message."""
    await context.replace(await _days(context, data))
    await context.answer()


async def show_full(context: Context, data: ShowFull) -> None:
    """Shows one message unchanged, in messages of its own: with its files, unless they are gone. The list
    stays."""
    entry = await history.one(context.chat.id, data.message)
    if entry is None:
        return await context.answer(say(context.language, "history-gone"))
    await context.answer()
    if entry.has_files_to_show and await _copied(context, entry.seq):
        return
    for part in await _in_full(context, entry):
        await context.reply(part)


async def _copied(context: Context, number: int) -> bool:
    """Shows a message as the chat has it. False when the chat has not, or Telegram does not show it."""
    ids = await history.telegram_ids(context.chat.id, number)
    try:
        if ids:
            await context.copy(ids)
    except Refused:
        return False
    return bool(ids)


async def _in_full(context: Context, entry: Entry) -> Sequence[Text]:
    """A message in full. What was held and never shown comes with its files while they are kept."""
    parts = in_parts(in_full(context.language, entry, context.zone))
    if entry.status != "held" or not entry.content.files:
        return parts
    try:
        return with_attachments(parts, await attachments(entry.content, files.read))
    except FileGone:
        return parts


async def _page(context: Context, view: HistoryPage) -> Text:
    zone = context.zone
    place = Place(EPOCH + view.time * MICROSECOND, view.message)
    page = await history.page(
        context.chat.id,
        limit=PAGE,
        before=place if view.way == "<" else None,
        after=place if view.way == ">" else None,
        token=view.token or None,
        days=history.whole_day(date.fromordinal(view.day), zone) if view.day else None,
    )
    if not page.messages and view.way:  # these messages were deleted meanwhile
        return await _page(context, HistoryPage(token=view.token, day=view.day))
    senders = await history.senders(context.chat.id)
    if not senders:
        return formatted(context.language, "history-none")
    rows = [
        *full_buttons(context.language, page.messages, zone, TEXT_SHOWN),
        _turns(context.language, view, page),
        *_filters(context, view, senders),
        *await history_tags.choice_button(context.language, context.chat.id),
    ]
    return joined(_lines(context, page), separator="\n\n", buttons=[row for row in rows if row])


def _lines(context: Context, page: Page) -> list[Text]:
    language, zone = context.language, context.zone
    lines = [formatted(language, "history-title", zone=timezones.shown(language, str(zone)))]
    for entry in page.messages:
        lines.append(listed(language, entry, zone, Text(shortened(entry.text, TEXT_SHOWN))))
    if not page.messages:
        lines.append(formatted(language, "history-nothing"))
    return lines


def _turns(language: str, view: HistoryPage, page: Page) -> list[Button]:
    row = []
    if page.newer:
        newest = HistoryPage(token=view.token, day=view.day)
        row.append(Button(say(language, "history-newest"), newest.pack()))
        first = page.messages[0]
        newer = HistoryPage(">", _microseconds(first.time), first.seq, view.token, view.day)
        row.append(Button(say(language, "history-newer"), newer.pack()))
    if page.older:
        last = page.messages[-1]
        older = HistoryPage("<", _microseconds(last.time), last.seq, view.token, view.day)
        row.append(Button(say(language, "history-older"), older.pack()))
    return row


def _filters(context: Context, view: HistoryPage, senders: list[HistorySender]) -> list[list[Button]]:
    """What is chosen; each button leads to other choices. With one sender there is nothing to choose."""
    language, rows = context.language, []
    chosen = next((whose(s.account, s.name) for s in senders if s.token == view.token), None)
    if len(senders) > 1 or view.token:
        name = shortened(chosen, BUTTON_LENGTH) if chosen else say(language, "history-all-senders")
        rows.append([Button(f"{name} ▾", HistorySenders(day=view.day).pack())])
    day = shown_day(date.fromordinal(view.day)) if view.day else say(language, "history-any-day")
    return [*rows, [Button(f"{day} ▾", HistoryDays(token=view.token).pack())]]


async def _senders(context: Context, view: HistorySenders) -> Text:
    language = context.language
    senders = await history.senders(context.chat.id)
    first = view.skipped if view.skipped < len(senders) else 0
    rows = [[Button(say(language, "history-all-senders"), HistoryPage(day=view.day).pack())]]
    for sender in senders[first : first + CHOICES]:
        name = shortened(whose(sender.account, sender.name), BUTTON_LENGTH)
        rows.append([Button(name, HistoryPage(token=sender.token, day=view.day).pack())])
    turns = []
    if first:
        back = HistorySenders(max(0, first - CHOICES), view.day)
        turns.append(Button(say(language, "history-back"), back.pack()))
    if len(senders) > first + CHOICES:
        more = HistorySenders(first + CHOICES, view.day)
        turns.append(Button(say(language, "history-more"), more.pack()))
    return formatted(language, "history-choose-sender", [*rows, *([turns] if turns else [])])


async def _days(context: Context, view: HistoryDays) -> Text:
    zone, language = context.zone, context.language
    before = context.now + timedelta(days=1)
    if view.before:
        before = history.start_of(date.fromordinal(view.before), zone)
    days = await history.days_with_messages(context.chat.id, zone, limit=CHOICES + 1, before=before)
    buttons = [
        Button(shown_day(day), HistoryPage(token=view.token, day=day.toordinal()).pack())
        for day in days[:CHOICES]
    ]
    rows = [[Button(say(language, "history-any-day"), HistoryPage(token=view.token).pack())]]
    rows += in_pairs(buttons)
    if len(days) > CHOICES:
        earlier = HistoryDays(days[CHOICES - 1].toordinal(), view.token)
        rows.append([Button(say(language, "history-earlier"), earlier.pack())])
    return formatted(language, "history-choose-day", rows)


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND

"""/history by tag: the messages with one hashtag, and the tags to choose from."""

from djangobot.bot.callback_data.buttons import HistoryPage, HistoryTags, TagPage
from djangobot.bot.context import Context
from djangobot.bot.rendering import timezones
from djangobot.bot.rendering.entries import full_buttons, listed
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages import tags
from djangobot.db.messages.history import history
from djangobot.db.messages.history.history import Place
from djangobot.db.messages.messages import NEWER_THAN_ALL
from djangobot.db.messages.tags import Tag

PAGE = 5
TEXT_SHOWN = 220
"""Characters of each message. With its title, files and tags a page of five stays below 4096."""
CHOICES = 8
"""Tags to choose from at once."""


async def show(context: Context) -> None:
    """Shows the newest messages with the tag after the command."""
    tag = await tags.find(context.chat.id, context.argument)
    if tag is None:
        choice = await choice_button(context.language, context.chat.id)
        await context.reply(formatted(context.language, "history-no-tag", choice))
        return
    await context.reply(await _page(context, tag, TagPage(tag.id)))


async def show_page(context: Context, data: TagPage) -> None:
    """Shows a page of the messages with a tag in place of this message."""
    tag = await tags.named(context.chat.id, data.tag)
    if tag is None:
        return await context.answer(say(context.language, "history-tag-gone"))
    await context.replace(await _page(context, tag, data))
    await context.answer()


async def choose(context: Context, data: HistoryTags) -> None:
    """Shows the tags to choose from in place of this message."""
    language = context.language
    found = await tags.of_chat(context.chat.id, limit=CHOICES + 1, skipped=data.skipped)
    rows = [[Button(say(language, "history-any-tag"), HistoryPage().pack())]]
    for tag in found[:CHOICES]:
        rows.append([Button(f"{_shown(tag)} ({tag.messages})", TagPage(tag.id).pack())])
    turns = []
    if data.skipped:
        back = HistoryTags(max(0, data.skipped - CHOICES))
        turns.append(Button(say(language, "history-back"), back.pack()))
    if len(found) > CHOICES:
        turns.append(Button(say(language, "history-more"), HistoryTags(data.skipped + CHOICES).pack()))
    await context.replace(formatted(language, "history-choose-tag", [*rows, *([turns] if turns else [])]))
    await context.answer()


async def choice_button(language: str, chat_id: int) -> list[list[Button]]:
    """The button that leads to the tags. None for somebody whose messages have none."""
    if not await tags.any_of_chat(chat_id):
        return []
    return [[Button(f"{say(language, 'history-any-tag')} ▾", HistoryTags().pack())]]


async def _page(context: Context, tag: Tag, view: TagPage) -> Text:
    language, zone = context.language, context.zone
    place = Place(context.now, view.message or NEWER_THAN_ALL)
    page = await history.page(
        context.chat.id,
        limit=PAGE,
        before=place if view.way == "<" else None,
        after=place if view.way == ">" else None,
        tag=tag.tag,
    )
    if not page.messages and view.way:  # these messages were deleted meanwhile
        return await _page(context, tag, TagPage(tag.id))
    lines = [formatted(language, "history-title", zone=timezones.shown(language, str(zone)))]
    lines += [
        listed(language, entry, zone, Text(shortened(entry.text, TEXT_SHOWN))) for entry in page.messages
    ]
    turns = []
    if page.newer:
        newer = TagPage(tag.id, ">", page.messages[0].seq)
        turns.append(Button(say(language, "history-newer"), newer.pack()))
    if page.older:
        older = TagPage(tag.id, "<", page.messages[-1].seq)
        turns.append(Button(say(language, "history-older"), older.pack()))
    rows = [*full_buttons(language, page.messages, zone, TEXT_SHOWN), turns]
    rows.append([Button(f"{_shown(tag)} ▾", HistoryTags().pack())])
    return joined(lines, separator="\n\n", buttons=[row for row in rows if row])


def _shown(tag: Tag) -> str:
    return shortened(f"#{tag.tag}", BUTTON_LENGTH)

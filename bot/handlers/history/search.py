"""/search: messages by their words, with the words in bold, page by page in one message."""

from djangobot.bot.callback_data.buttons import SearchPage
from djangobot.bot.callback_data.questions import SearchWords
from djangobot.bot.context import Context
from djangobot.bot.rendering import timezones
from djangobot.bot.rendering.entries import full_buttons, listed
from djangobot.bot.rendering.humanize import shortened
from djangobot.bot.rendering.replies import formatted, joined, say, with_bold
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages.history import search
from djangobot.db.messages.history.history import Page

PAGE = 5
TEXT_SHOWN = 220
BEFORE_HIT = 60
"""Characters shown before the first word that was searched for."""
WORDS_SHOWN = 100
MOST_BOLD = 15
"""Hits in one text. Telegram shows a hundred formatted places of a message."""
CATCH_UP = 2.0
"""Seconds that a search waits until new messages are indexed."""


async def show(context: Context) -> None:
    """Searches for the words after the command, or asks for them."""
    if context.argument:
        return await _search(context, context.argument)
    await context.ask(SearchWords(), formatted(context.language, "search-what"))


async def on_words(context: Context, _: SearchWords) -> None:
    """Searches for the words that were asked for."""
    await _search(context, context.text)


async def show_page(context: Context, data: SearchPage) -> None:
    """Shows another page of a search in place of this message."""
    words = await search.recall(context.chat.id, data.search)
    if words is None:
        return await context.answer(say(context.language, "search-old"))
    bound = {"before" if data.way == "<" else "after": data.message}
    page = await search.find(context.chat.id, words, limit=PAGE, **bound)
    if not page.messages:  # these messages were deleted meanwhile
        page = await search.find(context.chat.id, words, limit=PAGE)
    await context.replace(_shown(context, page, words, data.search))
    await context.answer()


async def _search(context: Context, words: str) -> None:
    complete = await search.catch_up(CATCH_UP)
    page = await search.find(context.chat.id, words, limit=PAGE)
    search_id = await search.remember(context.chat.id, words) if page.older else 0
    found = _shown(context, page, words, search_id)
    late = [] if complete else [formatted(context.language, "search-late")]
    await context.reply(joined([found, *late], separator="\n\n", buttons=found.buttons))


def _shown(context: Context, page: Page, words: str, search_id: int) -> Text:
    language, zone = context.language, context.zone
    shown_words = shortened(words, WORDS_SHOWN)
    if not page.messages:
        return formatted(language, "search-none", words=shown_words)
    lines = [
        formatted(language, "search-found", words=shown_words, zone=timezones.shown(language, str(zone)))
    ]
    lines += [listed(language, entry, zone, _around_hits(entry.text, words)) for entry in page.messages]
    row = []
    if page.newer:
        newer = SearchPage(search_id, ">", page.messages[0].seq)
        row.append(Button(say(language, "history-newer"), newer.pack()))
    if page.older:
        older = SearchPage(search_id, "<", page.messages[-1].seq)
        row.append(Button(say(language, "history-older"), older.pack()))
    return joined(
        lines,
        separator="\n\n",
        buttons=[*full_buttons(language, page.messages, zone, TEXT_SHOWN), *([row] if row else [])],
    )


def _around_hits(text: str, words: str) -> Text:
    """The text on one line, from a little before the first hit on, with the hits in bold."""
    line = " ".join(text.split())
    first = next(iter(search.hits(line, words)), (0, 0))[0]
    if first > BEFORE_HIT and len(line) > TEXT_SHOWN:
        start = line.rfind(" ", 0, first - BEFORE_HIT // 2) + 1
        line = f"…{line[max(start, first - BEFORE_HIT) :]}"
    line = shortened(line, TEXT_SHOWN)
    return with_bold(line, search.hits(line, words)[:MOST_BOLD])

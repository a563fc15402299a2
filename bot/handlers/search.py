"""/search: messages by their words, what was looked for in bold, page by page in one message."""

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.handlers.history import headed, to_36
from djangobot.bot.rendering import timezones
from djangobot.bot.rendering.humanize import shortened
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages import search
from djangobot.db.messages.history import Page
from djangobot.db.messages.rich_text.spans import Span, utf16_length
from djangobot.db.people import chats

PAGE = 5
TEXT_SHOWN = 240
BEFORE_HIT = 60
"""Characters shown before the first word that was looked for."""
WORDS_SHOWN = 100
MOST_BOLD = 15
"""Hits in one text; Telegram shows a hundred formatted places of a message."""
CATCH_UP = 2.0
"""Seconds a search waits for what is new to be indexed."""


async def show(visit: Context) -> None:
    """Looks for what stands behind the command, or asks for it."""
    if visit.argument:
        return await _look_for(visit, visit.argument)
    await visit.reply(formatted(visit.language, "search-what"))
    await chats.ask(visit.chat.id, "search", visit.now)


async def on_answer(visit: Context) -> None:
    """What to look for, after it was asked."""
    await _look_for(visit, visit.text)


async def turn_page(visit: Context) -> None:
    """Another page of a search in place of this one."""
    search_id, way, start = _read(visit.argument)
    words = await search.recall(visit.chat.id, search_id)
    if words is None:
        return await visit.answer(say(visit.language, "search-old"))
    bound = {"before" if way == "<" else "after": start} if way else {}
    page = await search.find(visit.chat.id, words, limit=PAGE, **bound)
    if not page.messages:  # gone meanwhile
        page = await search.find(visit.chat.id, words, limit=PAGE)
    await visit.replace(_shown(visit, page, words, search_id))
    await visit.answer()


async def _look_for(visit: Context, words: str) -> None:
    complete = await search.catch_up(CATCH_UP)
    page = await search.find(visit.chat.id, words, limit=PAGE)
    turnable = page.older and await search.remember(visit.chat.id, words)
    found = _shown(visit, page, words, turnable or 0)
    late = [] if complete else [formatted(visit.language, "search-late")]
    await visit.reply(joined([found, *late], separator="\n\n", buttons=found.buttons))


def _shown(visit: Context, page: Page, words: str, search_id: int) -> Text:
    language, zone = visit.language, visit.zone
    shown_words = shortened(words, WORDS_SHOWN)
    if not page.messages:
        return formatted(language, "search-none", words=shown_words)
    lines = [
        formatted(language, "search-found", words=shown_words, zone=timezones.shown(language, str(zone)))
    ]
    lines += [headed(language, entry, zone, _around_hits(entry.text, words)) for entry in page.messages]
    row = []
    name = f"search:{to_36(search_id)}"
    if page.newer:
        row.append(Button(say(language, "history-newer"), f"{name}>{to_36(page.messages[0].seq)}"))
    if page.older:
        row.append(Button(say(language, "history-older"), f"{name}<{to_36(page.messages[-1].seq)}"))
    return joined(lines, separator="\n\n", buttons=[row] if row else [])


def _around_hits(text: str, words: str) -> Text:
    """On one line, from a little before the first hit on, with the hits in bold."""
    line = " ".join(text.split())
    first = next(iter(search.hits(line, words)), (0, 0))[0]
    if first > BEFORE_HIT and len(line) > TEXT_SHOWN:
        start = line.rfind(" ", 0, first - BEFORE_HIT // 2) + 1
        line = f"…{line[max(start, first - BEFORE_HIT) :]}"
    line = shortened(line, TEXT_SHOWN)
    bold = [
        Span("bold", utf16_length(line[:start]), utf16_length(line[start:end]))
        for start, end in search.hits(line, words)[:MOST_BOLD]
    ]
    return Text(line, tuple(bold))


def _read(argument: str) -> tuple[int, str, int]:
    """`ID<START` or `ID>START`; what can't be one is no search of anybody's."""
    for way in "<>":
        search_id, found, start = argument.partition(way)
        try:
            if found and max(len(search_id), len(start)) < 13:
                return int(search_id, 36), way, int(start, 36)
        except ValueError:
            break
    return 0, "", 0

"""/history: the last messages, page by page in one message."""

from djangobot.bot.gateway import Button, Text
from djangobot.bot.replies import formatted, joined, say, shortened, shown_time
from djangobot.bot.visits import Visit
from djangobot.db import messages
from djangobot.db.messages import Entry

PAGE = 5
TEXT_SHOWN = 300
"""Characters of each message; a page of five stays far below 4096."""


async def show(visit: Visit) -> None:
    """The newest messages."""
    await visit.reply(await _page(visit, ""))


async def turn_page(visit: Visit) -> None:
    """Another page in place of this one."""
    await visit.replace(await _page(visit, visit.argument))
    await visit.answer()


async def _page(visit: Visit, cursor: str) -> Text:
    """`cursor`: `<ID` for messages older than ID, `>ID` for newer ones, nothing for the newest."""
    before, after = _number(cursor, "<"), _number(cursor, ">")
    page = await messages.page_of_chat(visit.chat.id, limit=PAGE, before=before, after=after)
    if not page.messages:
        return formatted(visit.language, "history-end" if cursor else "history-none")
    lines = [formatted(visit.language, "history-title")]
    lines += [_line(visit.language, entry) for entry in page.messages]
    return joined(lines, separator="\n\n", buttons=_buttons(visit.language, page))


def _buttons(language: str, page: messages.Page) -> list[list[Button]]:
    row = []
    if page.newer is not None:
        row.append(Button(say(language, "history-newer"), f"history:>{page.newer}"))
    if page.next is not None:
        row.append(Button(say(language, "history-older"), f"history:<{page.next}"))
    return [row] if row else []


def _line(language: str, entry: Entry) -> Text:
    return formatted(
        language,
        "history-line",
        sender=entry.sender,
        time=shown_time(entry.time),
        status=entry.status,
        text=shortened(entry.text, TEXT_SHOWN),
    )


def _number(cursor: str, mark: str) -> int | None:
    digits = cursor[1:]
    valid = cursor.startswith(mark) and digits.isascii() and digits.isdigit() and len(digits) < 19
    return int(digits) if valid else None

"""/quiet: the hours in which messages come without a sound, or in one digest afterwards."""

import re

from djangobot.bot.callback_data.buttons import SetHours, SetQuietMode, ShowHours
from djangobot.bot.context import Context
from djangobot.bot.handlers import settings
from djangobot.bot.handlers.settings import back_row, card, shown_hours, shown_mode
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.people import digests

TIME = r"(\d{1,2})(?:[:.]?([0-5]\d))?"
HOURS = re.compile(rf"{TIME}\s*[-–—−]\s*{TIME}", re.ASCII)
OFFERED = ("22:00-07:00", "23:00-08:00", "00:00-09:00")
OFF = ("off", "выкл", "нет", "no", "0")


async def show(context: Context) -> None:
    """/quiet 23:00-08:00, /quiet off, or /quiet for the choices."""
    words = context.argument.lower()
    hours = read_hours(words)
    if not words:
        await context.reply(_choices(context))
    elif words in OFF:
        await _change(context, "", "")
        await context.reply(formatted(context.language, "quiet-off"))
    elif hours is not None:
        await _change(context, *hours)
        await _confirm(context)
    else:
        await context.reply(formatted(context.language, "quiet-wrong"))


async def choose(context: Context, _: ShowHours) -> None:
    """Shows the hours to choose from in place of this message."""
    await context.replace(_choices(context))
    await context.answer()


async def set_hours(context: Context, data: SetHours) -> None:
    """Sets the quiet hours of a button. Asks for the time zone when it is not known."""
    hours = read_hours(data.hours)
    await _change(context, *(hours or ("", "")))
    await settings.confirm(context)
    if hours is not None and not context.chat.chat_settings.zone:
        await settings.ask_for_zone(context)


async def set_mode(context: Context, data: SetQuietMode) -> None:
    """Sets whether messages come silently, or in one digest afterwards."""
    await settings.change(context, quiet_mode=data.mode)
    await digests.release(context.chat.id, context.now)
    await settings.confirm(context)


def read_hours(written: str) -> tuple[str, str] | None:
    """Both times as `23:00`. None when they are no times, or the same."""
    found = HOURS.fullmatch(written.strip())
    if found is None or int(found[1]) > 23 or int(found[3]) > 23:
        return None
    begins, ends = (f"{int(found[at]):02}:{found[at + 1] or '00'}" for at in (1, 3))
    return None if begins == ends else (begins, ends)


async def _change(context: Context, begins: str, ends: str) -> None:
    await settings.change(context, quiet_from=begins, quiet_to=ends)
    await digests.release(context.chat.id, context.now)


async def _confirm(context: Context) -> None:
    hours, mode = shown_hours(context.chat.chat_settings), shown_mode(context)
    text = formatted(context.language, "quiet-set", hours=hours, mode=mode)
    if context.chat.chat_settings.zone:
        await context.reply(joined([text], buttons=card(context).buttons))
    else:
        await context.reply(text)
        await settings.ask_for_zone(context)


def _choices(context: Context) -> Text:
    row = [Button(hours.replace("-", "–"), SetHours(hours).pack()) for hours in OFFERED]
    off = [Button(say(context.language, "quiet-none"), SetHours().pack())]
    return formatted(context.language, "quiet-choose", [row[:2], row[2:], off, back_row(context)])

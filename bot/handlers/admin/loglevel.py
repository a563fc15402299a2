"""/loglevel: how much is logged; `/loglevel debug` or a button changes it."""

from djangobot.bot import log as logs
from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.jobs import log_level
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin.log_level import LEVELS, read


async def show(visit: Context) -> None:
    """The card, after the change that was asked for."""
    word = visit.argument.lower()
    level = read(word)
    if level is not None:
        await log_level.choose(level, visit.chat.id, visit.now)
    elif word:
        await visit.reply(formatted(visit.language, "loglevel-usage"))
        return
    await visit.reply(_card(visit))


async def refresh(visit: Context) -> None:
    """The button of a level."""
    level = read(visit.argument)
    if level is None:
        return await visit.answer(say(visit.language, "button-unknown"))
    await log_level.choose(level, visit.chat.id, visit.now)
    await visit.replace(_card(visit))
    await visit.answer(say(visit.language, "loglevel-chosen", level=level))


def _card(visit: Context) -> Text:
    chosen = logs.level()
    buttons = [Button(f"✓ {level}" if level == chosen else level, f"loglevel:{level}") for level in LEVELS]
    text = formatted(visit.language, "loglevel-card", level=chosen)
    return joined([text], buttons=[buttons[:2], buttons[2:]])

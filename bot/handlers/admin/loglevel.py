"""/loglevel: how much is logged; `/loglevel debug` or a button changes it."""

from djangobot.bot import log as logs
from djangobot.bot.callback_data.admin_buttons import SetLogLevel
from djangobot.bot.context import Context
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import log_level
from djangobot.db.admin.log_level import LEVELS, Level


async def show(context: Context) -> None:
    """Shows the card, after the change that was asked for."""
    word = context.argument.lower()
    level = log_level.read(word)
    if level is not None:
        await _choose(context, level)
    elif word:
        await context.reply(formatted(context.language, "loglevel-usage"))
        return
    await context.reply(_card(context))


async def choose(context: Context, data: SetLogLevel) -> None:
    """Sets the level of a button."""
    await _choose(context, data.level)
    await context.replace(_card(context))
    await context.answer(say(context.language, "loglevel-chosen", level=data.level))


async def _choose(context: Context, level: Level) -> None:
    """Sets the level for all processes: for this one at once, for the others at their next check."""
    await log_level.choose(level, context.chat.id, context.now)
    logs.change_level(level)


def _card(context: Context) -> Text:
    chosen = logs.level()
    buttons = [
        Button(f"✓ {level}" if level == chosen else level, SetLogLevel(level).pack()) for level in LEVELS
    ]
    text = formatted(context.language, "loglevel-card", level=chosen)
    return joined([text], buttons=[buttons[:2], buttons[2:]])

"""/loglevel: how much is logged; `/loglevel debug` or a button changes it."""

from djangobot.bot import log as logs
from djangobot.bot import verbosity
from djangobot.bot.gateway import Button, Text
from djangobot.bot.log import LEVELS
from djangobot.bot.replies import formatted, joined, say
from djangobot.bot.visits import Visit


async def show(visit: Visit) -> None:
    """The card, after the change that was asked for."""
    word = visit.argument.lower()
    level = verbosity.read(word)
    if level is not None:
        await verbosity.choose(level, visit.chat.id, visit.now)
    elif word:
        await visit.reply(formatted(visit.language, "loglevel-usage"))
        return
    await visit.reply(_card(visit))


async def turn(visit: Visit) -> None:
    """The button of a level."""
    level = verbosity.read(visit.argument)
    if level is None:
        return await visit.answer(say(visit.language, "button-unknown"))
    await verbosity.choose(level, visit.chat.id, visit.now)
    await visit.replace(_card(visit))
    await visit.answer(say(visit.language, "loglevel-chosen", level=level))


def _card(visit: Visit) -> Text:
    chosen = logs.level()
    buttons = [Button(f"✓ {level}" if level == chosen else level, f"loglevel:{level}") for level in LEVELS]
    text = formatted(visit.language, "loglevel-card", level=chosen)
    return joined([text], buttons=[buttons[:2], buttons[2:]])

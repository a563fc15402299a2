"""/config: the settings in force, without their secrets."""

from djangobot.bot.context import Context
from djangobot.bot.rendering.humanize import shortened
from djangobot.bot.rendering.replies import formatted, joined

VALUE = 90
"""Characters shown of a value: with every one that long, all of them fit into one message."""
LINES = {"default": "config-default", "generated": "config-generated", "set": "config-set"}


async def show(context: Context) -> None:
    """/config"""
    lines = [formatted(context.language, "config-title")]
    lines += [
        formatted(
            context.language, LINES[one.origin], name=one.name, value=shortened(one.value, VALUE) or "–"
        )
        for one in context.settings.in_force()
    ]
    await context.reply(joined(lines))

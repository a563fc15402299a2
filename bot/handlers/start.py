"""/start: a greeting, and a code. The greeting stays when the code ends, so codes.py writes both."""

import re

from djangobot.bot.context import Context
from djangobot.bot.handlers import codes

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What Telegram passes on from a link t.me/<bot>?start=… (core.telegram.org/api/links#bot-links)."""


async def start(context: Context) -> None:
    """Greets and shows a code. A link's parameter is the name of the token to be made."""
    name = context.argument if NAME.fullmatch(context.argument) else None
    await codes.give(context, "start", name)

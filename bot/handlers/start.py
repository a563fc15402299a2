"""/start: who we are, and a code."""

import re

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.handlers import codes

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What Telegram passes on from a link t.me/<bot>?start=… (core.telegram.org/api/links#bot-links)."""


async def start(visit: Context) -> None:
    """Greets and gives a code; a link's parameter names the token to come."""
    name = visit.argument if NAME.fullmatch(visit.argument) else None
    await codes.give(visit, "start", name)

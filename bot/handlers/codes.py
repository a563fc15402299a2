"""/code: a new one; the one before it is dead."""

from djangobot.bot.replies import formatted, shown_code
from djangobot.bot.visits import Visit
from djangobot.db import codes


async def new_code(visit: Visit) -> None:
    """Gives a code."""
    code = await codes.issue(visit.chat, visit.now)
    minutes = int(codes.CODE_TTL.total_seconds() // 60)
    await visit.reply(formatted(visit.language, "code", code=shown_code(code), minutes=minutes))

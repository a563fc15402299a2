"""/start: who we are, and a code."""

from djangobot.bot.replies import formatted, shown_code
from djangobot.bot.visits import Visit
from djangobot.db import codes


async def start(visit: Visit) -> None:
    """Greets and gives a code."""
    code = await codes.issue(visit.chat, visit.now)
    minutes = int(codes.CODE_TTL.total_seconds() // 60)
    name = visit.chat.first_name or visit.chat.username or str(visit.chat.id)
    await visit.reply(formatted(visit.language, "start", name=name, code=shown_code(code), minutes=minutes))

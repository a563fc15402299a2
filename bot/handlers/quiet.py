"""What a digest's button shows."""

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.handlers import history


async def show_history(visit: Context) -> None:
    """The newest messages, in a message of their own: the digest stays."""
    await history.show(visit)
    await visit.answer()

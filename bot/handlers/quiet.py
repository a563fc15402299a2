"""What a digest's button shows."""

from djangobot.bot.handlers import history
from djangobot.bot.visits import Visit


async def show_history(visit: Visit) -> None:
    """The newest messages, in a message of their own: the digest stays."""
    await history.show(visit)
    await visit.answer()

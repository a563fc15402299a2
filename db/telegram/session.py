"""Telegram sessions: a bot uses its session to talk to Telegram without signing in again. They are stored
sealed."""

from datetime import datetime

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

from djangobot.db.engine import current


class TelegramSession(Table, tablename="telegram_session"):
    """One session for each bot. The database alone is not enough to use it: it is sealed under a key that is
    kept elsewhere."""

    bot = BigInt(primary_key=True)
    sealed = Text(secret=True)
    changed = Timestamptz()


FIRST = """
INSERT INTO telegram_session (bot, sealed, changed) VALUES ($1, $2, $3) ON CONFLICT (bot) DO NOTHING
"""


async def load(bot_id: int, first: str, now: datetime) -> str:
    """Returns the sealed session of a bot. Stores `first` when there is none yet. Several processes that
    start at once all get the same session."""
    await current().execute(FIRST, bot_id, first, now)
    rows = await current().fetch("SELECT sealed FROM telegram_session WHERE bot = $1", bot_id)
    return str(rows[0]["sealed"])


async def save(bot_id: int, sealed: str, now: datetime) -> None:
    """Replaces the session of a bot."""
    await current().execute(
        "UPDATE telegram_session SET sealed = $2, changed = $3 WHERE bot = $1", bot_id, sealed, now
    )

"""Sessions: what lets a bot talk to Telegram without signing in anew, sealed; we only keep it."""

from datetime import datetime

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

from djangobot.db.engine import current


class TelegramSession(Table, tablename="telegram_session"):
    """One of each bot. Whoever reads the database alone can't use it: it is sealed under a key kept
    elsewhere."""

    bot = BigInt(primary_key=True)
    sealed = Text(secret=True)
    changed = Timestamptz()


FIRST = """
INSERT INTO telegram_session (bot, sealed, changed) VALUES ($1, $2, $3) ON CONFLICT (bot) DO NOTHING
"""


async def load(bot_id: int, first: str, now: datetime) -> str:
    """The sealed session of a bot; `first` becomes it when there is none yet. Of several processes that start
    at once, all get the same."""
    await current().execute(FIRST, bot_id, first, now)
    rows = await current().fetch("SELECT sealed FROM telegram_session WHERE bot = $1", bot_id)
    return str(rows[0]["sealed"])


async def save(bot_id: int, sealed: str, now: datetime) -> None:
    """In place of the one before."""
    await current().execute(
        "UPDATE telegram_session SET sealed = $2, changed = $3 WHERE bot = $1", bot_id, sealed, now
    )

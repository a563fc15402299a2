"""Update state: up to which update each bot has handled what people did. Nothing that happened while the bot
was away is missed."""

import msgspec
from piccolo.columns import BigInt, Integer
from piccolo.table import Table

from djangobot.db.engine import current


class UpdateStateRow(Table, tablename="update_state"):
    """Telegram's pts, qts and date (core.telegram.org/api/updates). Everything up to them has been
    handled."""

    bot = BigInt(primary_key=True)
    pts = Integer()
    qts = Integer()
    date = Integer()


class UpdateState(msgspec.Struct, frozen=True):
    """`date` is in seconds since 1970."""

    pts: int
    qts: int
    date: int


SAVE = """
INSERT INTO update_state (bot, pts, qts, date) VALUES ($1, $2, $3, $4)
ON CONFLICT (bot) DO UPDATE SET pts = excluded.pts, qts = excluded.qts, date = excluded.date
"""


async def load(bot_id: int) -> UpdateState | None:
    """Returns the state of a bot. None when the bot has not been used here before."""
    rows = await current().fetch("SELECT pts, qts, date FROM update_state WHERE bot = $1", bot_id)
    return UpdateState(**rows[0]) if rows else None


async def save(bot_id: int, position: UpdateState) -> None:
    """Stores the state: everything up to it has been handled."""
    await current().execute(SAVE, bot_id, position.pts, position.qts, position.date)

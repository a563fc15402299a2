"""Admins: the people who run the service from the chat. The admins in the settings are always admins. They
appoint others."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from piccolo.columns import BigInt, Timestamptz
from piccolo.table import Table

from djangobot.db import audit
from djangobot.db.engine import current

Dismissal = Literal["dismissed", "no admin", "of the settings", "the last"]


class Admin(Table, tablename="admin"):
    """An admin appointed by another admin. `appointed_by` is 0 for the machine's command line."""

    chat = BigInt(primary_key=True)
    appointed_by = BigInt()
    appointed = Timestamptz()


async def is_admin(chat_id: int, of_settings: Collection[int]) -> bool:
    """Whether this person is an admin now. The database is asked each time."""
    if chat_id in of_settings:
        return True
    return bool(await current().fetch("SELECT 1 AS one FROM admin WHERE chat = $1", chat_id))


async def every(of_settings: Collection[int]) -> list[int]:
    """The Telegram ids of all admins; those of the settings first."""
    rows = await current().fetch("SELECT chat FROM admin ORDER BY appointed, chat")
    return [*of_settings, *(row["chat"] for row in rows if row["chat"] not in of_settings)]


async def appoint(chat_id: int, by: int, now: datetime) -> bool:
    """Appoints an admin. Returns whether that is new."""
    engine = current()
    async with engine.write():
        rows = await engine.execute(
            "INSERT INTO admin (chat, appointed_by, appointed) VALUES ($1, $2, $3)"
            " ON CONFLICT (chat) DO NOTHING RETURNING chat",
            chat_id,
            by,
            now,
        )
        if rows:
            await audit.record(by, "appoint", str(chat_id), False, True, now)
    return bool(rows)


async def dismiss(chat_id: int, by: int, of_settings: Collection[int], now: datetime) -> Dismissal:
    """Dismisses an admin and returns the outcome. An admin of the settings can't be dismissed, nor can the
    last admin."""
    if chat_id in of_settings:
        return "of the settings"
    engine = current()
    async with engine.write():
        # Of two who dismiss each other at once, the second waits here until the first has committed.
        rows = await engine.execute("UPDATE admin SET appointed = appointed RETURNING chat")
        if chat_id not in {row["chat"] for row in rows}:
            return "no admin"
        if len(rows) == 1 and not of_settings:
            return "the last"
        await engine.execute("DELETE FROM admin WHERE chat = $1", chat_id)
        await audit.record(by, "dismiss", str(chat_id), True, False, now)
    return "dismissed"

"""Bans: admins keep an account from sending, or a person from using the bot. Admins can't be banned.

A ban and its audit entry are one transaction. A ban holds at once in every process, because the database is
asked each time.
"""

from collections.abc import Collection
from datetime import datetime

from djangobot.db import audit
from djangobot.db.admin import users
from djangobot.db.admin.users import Kind
from djangobot.db.delivery import outcomes, recalls, scheduled_messages, wakeups
from djangobot.db.delivery.scheduled_messages import RESTORED
from djangobot.db.engine import Row, current

# ruff: noqa: S608 - the statements are put together from constants.
BAN = {
    "account": "UPDATE account SET banned = $2 WHERE id = $1 AND banned IS NULL RETURNING id",
    "chat": "UPDATE chat SET banned = $2 WHERE id = $1 AND banned IS NULL RETURNING id",
}
UNBAN = {
    "account": "UPDATE account SET banned = NULL WHERE id = $1 AND banned IS NOT NULL RETURNING id",
    "chat": "UPDATE chat SET banned = NULL WHERE id = $1 AND banned IS NOT NULL RETURNING id",
}
# Uses the index of unsettled messages. The plus keeps SQLite from reading everything the account ever sent.
CANCEL = f"""
UPDATE message SET status = 'canceled', failure = '{outcomes.ACCOUNT_BANNED}'
WHERE status IN ('queued', 'sending') AND status = 'queued' AND kind IN ('message', 'edit') AND +account = $1
RETURNING public_id
"""
# Uses the index of scheduled messages.
CANCEL_SCHEDULED = f"""
UPDATE message SET status = 'canceled', failure = '{outcomes.ACCOUNT_BANNED}'
WHERE status = 'scheduled' AND +account = $1
RETURNING public_id
"""
RESTORE = f"""
UPDATE message SET status = {RESTORED.format(now="$2")}, failure = NULL, next_attempt = $2
WHERE status = 'canceled' AND failure = '{outcomes.ACCOUNT_BANNED}'
  AND token IN (SELECT id FROM bot_token t WHERE t.account = $1 AND {users.LIVING})
RETURNING chat
"""


async def ban(kind: Kind, number: int, by: int, now: datetime, *, of_settings: Collection[int]) -> bool:
    """Bans an account or a chat. Returns whether that is new. The tokens of a banned account stop working,
    and its queued messages are canceled. A banned chat gets nothing and can do nothing; the messages queued
    for it wait. `of_settings`: the admins of the settings.

    Raises UserIsAdmin.
    """
    engine = current()
    canceled: list[Row] = []
    async with audit.audited(by, "ban", f"{kind} {number}", False, True, now) as done:
        await users.refuse_admin(kind, number, of_settings)
        if await engine.execute(BAN[kind], number, now):
            done()
            if kind == "account":
                canceled = await engine.execute(CANCEL, number)
                canceled += await engine.execute(CANCEL_SCHEDULED, number)
            await recalls.record(now)
    await recalls.apply()
    for row in canceled:
        wakeups.notify_settled(str(row["public_id"]), "canceled", outcomes.ACCOUNT_BANNED)
    return done.was


async def unban(kind: Kind, number: int, by: int, now: datetime) -> bool:
    """Lifts a ban. Returns whether that is new. The messages that the ban canceled are queued again, unless
    they have expired."""
    engine = current()
    chats: set[int] = set()
    async with audit.audited(by, "unban", f"{kind} {number}", True, False, now) as done:
        if await engine.execute(UNBAN[kind], number):
            done()
            restored = await engine.execute(RESTORE, number, now) if kind == "account" else []
            chats = {number} if kind == "chat" else {row["chat"] for row in restored}
    for chat in chats:
        wakeups.notify_due(chat)
    scheduled_messages.notify()
    return done.was

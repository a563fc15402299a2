"""Bans: admins keep an account from sending, or a person from using the bot. Admins can't be banned.

A ban and its audit entry are one transaction. A ban holds at once in every process, because the database is
asked each time.
"""

from collections.abc import Collection
from datetime import datetime

from djangobot.db import audit
from djangobot.db.admin import users
from djangobot.db.admin.users import Kind
from djangobot.db.delivery import outbox, outcomes, scheduled_messages
from djangobot.db.delivery.pubsub import recalls, waiters, wakeups
from djangobot.db.delivery.scheduled_messages import RESTORED
from djangobot.db.engine import current

# ruff: noqa: S608 - the statements are put together from constants.
BAN = {
    "account": "UPDATE account SET banned = $2 WHERE id = $1 AND banned IS NULL RETURNING id",
    "chat": "UPDATE chat SET banned = $2 WHERE id = $1 AND banned IS NULL RETURNING id",
}
UNBAN = {
    "account": "UPDATE account SET banned = NULL WHERE id = $1 AND banned IS NOT NULL RETURNING id",
    "chat": "UPDATE chat SET banned = NULL WHERE id = $1 AND banned IS NOT NULL RETURNING id",
}
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
    canceled: list[str] = []
    async with audit.audited(by, "ban", f"{kind} {number}", False, True, now) as done:
        await users.refuse_admin(kind, number, of_settings)
        if await engine.execute(BAN[kind], number, now):
            done()
            if kind == "account":
                canceled = await outbox.cancel_all(number, outcomes.ACCOUNT_BANNED)
            await recalls.record(now)
    await recalls.apply()
    for public_id in canceled:
        waiters.notify_settled(public_id, "canceled", outcomes.ACCOUNT_BANNED)
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

"""Schedule: what is to come for a person, and what they decide about it."""

from datetime import datetime

from djangobot.db.delivery import scheduled_messages
from djangobot.db.delivery.pubsub import waiters, wakeups
from djangobot.db.engine import current
from djangobot.db.messages.messages import ONE, Entry, entry_of

CANCELED_BY_PERSON = "canceled by the person"
"""The failure of a message that the person did not want to come."""

# ruff: noqa: S608 - the statements are put together from constants.
COMING = f"""
{ONE} AND m.chat = $1 AND m.status = 'scheduled' ORDER BY m.send_at, m.id LIMIT $2 OFFSET $3
"""
CANCEL = f"""
UPDATE message SET status = 'canceled', failure = $3
WHERE id = $2 AND chat = $1 AND {scheduled_messages.IS_SCHEDULED} RETURNING public_id
"""
SEND_NOW = f"""
UPDATE message SET {scheduled_messages.QUEUED.format(now="$3")}
WHERE id = $2 AND chat = $1 AND {scheduled_messages.IS_SCHEDULED} RETURNING chat, urgent
"""


async def coming(chat_id: int, limit: int, offset: int = 0) -> list[Entry]:
    """The scheduled messages of this person. The next one comes first."""
    return [entry_of(row) for row in await current().fetch(COMING, chat_id, limit, offset)]


async def cancel(chat_id: int, message_id: int) -> bool:
    """Cancels a scheduled message. False when it is not scheduled any more."""
    rows = await current().execute(CANCEL, chat_id, message_id, CANCELED_BY_PERSON)
    for row in rows:
        waiters.notify_settled(str(row["public_id"]), "canceled", CANCELED_BY_PERSON)
    return bool(rows)


async def send_now(chat_id: int, message_id: int, now: datetime) -> bool:
    """Queues a scheduled message before its time. False when it is not scheduled any more."""
    rows = await current().execute(SEND_NOW, chat_id, message_id, now)
    for row in rows:
        wakeups.notify_new(row["chat"], urgent=row["urgent"])
    return bool(rows)

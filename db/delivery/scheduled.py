"""Chores: small things to be done in a chat at a later time, restart or not: a message to be changed once
its time is over.

A chore is done at least once; doing it twice must do no harm. Of one kind there is one for a message: a later
word about it replaces the earlier one.
"""

import asyncio
from datetime import datetime

import msgspec
from piccolo.columns import BigInt, BigSerial, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.delivery.wakeups import LoopFreeEvent
from djangobot.db.engine import current
from djangobot.db.people.chats import Chat


class ScheduledJobRow(Table, tablename="chore"):
    """`kind` says who does it, `message` is the Telegram id it is about, `argument` what else must be
    known."""

    id = BigSerial(primary_key=True)
    chat = ForeignKey(references=Chat, on_delete=OnDelete.cascade, null=False)
    kind = Varchar(length=32)
    message = BigInt()
    argument = Text()
    due = Timestamptz(default=None, index=True)


INDEXES = ("CREATE UNIQUE INDEX chore_of_message ON chore (chat, kind, message)",)


class ScheduledJob(msgspec.Struct, frozen=True):
    """A chore whose time has come."""

    id: int
    chat: int
    kind: str
    message: int
    argument: str
    due: datetime


PUT = """
INSERT INTO chore (chat, kind, message, argument, due) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (chat, kind, message) DO UPDATE SET argument = excluded.argument, due = excluded.due
"""


DUE = "SELECT id, chat, kind, message, argument, due FROM chore WHERE due <= $1 ORDER BY due, id LIMIT $2"


async def put(chat_id: int, kind: str, message_id: int, argument: str, due: datetime) -> None:
    """To be done about this message at `due`."""
    await current().execute(PUT, chat_id, kind, message_id, argument, due)
    notify()


async def bring_forward(chat_id: int, kind: str, message_id: int, more: str, now: datetime) -> None:
    """What is to be done about this message is due now, and `more` is to be known. In a transaction, call
    `ring` after it."""
    await current().execute(
        "UPDATE chore SET argument = argument || $4::text, due = $5::timestamptz"
        " WHERE chat = $1 AND kind = $2 AND message = $3",
        chat_id,
        kind,
        message_id,
        more,
        now,
    )
    notify()


async def due(now: datetime, limit: int) -> list[ScheduledJob]:
    """The longest overdue first."""
    rows = await current().fetch(DUE, now, limit)
    return [ScheduledJob(**row) for row in rows]


async def next_due() -> datetime | None:
    """When the next one falls due; None when there is none."""
    rows = await current().fetch("SELECT due FROM chore ORDER BY due LIMIT 1")
    return rows[0]["due"] if rows else None


async def done(chore: ScheduledJob) -> None:
    """Forgets it, unless something else is to be done about its message by now."""
    await current().execute(
        "DELETE FROM chore WHERE id = $1 AND argument = $2 AND due = $3", chore.id, chore.argument, chore.due
    )


async def postpone(chore: ScheduledJob, until: datetime) -> None:
    """Telegram does not want it now."""
    await current().execute(
        "UPDATE chore SET due = $4 WHERE id = $1 AND argument = $2 AND due = $3",
        chore.id,
        chore.argument,
        chore.due,
        until,
    )


async def drop(chat_id: int, kind: str, message_id: int) -> None:
    """Nothing of this kind is to be done about this message any more."""
    await current().execute(
        "DELETE FROM chore WHERE chat = $1 AND kind = $2 AND message = $3", chat_id, kind, message_id
    )


async def drop_all(chat_id: int, kind: str) -> None:
    """Nor about any other message in this chat."""
    await current().execute("DELETE FROM chore WHERE chat = $1 AND kind = $2", chat_id, kind)


_changed = LoopFreeEvent()


def notify() -> None:
    """There may be a new chore: wakes who does them, if that is this process."""
    _changed.set()


async def wait_for_due(seconds: float) -> None:
    """Until somebody rings, `seconds` at most."""
    try:
        async with asyncio.timeout(seconds):
            await _changed.wait()
    except TimeoutError:
        pass
    _changed.clear()

"""Scheduled jobs: small changes to be made in a chat at a later time, such as editing a message when its time
is over. They survive a restart.

A job runs at least once; running it twice must do no harm. A message has at most one job of each kind. A
later job replaces the earlier one.
"""

from datetime import datetime
from typing import Any

import msgspec
from piccolo.columns import BigInt, BigSerial, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.reference import LazyTableReference
from piccolo.table import Table

from djangobot.db.delivery.local_worker import local_worker
from djangobot.db.delivery.pubsub import pubsub
from djangobot.db.delivery.pubsub.pubsub import Topic
from djangobot.db.engine import current
from djangobot.db.engine.events import LoopFreeEvent

CHAT = LazyTableReference("Chat", module_path="djangobot.db.people.chats")
"""The queue names the tables above it, as its SQL does, and imports none of them."""


class ScheduledJobRow(Table, tablename="scheduled_job"):
    """`kind` names the handler, `message` is a number of the message, mostly Telegram's id, and `argument`
    holds what else the handler needs."""

    id = BigSerial(primary_key=True)
    chat: ForeignKey[Any] = ForeignKey(references=CHAT, on_delete=OnDelete.cascade, null=False)
    kind = Varchar(length=32)
    message = BigInt()
    argument = Text()
    due = Timestamptz(default=None, index=True)


DELETION = "delete"
"""The kind of the jobs that delete a message from the chat. Their message is the row's id, because Telegram's
may not be known yet, and so is their argument."""
INDEXES = ("CREATE UNIQUE INDEX scheduled_job_of_message ON scheduled_job (chat, kind, message)",)


class ScheduledJob(msgspec.Struct, frozen=True):
    """A job that is due."""

    id: int
    chat: int
    kind: str
    message: int
    argument: str
    due: datetime


class TooEarly(Exception):
    """The job can't be done yet. It is tried again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds} s")
        self.seconds = seconds


PUT = """
INSERT INTO scheduled_job (chat, kind, message, argument, due) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (chat, kind, message) DO UPDATE SET argument = excluded.argument, due = excluded.due
"""


DUE = """
SELECT id, chat, kind, message, argument, due FROM scheduled_job WHERE due <= $1 ORDER BY due, id LIMIT $2
"""


async def put(chat_id: int, kind: str, message_id: int, argument: str, due: datetime) -> None:
    """Schedules a job for this message at `due`."""
    await current().execute(PUT, chat_id, kind, message_id, argument, due)
    notify()


async def bring_forward(chat_id: int, kind: str, message_id: int, more: str, now: datetime) -> None:
    """Makes the job for this message due now and appends `more` to its argument. In a transaction, call
    `notify` after the commit."""
    await current().execute(
        "UPDATE scheduled_job SET argument = argument || $4::text, due = $5::timestamptz"
        " WHERE chat = $1 AND kind = $2 AND message = $3",
        chat_id,
        kind,
        message_id,
        more,
        now,
    )
    notify()


async def due(now: datetime, limit: int) -> list[ScheduledJob]:
    """Returns the jobs that are due, the longest overdue first."""
    rows = await current().fetch(DUE, now, limit)
    return [ScheduledJob(**row) for row in rows]


async def next_due() -> datetime | None:
    """When the next job falls due. None when there is none."""
    rows = await current().fetch("SELECT due FROM scheduled_job ORDER BY due LIMIT 1")
    return rows[0]["due"] if rows else None


async def done(job: ScheduledJob) -> None:
    """Deletes the job, unless another one has replaced it meanwhile."""
    await current().execute(
        "DELETE FROM scheduled_job WHERE id = $1 AND argument = $2 AND due = $3",
        job.id,
        job.argument,
        job.due,
    )


async def postpone(job: ScheduledJob, until: datetime) -> None:
    """Postpones the job, because Telegram refuses it now."""
    await current().execute(
        "UPDATE scheduled_job SET due = $4 WHERE id = $1 AND argument = $2 AND due = $3",
        job.id,
        job.argument,
        job.due,
        until,
    )


async def drop(chat_id: int, kind: str, message_id: int) -> None:
    """Deletes the job of this kind for this message."""
    await current().execute(
        "DELETE FROM scheduled_job WHERE chat = $1 AND kind = $2 AND message = $3", chat_id, kind, message_id
    )


async def drop_all(chat_id: int, kind: str) -> None:
    """Deletes all jobs of this kind in this chat."""
    await current().execute("DELETE FROM scheduled_job WHERE chat = $1 AND kind = $2", chat_id, kind)


JOBS: Topic[bool] = Topic("djangobot_jobs", bool)
"""There may be a new job."""
_changed = LoopFreeEvent()


def notify() -> None:
    """Wakes the scheduler, in whatever process it is: there may be a new job."""
    if pubsub.link() is not None and local_worker() is None:
        JOBS.publish_elsewhere(True)
    _changed.set()


async def wait_for_due(seconds: float) -> None:
    """Waits until `notify` is called, `seconds` at most."""
    await _changed.wait_at_most(seconds)
    _changed.clear()


JOBS.subscribe(lambda _: _changed.set())

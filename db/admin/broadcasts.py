"""Broadcasts: an admin's messages to all chats, or to some. They use the same outbox, behind ordinary
messages.

Chats are enrolled a few at a time, in the order of their ids. Their messages and the last chat's id are
written in one transaction. So after any failure nobody is enrolled twice, and nobody is left out. Only a few
messages are in the outbox at any moment, so other messages do not wait behind thousands.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec
import structlog
import uuid_utils
from piccolo.columns import BigInt, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db import audit
from djangobot.db.delivery.pubsub import recalls, wakeups
from djangobot.db.delivery.random_ids import new_random_id
from djangobot.db.engine import Row, current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.engine.events import LoopFreeEvent
from djangobot.db.people import chat_settings
from djangobot.db.people.chat_settings import Language

log = structlog.get_logger(__name__)

WINDOW = 80
"""Messages of a broadcast that are due in the outbox, at most. The worker has room for 400."""
READ = 2000
"""Chats read at once."""
TEXT_LIMIT = 3900
"""Characters; Telegram's 4096 less the line that says how to unsubscribe."""
Days = Literal[7, 30]
DAYS: tuple[Days, ...] = get_args(Days)
"""How lately the people may have written to whom an audience is restricted."""
Status = Literal["draft", "running", "paused", "canceled", "done"]
LIVE = ("running", "paused")


class Broadcast(Table, tablename="broadcast"):
    """`audience` is JSON. `last_chat` is the id of the last chat read. `progress_message` is the message in
    the author's chat that shows the progress."""

    id = SerialOnce(primary_key=True)
    author = BigInt()
    text = Text()
    audience = Text(default="{}")
    status = Varchar(length=16, default="draft")
    total = Integer(default=0)
    last_chat = BigInt(default=0)
    progress_message = Integer(default=0)
    created = Timestamptz()
    started = Timestamptz(null=True, default=None)
    ended = Timestamptz(null=True, default=None)


INDEXES = (
    "CREATE UNIQUE INDEX message_of_broadcast ON message (broadcast, chat) WHERE broadcast IS NOT NULL",
    "CREATE INDEX message_of_broadcast_by_status ON message (broadcast, status) WHERE broadcast IS NOT NULL",
    "CREATE INDEX message_of_broadcast_unsettled ON message (broadcast)"
    " WHERE CASE WHEN broadcast IS NOT NULL THEN status END IN ('queued', 'sending')",
)


class Audience(msgspec.Struct, frozen=True, omit_defaults=True):
    """The audience: the chats in this language that wrote within so many days; '' and 0 for all."""

    language: Literal[Language, ""] = ""
    days: int = 0


class BroadcastView(msgspec.Struct, frozen=True):
    """A broadcast as it is now."""

    id: int
    author: int
    text: str
    audience: Audience
    status: Status
    total: int
    last_chat: int
    progress_message: int
    started: datetime | None
    ended: datetime | None

    @property
    def live(self) -> bool:
        return self.status in LIVE


class Progress(msgspec.Struct, frozen=True):
    """Messages by their outcome. `skipped`: by then the person had blocked the bot or wanted no news."""

    sent: int = 0
    failed: int = 0
    skipped: int = 0
    waiting: int = 0


_COLUMNS = "id, author, text, audience, status, total, last_chat, progress_message, started, ended"
ONE = f"SELECT {_COLUMNS} FROM broadcast WHERE id = $1"  # noqa: S608 - constants
LIVE_ONES = f"SELECT {_COLUMNS} FROM broadcast WHERE status IN ('running', 'paused') ORDER BY id"  # noqa: S608
# Of two who start at once, the second waits here until the first has committed.
LOCK = (
    "UPDATE broadcast SET status = status WHERE status IN ('draft', 'running', 'paused') RETURNING id, status"
)
CHATS = """
SELECT id, language, settings, seen FROM chat
WHERE id > $1 AND created <= $2 AND blocked IS NULL AND banned IS NULL ORDER BY id LIMIT $3
"""
LOCK_POSITION = (
    "UPDATE broadcast SET last_chat = last_chat WHERE id = $1 AND status = 'running' RETURNING last_chat"
)
ENROL = """
INSERT INTO message (public_id, kind, broadcast, chat, created, type, text, status, random_id, attempts,
                     next_attempt)
VALUES ($1, 'broadcast', $2, $3, $4, 'Text', '', 'queued', $5, 0, $4)
"""
COUNT = "SELECT status, COUNT(*) AS messages FROM message WHERE broadcast = $1 GROUP BY status"
# Uses the index of just these messages, and not the index of all that are due (as in db/delivery/heads.py).
UNSETTLED = "broadcast = $1 AND CASE WHEN broadcast IS NOT NULL THEN status END IN ('queued', 'sending')"
DUE = f"SELECT COUNT(*) AS due FROM message WHERE {UNSETTLED} AND next_attempt <= $2"  # noqa: S608 - ours
# People who blocked the bot, were banned or wanted no more news after they were enrolled.
SKIP = f"""
UPDATE message SET status = 'canceled', failure = 'skipped'
WHERE {UNSETTLED} AND status || '' = 'queued' AND (
    SELECT 1 FROM chat c WHERE c.id = message.chat AND (
        c.blocked IS NOT NULL OR c.banned IS NOT NULL OR c.settings LIKE '%"news":false%')) IS NOT NULL
RETURNING id
"""  # noqa: S608 - constants
STOP = {
    "paused": """
UPDATE message SET status = 'paused' WHERE broadcast = $1 AND status = 'queued' RETURNING chat
""",
    "canceled": """
UPDATE message SET status = 'canceled', failure = 'broadcast canceled'
WHERE broadcast = $1 AND status IN ('queued', 'paused') RETURNING chat
""",
}
GO_ON = """
UPDATE message SET status = 'queued', next_attempt = $2 WHERE broadcast = $1 AND status = 'paused'
RETURNING chat
"""
work = LoopFreeEvent()
"""Set when there is something to do."""


async def draft(author: int, text: str, now: datetime) -> int:
    """Stores a text that has been sent to nobody yet; returns its number."""
    rows = await current().execute(
        "INSERT INTO broadcast (author, text, audience, status, total, last_chat, progress_message, created)"
        " VALUES ($1, $2, '{}', 'draft', 0, 0, 0, $3) RETURNING id",
        author,
        text,
        now,
    )
    number: int = rows[0]["id"]
    return number


async def get(number: int) -> BroadcastView | None:
    """One broadcast; None when there is none."""
    rows = await current().fetch(ONE, number)
    return _view(rows[0]) if rows else None


async def live() -> list[BroadcastView]:
    """The broadcasts that are running or paused. There is one at most, except for the moment when two are
    started at once."""
    return [_view(row) for row in await current().fetch(LIVE_ONES)]


async def choose(number: int, audience: Audience) -> None:
    """Sets the audience of a draft."""
    await current().execute(
        "UPDATE broadcast SET audience = $2 WHERE id = $1 AND status = 'draft'",
        number,
        msgspec.json.encode(audience).decode(),
    )


async def count(audience: Audience, now: datetime) -> int:
    """How many people are in the audience now."""
    people, after = 0, -(2**63)
    while rows := await current().fetch(CHATS, after, now, READ):
        people += sum(_belongs(row, audience, now) for row in rows)
        after = rows[-1]["id"]
    return people


async def start(number: int, by: int, progress_message: int, now: datetime) -> bool:
    """Starts a broadcast. False when it is no draft any more, or when another one is running or paused."""
    found = await get(number)
    if found is None:
        return False
    total = await count(found.audience, now)
    async with current().write():
        locked = {row["id"]: row["status"] for row in await current().execute(LOCK)}
        if locked.get(number) != "draft" or any(status in LIVE for status in locked.values()):
            return False
        await current().execute(
            "UPDATE broadcast SET status = 'running', started = $2, total = $3, progress_message = $4,"
            " last_chat = $5 WHERE id = $1",
            number,
            now,
            total,
            progress_message,
            -(2**63),
        )
        await audit.record(by, "broadcast", f"broadcast {number}", None, {"people": total}, now)
    work.set()
    return True


async def pause(number: int, by: int, now: datetime) -> bool:
    """Stops sending for now. Returns whether that is new."""
    return await _stop(number, "paused", ("running",), by, now)


async def cancel(number: int, by: int, now: datetime) -> bool:
    """Stops sending for good. Returns whether that is new."""
    return await _stop(number, "canceled", ("draft", "running", "paused"), by, now)


async def resume(number: int, by: int, now: datetime) -> bool:
    """Continues a paused broadcast. Returns whether that is new."""
    rows: Sequence[Row] = []
    async with current().write():
        if not await _change_status(number, "running", ("paused",), by, now):
            return False
        rows = await current().execute(GO_ON, number, now)
    for row in rows:
        wakeups.notify_due(row["chat"])
    work.set()
    return True


async def show_at(number: int, progress_message: int) -> None:
    """Sets the message that shows the progress from now on."""
    await current().execute(
        "UPDATE broadcast SET progress_message = $2 WHERE id = $1", number, progress_message
    )


async def progress(number: int) -> Progress:
    """The progress of a broadcast."""
    counts = {row["status"]: row["messages"] for row in await current().fetch(COUNT, number)}
    return Progress(
        sent=counts.get("sent", 0),
        failed=sum(counts.get(status, 0) for status in ("failed", "uncertain", "expired")),
        skipped=counts.get("canceled", 0),
        waiting=sum(counts.get(status, 0) for status in ("queued", "sending", "paused")),
    )


async def step(number: int, now: datetime) -> bool:
    """Enrols the next few chats, as many as the outbox has room for. Returns whether there is more to do. At
    the end it returns False and records the end."""
    engine = current()
    await engine.execute(SKIP, number)
    room = WINDOW - int((await engine.fetch(DUE, number, now))[0]["due"])
    if room <= 0:
        return True
    chats: list[int] = []
    async with engine.write():
        places = await engine.execute(LOCK_POSITION, number)
        found = await get(number)
        if not places or found is None or found.started is None:
            return False
        rows = await engine.fetch(CHATS, places[0]["last_chat"], found.started, READ)
        last_chat = places[0]["last_chat"]
        for row in rows:
            if len(chats) == room:
                break
            last_chat = row["id"]
            if _belongs(row, found.audience, found.started):
                chats.append(row["id"])
        if chats:
            await engine.execute_all([(ENROL, [_message(number, chat, now) for chat in chats])])
        if rows:
            await engine.execute("UPDATE broadcast SET last_chat = $2 WHERE id = $1", number, last_chat)
        elif not (await progress(number)).waiting:
            ended = "UPDATE broadcast SET status = 'done', ended = $2 WHERE id = $1"
            await engine.execute(ended, number, now)
            log.info("broadcast done", broadcast=number)
            return False
    for chat in chats:
        wakeups.notify_due(chat)
    return True


def _message(number: int, chat: int, now: datetime) -> tuple[Any, ...]:
    return str(uuid_utils.uuid7()), number, chat, now, new_random_id()


async def _stop(number: int, status: str, before: Sequence[str], by: int, now: datetime) -> bool:
    async with current().write():
        if not await _change_status(number, status, before, by, now):
            return False
        rows = await current().execute(STOP[status], number)
        await recalls.record(now)
    await recalls.apply()
    for row in rows:
        wakeups.notify_due(row["chat"])
    work.set()
    return True


async def _change_status(number: int, status: str, before: Sequence[str], by: int, now: datetime) -> bool:
    """Changes the status, with an audit entry, in the caller's transaction."""
    rows = await current().execute(
        "UPDATE broadcast SET status = status WHERE id = $1 RETURNING status", number
    )
    if not rows or rows[0]["status"] not in before:
        return False
    ended = now if status == "canceled" else None
    await current().execute(
        "UPDATE broadcast SET status = $2, ended = $3 WHERE id = $1", number, status, ended
    )
    await audit.record(by, f"broadcast {status}", f"broadcast {number}", rows[0]["status"], status, now)
    return True


def _belongs(row: Row, audience: Audience, now: datetime) -> bool:
    settings = chat_settings.read(row["settings"])
    spoken = chat_settings.language_of(settings.language or row["language"])
    return (
        settings.news
        and (not audience.language or audience.language == spoken)
        and (not audience.days or row["seen"] >= now - timedelta(days=audience.days))
    )


def _view(row: Row) -> BroadcastView:
    return BroadcastView(**{**row, "audience": msgspec.json.decode(row["audience"], type=Audience)})

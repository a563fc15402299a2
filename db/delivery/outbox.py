"""The outbox: messages that wait to be sent. They are added, and they fall due."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

import uuid_utils

from djangobot.db.delivery import claims, settlement, urgent
from djangobot.db.delivery.heads import FROM_HEADS, HEADS, IS_QUEUED, UNSETTLED, WAITING
from djangobot.db.delivery.local_worker import LocalWorker, local_worker
from djangobot.db.delivery.outcomes import Claimed, put_back
from djangobot.db.delivery.pubsub import pubsub, wakeups
from djangobot.db.delivery.random_ids import new_random_id
from djangobot.db.delivery.urgent import HAS_URGENT
from djangobot.db.engine import Ask, Insert, Row, current
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.tasks import Tasks

# ruff: noqa: S608 - the statements below are put together from constants.
OLDEST_DUE = f"""
{HEADS}
SELECT m.next_attempt AS due {FROM_HEADS}
WHERE (m.status = 'sending' OR {WAITING}) AND m.next_attempt <= $1 ORDER BY m.next_attempt LIMIT 1
"""
WAITING_CHATS = f"""
{HEADS}
SELECT m.chat AS chat, m.next_attempt AS due, {HAS_URGENT} AS has_urgent
{FROM_HEADS}
WHERE {WAITING} ORDER BY m.next_attempt, m.id
"""
DUE_NOW = f"""
UPDATE message SET next_attempt = $1 WHERE {UNSETTLED.replace("m.", "")} AND {IS_QUEUED} AND next_attempt > $1
RETURNING chat
"""
DEPTH = f"SELECT COUNT(*) AS unsettled FROM message m WHERE {UNSETTLED}"
NOTICE = """
INSERT INTO message (public_id, kind, account, token, chat, created, type, text, status, random_id, attempts,
                     next_attempt)
VALUES ($1, $2, $3, $4, $5, $6, 'Text', $7, 'queued', $8, 0, $6)
"""
# Uses the index of unsettled messages. The plus keeps SQLite from reading everything the account ever sent.
CANCEL = """
UPDATE message SET status = 'canceled', failure = $2
WHERE status IN ('queued', 'sending') AND status = 'queued' AND kind IN ('message', 'edit') AND +account = $1
RETURNING public_id
"""
# Uses the index of scheduled messages.
CANCEL_SCHEDULED = """
UPDATE message SET status = 'canceled', failure = $2
WHERE status = 'scheduled' AND +account = $1
RETURNING public_id
"""
_putting_back = Tasks()


async def add(
    now: datetime, accepted: Callable[[Row], None], statement: Insert, row: Sequence[object]
) -> list[Row]:
    """Commits a message by a statement that returns its chat and whether it is urgent. Calls `accepted`, and
    has the message delivered, even if the caller has been cancelled since.

    When the worker of this process is idle, the due message of the chat is claimed in the same commit. This
    saves one commit and one change of threads before the message is sent. It is done on SQLite only, where no
    other process delivers. On PostgreSQL each statement is a round trip anyway.
    """
    worker, engine = local_worker(), current()
    if worker is None or not worker.free or not isinstance(engine, SQLiteEngine):
        return await engine.insert(statement, row, partial(notify_added, accepted))
    rows: list[Row]
    rows, _ = await engine.together(
        partial(_add_and_claim, now, worker, statement.one, row), partial(_hand_over, now, worker, accepted)
    )
    if _putting_back:
        await asyncio.wait(_putting_back)
    return rows


def notify_added(accepted: Callable[[Row], None], rows: Sequence[Row]) -> None:
    """Calls `accepted` for each new message and wakes the worker. Call it after the commit."""
    for row in rows:
        accepted(row)
        wakeups.notify_new(row["chat"], urgent=row["urgent"])


def _add_and_claim(
    now: datetime, worker: LocalWorker, sql: str, args: Sequence[object], ask: Ask
) -> tuple[list[Row], Claimed | None]:
    added = ask(sql, *args)
    if not added:
        return added, None
    return added, claims.claim_in_commit(added[0]["chat"], now, worker.fix, ask)


def _hand_over(
    now: datetime,
    worker: LocalWorker,
    accepted: Callable[[Row], None],
    added: tuple[list[Row], Claimed | None],
) -> None:
    """Hands a claimed message to the worker for which it was claimed, or puts it back when that worker has
    stopped since."""
    rows, claimed = added
    if claimed is None:
        notify_added(accepted, rows)
        return
    accepted(rows[0])
    urgent.unmark([claimed.chat_id] if claimed.urgent else [])
    if worker is local_worker():
        worker.add_claimed([claimed])
    else:
        _putting_back.start(_put_back(claimed, now))


async def _put_back(claimed: Claimed, now: datetime) -> None:
    with suppress(DatabaseUnavailable):  # whoever delivers next reclaims it
        await settlement.settle([put_back(claimed, now)], now)


async def add_notice(
    kind: str,
    chat_id: int,
    now: datetime,
    *,
    text: str = "",
    account_id: int | None = None,
    token_id: int | None = None,
) -> None:
    """Queues a notice, which is sent once, like any message. Call `wakeups.notify_due` after the commit."""
    await current().execute(NOTICE, *_notice(kind, account_id, token_id, chat_id, now, text))


async def add_notices(kind: str, chat_ids: Sequence[int], now: datetime, *, text: str) -> None:
    """Queues the same notice for many chats. Call `wakeups.notify_due` for each after the commit."""
    rows = [_notice(kind, None, None, chat_id, now, text) for chat_id in chat_ids]
    await current().execute_all([(NOTICE, rows)])


def _notice(*columns: object) -> tuple[object, ...]:
    """The arguments of NOTICE: these columns, from `kind` to `text`, between ids that are made here."""
    return (str(uuid_utils.uuid7()), *columns, new_random_id())


async def cancel_all(account_id: int, failure: str) -> list[str]:
    """Cancels what waits of an account, also what is scheduled, with this failure. Returns the messages.
    Call `waiters.notify_settled` for each after the commit."""
    rows = await current().execute(CANCEL, account_id, failure)
    rows += await current().execute(CANCEL_SCHEDULED, account_id, failure)
    return [str(row["public_id"]) for row in rows]


async def poll(now: datetime) -> datetime | None:
    """Wakes the worker for every chat that has something due, the longest waiting first. Returns when the
    next message falls due."""
    for row in await current().fetch(WAITING_CHATS):
        due: datetime = row["due"]
        if due > now:
            return due
        wakeups.notify_due(row["chat"], urgent=bool(row["has_urgent"]))
    return None


async def due_now(now: datetime) -> int:
    """Makes all postponed messages due at once. Used when the clock stepped back and nobody knows how long
    they would wait. Returns their number."""
    rows = await current().execute(
        DUE_NOW,
        now,
    )
    for row in rows:
        wakeups.notify_due(row["chat"])
    return len(rows)


async def oldest_due(now: datetime) -> datetime | None:
    """Since when the longest waiting message has been due. None when nothing is due."""
    rows = await current().fetch(OLDEST_DUE, now)
    return rows[0]["due"] if rows else None


async def depth() -> int:
    """The number of messages and notices that are not settled yet. Reads the partial index of just these."""
    rows = await current().fetch(DEPTH)
    depth: int = rows[0]["unsettled"]
    return depth


pubsub.when_listening(poll)

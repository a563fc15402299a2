"""Wakeups: they tell the worker that a message may be due, and a waiter that its message is settled. They
work within this process, and through pubsub in others."""

import asyncio
from datetime import datetime
from itertools import islice

from djangobot.db.delivery.local_worker import local_worker
from djangobot.db.delivery.outcomes import SETTLED
from djangobot.db.delivery.pubsub import pubsub
from djangobot.db.delivery.pubsub.pubsub import Topic
from djangobot.db.delivery.urgent import is_marked, mark, unmark
from djangobot.db.engine import current
from djangobot.db.engine.events import LoopFreeEvent

CHATS_MOST = 100_000
"""The number of chats that may wait for a wakeup at once; `poll` finds the others. A process without a worker
removes none."""
SETTLED_ROWS = """
SELECT public_id, status, failure FROM message
WHERE public_id = ANY($1::uuid[])
"""

DUE: Topic[tuple[int, bool]] = Topic("djangobot_due", tuple[int, bool], kept=CHATS_MOST)
"""A chat has something new, and whether that is urgent."""
SETTLEMENT: Topic[tuple[str, str, str | None]] = Topic("djangobot_settled", tuple[str, str, str | None])
"""A message is settled: its public_id, status and failure."""
_due = LoopFreeEvent()
_urgent_due = LoopFreeEvent()
_due_chats: dict[int, None] = {}
_urgent_chats: dict[int, None] = {}
Outcome = asyncio.Future[tuple[str, str | None]]
_waiters: dict[str, list[Outcome]] = {}
"""Waiters by public_id. A message has several when its sender repeated the request under the same idempotency
key."""
_seen: set[str] = set()
"""The awaited messages that the last check found in the table."""


def notify_due(chat_id: int, *, urgent: bool = False) -> None:
    """Wakes the worker, in whatever process it is: something may be due in this chat."""
    if pubsub.link() is not None and local_worker() is None:
        DUE.publish_elsewhere((chat_id, urgent or is_marked(chat_id)))
        unmark([chat_id])
        return
    notify_due_here(chat_id, urgent=urgent)


def notify_new(chat_id: int, *, urgent: bool) -> None:
    """Wakes the worker for a message that was just queued in this chat. Call it after the commit."""
    if urgent:
        mark(chat_id)
    notify_due(chat_id)


def notify_due_here(chat_id: int, *, urgent: bool = False) -> None:
    """Wakes the worker of this process."""
    if urgent or is_marked(chat_id):
        if len(_urgent_chats) < CHATS_MOST:
            _urgent_chats.setdefault(chat_id)
            _due_chats.pop(chat_id, None)
        _urgent_due.set()
    elif len(_due_chats) < CHATS_MOST:
        _due_chats.setdefault(chat_id)
    _due.set()


def nothing_due() -> bool:
    """Whether no chat waits for the worker of this process."""
    return not _due_chats and not _urgent_chats


def pop_due(most: int) -> list[int]:
    """Returns up to `most` chats that have a wakeup, the earliest first, and removes them from the list."""
    chats = list(islice(_due_chats, most))
    for chat_id in chats:
        del _due_chats[chat_id]
    _clear_if_empty()
    return chats


def pop_urgent(most: int) -> list[int]:
    """Does the same as `pop_due` for chats in which an urgent message waits."""
    chats = list(islice(_urgent_chats, most))
    for chat_id in chats:
        del _urgent_chats[chat_id]
    _clear_if_empty()
    return chats


def _clear_if_empty() -> None:
    if not _urgent_chats:
        _urgent_due.clear()
        if not _due_chats:
            _due.clear()


async def wait_for_urgent() -> None:
    """Waits for a wakeup of a chat in which an urgent message waits."""
    await _urgent_due.wait()


async def wait_for_due(seconds: float) -> None:
    """Waits for a wakeup, `seconds` at most."""
    await _due.wait_at_most(seconds)


def add_waiter(public_id: str) -> Outcome:
    """Returns a future that `notify_settled` resolves with status and failure. Pass it to `wait_settled`, or
    end it with `remove_waiter`."""
    future: Outcome = asyncio.get_running_loop().create_future()
    _waiters.setdefault(public_id, []).append(future)
    return future


async def wait_settled(public_id: str, future: Outcome, seconds: float) -> tuple[str, str | None]:
    """Returns status and failure. The status is `queued` when the message was not settled in that time."""
    try:
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        return "queued", None
    finally:
        remove_waiter(public_id, future)


def remove_waiter(public_id: str, future: Outcome) -> None:
    """Removes this waiter."""
    waiting = [other for other in _waiters.pop(public_id, ()) if other is not future]
    if waiting:
        _waiters[public_id] = waiting


def release_waiters() -> None:
    """Answers every waiter with `queued`, because the process ends. The next start delivers their
    messages."""
    for public_id in _waiters:
        notify_settled_here(public_id, "queued", None)


def has_waiters() -> bool:
    """Whether anybody may wait for a message, here or in another process."""
    return bool(_waiters) or pubsub.link() is not None


def notify_settled(public_id: str, status: str, failure: str | None) -> None:
    """Wakes the waiters of a settled message, in every process."""
    SETTLEMENT.publish((public_id, status, failure))


def notify_settled_here(public_id: str, status: str, failure: str | None) -> None:
    """Wakes the waiters in this process."""
    for future in _waiters.get(public_id, ()):
        if not future.done():
            future.set_result((status, failure))


async def check_awaited(_: datetime) -> None:
    """Wakes the waiters of messages that were settled, or that were seen before and are gone. Queries the
    table, because notifications may be lost."""
    global _seen
    awaited = list(_waiters)
    there: set[str] = set()
    for row in await current().fetch(SETTLED_ROWS, awaited) if awaited else ():
        there.add(str(row["public_id"]))
        if row["status"] in SETTLED:
            notify_settled_here(str(row["public_id"]), row["status"], row["failure"])
    for public_id in _seen.intersection(awaited) - there:
        notify_settled_here(public_id, "canceled", "deleted")
    _seen = there


DUE.subscribe(lambda word: notify_due_here(word[0], urgent=word[1]))
SETTLEMENT.subscribe(lambda word: notify_settled_here(*word))
pubsub.every_second(check_awaited)

"""Wakeups: they tell the worker that a message may be due, and a waiter that its message is settled. They
work within this process, and through pubsub in others."""

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from djangobot.db.engine.events import LoopFreeEvent

if TYPE_CHECKING:
    from djangobot.db.delivery.pubsub import PubSub

CHATS_MOST = 100_000
"""The number of chats that may wait for a wakeup at once; `poll` finds the others. A process without a worker
removes none."""


_due = LoopFreeEvent()
_urgent_due = LoopFreeEvent()
_due_chats: dict[int, None] = {}
_urgent_chats: dict[int, None] = {}
_unclaimed_urgent: set[int] = set()
"""Chats in which an urgent message was accepted and is not claimed yet."""
Outcome = asyncio.Future[tuple[str, str | None]]
_waiters: dict[str, list[Outcome]] = {}
"""Waiters by public_id. A message has several when its sender repeated the request under the same idempotency
key."""
pubsub: "PubSub | None" = None
"""The link to other processes on this database. `pubsub.connected` sets it."""
_worker_here = False


def mark_urgent(chat_id: int) -> None:
    """Records that an urgent message was accepted in this chat. Until it is claimed, each wakeup for the chat
    is urgent."""
    if len(_unclaimed_urgent) < CHATS_MOST:
        _unclaimed_urgent.add(chat_id)


def clear_urgent(chat_ids: Iterable[int]) -> None:
    """Records that the urgent messages of these chats were claimed."""
    _unclaimed_urgent.difference_update(chat_ids)


def set_worker_here(yes: bool) -> None:
    """Sets whether the worker is in this process. If it is, no other process is told what is due."""
    global _worker_here
    _worker_here = yes


def notify_due(chat_id: int, *, urgent: bool = False) -> None:
    """Wakes the worker, in whatever process it is: something may be due in this chat."""
    if pubsub is not None and not _worker_here:
        pubsub.publish_due(chat_id, urgent or chat_id in _unclaimed_urgent)
        _unclaimed_urgent.discard(chat_id)
        return
    notify_due_here(chat_id, urgent=urgent)


def notify_due_here(chat_id: int, *, urgent: bool = False) -> None:
    """Wakes the worker of this process."""
    if urgent or chat_id in _unclaimed_urgent:
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


def take_due(most: int) -> list[int]:
    """Returns up to `most` chats that have a wakeup, the earliest first, and removes them from the list."""
    chats = list(islice(_due_chats, most))
    for chat_id in chats:
        del _due_chats[chat_id]
    _clear_if_empty()
    return chats


def take_urgent(most: int) -> list[int]:
    """Does the same as `take_due` for chats in which an urgent message waits."""
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
    try:
        async with asyncio.timeout(seconds):
            await _due.wait()
    except TimeoutError:
        return


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


def awaited_ids() -> list[str]:
    """The public_ids of messages that have a waiter in this process."""
    return list(_waiters)


def notify_settled(public_id: str, status: str, failure: str | None) -> None:
    """Wakes the waiters of a settled message, in every process."""
    notify_settled_here(public_id, status, failure)
    if pubsub is not None:
        pubsub.publish_settled(public_id, status, failure)


def notify_settled_here(public_id: str, status: str, failure: str | None) -> None:
    """Wakes the waiters in this process."""
    for future in _waiters.get(public_id, ()):
        if not future.done():
            future.set_result((status, failure))

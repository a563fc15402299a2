"""Bells: who waits for something to arrive in the outbox, and who for a message of it to be settled: in this
process, and over the wire in others."""

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djangobot.db.delivery.pubsub import PubSub

CHATS_MOST = 100_000
"""Chats that may be rung for at once; `look` finds the others. A process without a deliverer answers none."""


class LoopFreeEvent:
    """An event that belongs to no event loop, unlike asyncio's."""

    def __init__(self) -> None:
        self._is_set = False
        self._sleepers: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        self._is_set = True
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        if self._is_set:
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            self._sleepers.discard(sleeper)


_due = LoopFreeEvent()
_urgent_due = LoopFreeEvent()
_due_chats: dict[int, None] = {}
_urgent_chats: dict[int, None] = {}
_unclaimed_urgent: set[int] = set()
"""Chats in which something urgent was accepted that nobody has claimed yet."""
Outcome = asyncio.Future[tuple[str, str | None]]
_waiters: dict[str, list[Outcome]] = {}
"""By public_id; several wait for one message when its sender asked again under the same key."""
pubsub: "PubSub | None" = None
"""To the other processes on this database; `signals.connected` sets it."""
_worker_here = False


def mark_urgent(chat_id: int) -> None:
    """Something urgent was accepted in this chat: until it is claimed, each ring for it is urgent."""
    if len(_unclaimed_urgent) < CHATS_MOST:
        _unclaimed_urgent.add(chat_id)


def clear_urgent(chat_ids: Iterable[int]) -> None:
    """What was urgent in these has been claimed."""
    _unclaimed_urgent.difference_update(chat_ids)


def set_worker_here(yes: bool) -> None:
    """Whether the deliverer is in this process: nobody else needs to hear of what is due then."""
    global _worker_here
    _worker_here = yes


def notify_due(chat_id: int, *, urgent: bool = False) -> None:
    """Something may be due in this chat: wakes the deliverer, wherever it is."""
    if pubsub is not None and not _worker_here:
        pubsub.publish_due(chat_id, urgent or chat_id in _unclaimed_urgent)
        _unclaimed_urgent.discard(chat_id)
        return
    notify_due_here(chat_id, urgent=urgent)


def notify_due_here(chat_id: int, *, urgent: bool = False) -> None:
    """Wakes the deliverer of this process."""
    if urgent or chat_id in _unclaimed_urgent:
        if len(_urgent_chats) < CHATS_MOST:
            _urgent_chats.setdefault(chat_id)
            _due_chats.pop(chat_id, None)
        _urgent_due.set()
    elif len(_due_chats) < CHATS_MOST:
        _due_chats.setdefault(chat_id)
    _due.set()


def nothing_due() -> bool:
    """Nobody has rung here that was not answered for yet."""
    return not _due_chats and not _urgent_chats


def take_due(most: int) -> list[int]:
    """Up to `most` chats that were rung for and not answered for yet, first come first."""
    chats = list(islice(_due_chats, most))
    for chat_id in chats:
        del _due_chats[chat_id]
    _clear_if_empty()
    return chats


def take_urgent(most: int) -> list[int]:
    """The same of those in which something urgent waits."""
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
    """Until somebody rings for a chat in which something urgent waits."""
    await _urgent_due.wait()


async def wait_for_due(seconds: float) -> None:
    """Until somebody rings, `seconds` at most."""
    try:
        async with asyncio.timeout(seconds):
            await _due.wait()
    except TimeoutError:
        return


def add_waiter(public_id: str) -> Outcome:
    """To be resolved by `settle` with status and failure; `forget` it, or wait in `settled_within`."""
    future: Outcome = asyncio.get_running_loop().create_future()
    _waiters.setdefault(public_id, []).append(future)
    return future


async def wait_settled(public_id: str, future: Outcome, seconds: float) -> tuple[str, str | None]:
    """Status and failure; `queued` when nothing final came in that time."""
    try:
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        return "queued", None
    finally:
        remove_waiter(public_id, future)


def remove_waiter(public_id: str, future: Outcome) -> None:
    """This one waits no more."""
    waiting = [other for other in _waiters.pop(public_id, ()) if other is not future]
    if waiting:
        _waiters[public_id] = waiting


def release_waiters() -> None:
    """The process ends: whoever waits hears `queued`, and the next start delivers."""
    for public_id in _waiters:
        notify_settled_here(public_id, "queued", None)


def awaited_ids() -> list[str]:
    """The public_ids of messages that somebody in this process waits for."""
    return list(_waiters)


def notify_settled(public_id: str, status: str, failure: str | None) -> None:
    """A message has ended: wakes whoever waits for that, in any process."""
    notify_settled_here(public_id, status, failure)
    if pubsub is not None:
        pubsub.publish_settled(public_id, status, failure)


def notify_settled_here(public_id: str, status: str, failure: str | None) -> None:
    """Wakes whoever waits in this process."""
    for future in _waiters.get(public_id, ()):
        if not future.done():
            future.set_result((status, failure))

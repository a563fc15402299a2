"""Wakeups: they tell the worker that a message may be due, within this process, and through pubsub in
others."""

from itertools import islice

from djangobot.db.delivery.local_worker import local_worker
from djangobot.db.delivery.pubsub import pubsub
from djangobot.db.delivery.pubsub.pubsub import Topic
from djangobot.db.delivery.urgent import is_marked, mark, unmark
from djangobot.db.engine.events import LoopFreeEvent

CHATS_MOST = 100_000
"""The number of chats that may wait for a wakeup at once; `poll` finds the others. A process without a worker
removes none."""
DUE: Topic[tuple[int, bool]] = Topic("djangobot_due", tuple[int, bool], kept=CHATS_MOST)
"""A chat has something new, and whether that is urgent."""
_due = LoopFreeEvent()
_urgent_due = LoopFreeEvent()
_due_chats: dict[int, None] = {}
_urgent_chats: dict[int, None] = {}


def notify_new(chat_id: int, *, urgent: bool) -> None:
    """Wakes the worker for a message that was just queued in this chat. Call it after the commit."""
    if urgent:
        mark(chat_id)
    notify_due(chat_id)


def notify_due(chat_id: int, *, urgent: bool = False) -> None:
    """Wakes the worker, in whatever process it is: something may be due in this chat."""
    if pubsub.link() is not None and local_worker() is None:
        DUE.publish_elsewhere((chat_id, urgent or is_marked(chat_id)))
        unmark([chat_id])
        return
    notify_due_here(chat_id, urgent=urgent)


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


DUE.subscribe(lambda word: notify_due_here(word[0], urgent=word[1]))

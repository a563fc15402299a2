"""Ready: what goes first."""

from datetime import UTC, datetime

from djangobot.bot.delivery.ready_queue import ReadyQueue
from djangobot.db.delivery.outcomes import Claimed

from ..claimed import claimed

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def message(chat: int, *, has_urgent: bool = False, broadcast: bool = False) -> Claimed:
    return claimed(id=chat, chat_id=chat, urgent=has_urgent, broadcast=broadcast, has_urgent=has_urgent)


def order(ready: ReadyQueue) -> list[int]:
    chats = []
    while (taken := ready.pop()) is not None:
        chats.append(taken.chat_id)
    return chats


def test_urgent_ones_go_before_ordinary_ones_and_broadcasts_after_them() -> None:
    """Whoever came first; within each rank in the order they came."""
    ready = ReadyQueue()
    for chat in (1, 2):
        ready.put(message(chat, broadcast=True))
    for chat in (3, 4):
        ready.put(message(chat))
    for chat in (5, 6):
        ready.put(message(chat, has_urgent=True))
    assert len(ready) == 6
    assert order(ready) == [5, 6, 3, 4, 1, 2]


def test_something_urgent_behind_a_broadcast_takes_it_to_the_front() -> None:
    """For it can't go before it in its own chat."""
    ready = ReadyQueue()
    for chat in (1, 2, 3):
        ready.put(message(chat, broadcast=chat < 3))
    ready.promote(2)
    ready.promote(9)
    assert order(ready) == [2, 3, 1]

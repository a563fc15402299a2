"""Urgent messages go before those of other chats. In its own chat each message keeps its place. So what
stands before an urgent one hurries, too: while an urgent message waits, its whole chat is urgent.

RANKED and `rank` are the order: the worker claims by the one, and sends what it has claimed by the other.
"""

from collections.abc import Iterable

from djangobot.db.delivery.outcomes import Claimed

CHATS_MOST = 100_000
"""The number of chats that are marked at once; `outbox.poll` finds the others."""

URGENT_UNSETTLED = "CASE WHEN m.urgent THEN m.status END IN ('queued', 'sending')"
HAS_URGENT = f"(SELECT 1 FROM message m WHERE m.chat = c.id AND {URGENT_UNSETTLED} LIMIT 1) IS NOT NULL"  # noqa: S608 - constants
RANKED = "has_urgent DESC, broadcast, m.is_edit"
"""The order of the ranks, in SQL."""
URGENT, OTHERS, EDIT, BROADCAST = range(4)
"""The ranks. All messages of one rank go before any of the next."""
_marked: set[int] = set()
"""Chats in which an urgent message was accepted and is not claimed yet."""


def rank(message: Claimed) -> int:
    """The rank of a message."""
    if message.has_urgent:
        return URGENT
    if message.broadcast:
        return BROADCAST
    return EDIT if message.is_edit else OTHERS


def mark(chat_id: int) -> None:
    """Records that an urgent message was accepted in this chat. Until it is claimed, each wakeup for the chat
    is urgent."""
    if len(_marked) < CHATS_MOST:
        _marked.add(chat_id)


def is_marked(chat_id: int) -> bool:
    """Whether an urgent message that was accepted here waits in this chat."""
    return chat_id in _marked


def unmark(chat_ids: Iterable[int]) -> None:
    """Records that the urgent messages of these chats were claimed, or that another process knows of them."""
    _marked.difference_update(chat_ids)

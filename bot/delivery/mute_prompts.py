"""Mute prompts: decides which messages carry the buttons to mute their sender.

Buttons under every message would be noise. They appear under the third message that one sender writes within
ten minutes. They do not appear again for an hour. Only this process remembers them; after a restart they may
appear a little early.
"""

from collections import deque
from datetime import datetime, timedelta

import msgspec
from cachetools import LRUCache

from djangobot.db.delivery.outcomes import Claimed

SEVERAL = 3
WITHIN = timedelta(minutes=10)
NOT_AGAIN_FOR = timedelta(hours=1)
REMEMBERED = 10_000
"""Pairs of a chat and a sender that are remembered."""


class Writer(msgspec.Struct):
    """A sender in one chat: the times of its latest messages, and of the last one that carried the
    buttons."""

    sent: deque[datetime]
    offered: datetime | None = None


class MutePrompts:
    """`fits` is called before a message is sent, `note` after it was sent. A repeated attempt counts once."""

    def __init__(self) -> None:
        self.writers: LRUCache[tuple[int, int], Writer] = LRUCache(REMEMBERED)

    def fits(self, message: Claimed, now: datetime) -> bool:
        """Whether this message should carry the buttons."""
        if message.sender_id is None or message.kind != "message":
            return False
        try:
            writer = self.writers[message.chat_id, message.sender_id]
        except KeyError:
            return False
        if len(writer.sent) < SEVERAL - 1:
            return False
        if writer.offered is not None and now - writer.offered <= NOT_AGAIN_FOR:
            return False
        return now - writer.sent[0] <= WITHIN

    def note(self, message: Claimed, now: datetime, *, offered: bool) -> None:
        """Records that the message was sent, with or without the buttons."""
        if message.sender_id is None or message.kind != "message":
            return
        pair = (message.chat_id, message.sender_id)
        try:
            writer = self.writers[pair]
        except KeyError:
            writer = self.writers[pair] = Writer(deque(maxlen=SEVERAL - 1))
        writer.sent.append(now)
        if offered:
            writer.offered = now

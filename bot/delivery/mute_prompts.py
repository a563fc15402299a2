"""Offers to mute: which messages carry the buttons for it.

Under every message they would be noise. They come where somebody may want them: under the third message that
one sender writes within ten minutes, and then not again for an hour. Remembered in this process alone; after
a restart they may come a little early.
"""

from collections import OrderedDict, deque
from datetime import datetime, timedelta

import msgspec

from djangobot.db.delivery.outbox import Claimed

SEVERAL = 3
WITHIN = timedelta(minutes=10)
NOT_AGAIN_FOR = timedelta(hours=1)
REMEMBERED = 10_000
"""Pairs of a chat and a sender."""


class Writer(msgspec.Struct):
    """A sender in one chat: the times of its latest messages, and of the last that carried the buttons."""

    sent: deque[datetime]
    offered: datetime | None = None


class MutePrompts:
    """Asked before a message is sent, told after it was: repeating an attempt counts nothing twice."""

    def __init__(self) -> None:
        self.writers: OrderedDict[tuple[int, int], Writer] = OrderedDict()

    def fits(self, message: Claimed, now: datetime) -> bool:
        """Whether this one should carry the buttons."""
        if message.sender_id is None or message.kind != "message":
            return False
        writer = self.writers.get((message.chat_id, message.sender_id))
        if writer is None or len(writer.sent) < SEVERAL - 1:
            return False
        if writer.offered is not None and now - writer.offered <= NOT_AGAIN_FOR:
            return False
        return now - writer.sent[0] <= WITHIN

    def note(self, message: Claimed, now: datetime, *, offered: bool) -> None:
        """It was sent, with the buttons or without."""
        if message.sender_id is None or message.kind != "message":
            return
        pair = (message.chat_id, message.sender_id)
        writer = self.writers.get(pair)
        if writer is None:
            writer = self.writers[pair] = Writer(deque(maxlen=SEVERAL - 1))
            if len(self.writers) > REMEMBERED:
                self.writers.popitem(last=False)
        else:
            self.writers.move_to_end(pair)
        writer.sent.append(now)
        if offered:
            writer.offered = now

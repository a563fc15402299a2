"""Offers to mute: which messages carry the buttons for it.

Under every message they would be noise. They come where somebody may want them: under the third message that
one sender writes within ten minutes, and then not again for an hour. Remembered in this process alone; after
a restart they may come a little early.
"""

from collections import OrderedDict, deque
from datetime import datetime, timedelta

from djangobot.db.outbox import Claimed

SEVERAL = 3
WITHIN = timedelta(minutes=10)
NOT_AGAIN_FOR = timedelta(hours=1)
REMEMBERED = 10_000
"""Pairs of a chat and a sender."""


class Offers:
    """Asked before a message is sent, told after it was: repeating an attempt counts nothing twice."""

    def __init__(self) -> None:
        self.sent: OrderedDict[tuple[int, int], deque[datetime]] = OrderedDict()
        self.offered: OrderedDict[tuple[int, int], datetime] = OrderedDict()

    def fits(self, message: Claimed, now: datetime) -> bool:
        """Whether this one should carry the buttons."""
        if message.account_id is None or message.kind != "message":
            return False
        pair = (message.chat_id, message.account_id)
        before = self.sent.get(pair)
        if before is None or len(before) < SEVERAL - 1 or now - before[0] > WITHIN:
            return False
        offered = self.offered.get(pair)
        return offered is None or now - offered > NOT_AGAIN_FOR

    def note(self, message: Claimed, now: datetime, *, offered: bool) -> None:
        """It was sent, with the buttons or without."""
        if message.account_id is None or message.kind != "message":
            return
        pair = (message.chat_id, message.account_id)
        if offered:
            self.offered[pair] = now
            if len(self.offered) > REMEMBERED:
                self.offered.popitem(last=False)
        self.sent.setdefault(pair, deque(maxlen=SEVERAL - 1)).append(now)
        self.sent.move_to_end(pair)
        if len(self.sent) > REMEMBERED:
            self.sent.popitem(last=False)

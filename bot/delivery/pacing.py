"""Pacing: how fast we may write, to one chat and in all, by Telegram's published guidance.

A FLOOD_WAIT from Telegram always overrides it.
"""

from cachetools import LRUCache

CHAT_BURST = 3
"""Messages that may go to one chat at once. Telegram's bots FAQ allows "short bursts" and gives no figure."""
TOTAL_BURST_PART = 6
"""This part (1/6) of a second's messages may go at once."""
REMEMBERED_CHATS = 10_000
"""Chats whose buckets are kept. A dropped bucket is full again, as it would be after a quiet minute."""


class Bucket:
    """Earliest times for events at `rate` a second with up to `burst` at once (GCRA, ITU-T I.371).

    Rate 0 lets everything pass.
    """

    __slots__ = ("interval", "slack", "theoretical")

    def __init__(self, rate: float, burst: float) -> None:
        self.interval = 1 / rate if rate else 0.0
        self.slack = self.interval * (max(burst, 1) - 1)
        self.theoretical = 0.0

    def next(self, now: float) -> float:
        """The earliest time of the next event, not before `now`."""
        return max(now, self.theoretical - self.slack)

    def reserve(self, now: float) -> float:
        """Counts one event. Returns when it may happen."""
        at = self.next(now)
        self.theoretical = max(at, self.theoretical) + self.interval
        return at

    def delay(self, until: float) -> None:
        """Allows nothing before `until`, and no burst then."""
        self.theoretical = max(self.theoretical, until + self.slack)


class Pacing:
    """Gives each message its times: first its chat's time; when that has come, a place among all chats.

    There are two steps, so that a chat that has to wait does not reserve a place that others could use now.
    """

    def __init__(self, rate_chat: float, rate_total: float) -> None:
        self.rate_chat = rate_chat
        self.total = Bucket(rate_total, rate_total / TOTAL_BURST_PART)
        self.chats: LRUCache[int, Bucket] = LRUCache(REMEMBERED_CHATS)

    def reserve_chat(self, chat_id: int, now: float) -> float:
        """Reserves a place for one message to `chat_id`. Returns its time, on the clock of `now`."""
        return self._bucket(chat_id).reserve(now)

    def next_total(self, now: float) -> float:
        """Returns the time of the next place among all chats, without reserving it."""
        return self.total.next(now)

    def reserve_total(self, now: float) -> float:
        """Reserves a place for one message among all chats. Returns its time."""
        return self.total.reserve(now)

    def delay_chat(self, chat_id: int, until: float) -> None:
        """Applies a FLOOD_WAIT to one chat."""
        self._bucket(chat_id).delay(until)

    def _bucket(self, chat_id: int) -> Bucket:
        try:
            return self.chats[chat_id]
        except KeyError:
            bucket = self.chats[chat_id] = Bucket(self.rate_chat, CHAT_BURST)
            return bucket

"""Throttle: a person's flood of messages is not answered one by one and does not delay other people."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Literal

MOST = 60
"""Things one person may do in WITHIN. Telegram lets a bot answer one a second (bots FAQ)."""
WITHIN = timedelta(seconds=60)
REMEMBERED = 10_000
"""People whose latest actions are remembered. The person who was inactive longest is dropped first."""


class Throttle:
    """Counts what each person does, also what stays unanswered. So the silence ends only when the flood
    ends."""

    def __init__(self) -> None:
        self._done: OrderedDict[int, deque[datetime]] = OrderedDict()
        self._warned: set[int] = set()

    def check(self, person_id: int, now: datetime) -> Literal["answer", "warn", "ignore"]:
        """Decides what to do about one more thing from this person. Returns `warn` once in each flood."""
        done = self._done.setdefault(person_id, deque(maxlen=MOST))
        self._done.move_to_end(person_id)
        if len(self._done) > REMEMBERED:
            forgotten, _ = self._done.popitem(last=False)
            self._warned.discard(forgotten)
        flood = len(done) == MOST and now - done[0] < WITHIN
        done.append(now)
        if not flood:
            self._warned.discard(person_id)
            return "answer"
        if person_id in self._warned:
            return "ignore"
        self._warned.add(person_id)
        return "warn"

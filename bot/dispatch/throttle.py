"""Calm: nobody's flood of messages is answered one by one, nor does it keep the others waiting."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Literal

MOST = 60
"""Things one person may do in WITHIN: Telegram lets a bot answer one a second
(bots FAQ)."""
WITHIN = timedelta(seconds=60)
REMEMBERED = 10_000
"""People whose last things are remembered; who was quiet longest goes first."""


class Throttle:
    """Counts what each person does, what stays unanswered too: the silence ends when they have been calm."""

    def __init__(self) -> None:
        self._done: OrderedDict[int, deque[datetime]] = OrderedDict()
        self._warned: set[int] = set()

    def check(self, person_id: int, now: datetime) -> Literal["answer", "warn", "ignore"]:
        """What to do about one thing more from this person; `warn` once in each flood."""
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

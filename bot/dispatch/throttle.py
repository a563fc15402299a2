"""Throttle: a person's flood of messages is not answered one by one and does not delay other people."""

from collections import deque
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from cachetools import LRUCache

MOST = 60
"""Things one person may do in WITHIN. Telegram lets a bot answer one a second (bots FAQ)."""
WITHIN = timedelta(seconds=60)
REMEMBERED = 10_000
"""People whose latest actions are remembered. The person who was inactive longest is dropped first."""


class Recent(msgspec.Struct):
    """When a person did their latest things, and whether they were warned in this flood."""

    times: deque[datetime]
    warned: bool = False


class Throttle:
    """Counts what each person does, also what stays unanswered. So the silence ends only when the flood
    ends."""

    def __init__(self) -> None:
        self._people: LRUCache[int, Recent] = LRUCache(REMEMBERED)

    def check(self, person_id: int, now: datetime) -> Literal["answer", "warn", "ignore"]:
        """Decides what to do about one more thing from this person. Returns `warn` once in each flood."""
        recent = self._people.get(person_id)
        if recent is None:
            recent = self._people[person_id] = Recent(deque(maxlen=MOST))
        flood = len(recent.times) == MOST and now - recent.times[0] < WITHIN
        warned = recent.warned
        recent.times.append(now)
        recent.warned = flood
        if not flood:
            return "answer"
        return "ignore" if warned else "warn"

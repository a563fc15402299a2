"""Resets: an admin lets an account try again. Every process then clears its count of the account's
failures."""

from typing import Protocol
from weakref import WeakSet

from djangobot.db.delivery import wakeups


class Counter(Protocol):
    """Counts an account's failures."""

    def forget(self, account_id: int, login: str) -> None:
        """Clears the failures of this account."""


counters: "WeakSet[Counter]" = WeakSet()
"""The counters of this process."""


def publish(account_id: int, login: str) -> None:
    """Resets the account in all processes."""
    publish_here(account_id, login)
    if wakeups.pubsub is not None:
        wakeups.pubsub.publish_reset(account_id, login)


def publish_here(account_id: int, login: str) -> None:
    """Resets the account in this process."""
    for counter in list(counters):
        counter.forget(account_id, login)

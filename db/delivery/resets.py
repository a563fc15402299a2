"""Resets: an admin lets an account try again; whoever counts failures hears it, in every process."""

from typing import Protocol
from weakref import WeakSet

from djangobot.db.delivery import wakeups


class Counter(Protocol):
    """Counts an account's failures."""

    def forget(self, account_id: int, login: str) -> None:
        """Those of this account count no more."""


counters: "WeakSet[Counter]" = WeakSet()
"""Those of this process."""


def publish(account_id: int, login: str) -> None:
    """To all of them."""
    publish_here(account_id, login)
    if wakeups.pubsub is not None:
        wakeups.pubsub.publish_reset(account_id, login)


def publish_here(account_id: int, login: str) -> None:
    """To those of this process."""
    for counter in list(counters):
        counter.forget(account_id, login)

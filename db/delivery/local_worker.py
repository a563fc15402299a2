"""The worker of this process, if it has one. This is the one place that knows: wakeups stay in the process,
new messages may be handed to the worker at once, and a recall is applied directly."""

from collections.abc import Sequence
from typing import Protocol

from djangobot.db.delivery.outcomes import Claimed


class LocalWorker(Protocol):
    """What the queue calls of the worker of its process."""

    @property
    def free(self) -> bool:
        """Whether the worker would start to send at once."""
        ...

    def add_claimed(self, claimed: Sequence[Claimed]) -> None:
        """Receives claimed messages, to send them or put them back."""

    def fix(self, message: Claimed) -> str | None:
        """Fixes the parts of a message that are sent. None: they are fixed later, before it is sent."""
        ...

    async def apply_recall(self) -> None:
        """Applies a pause or a recall to the messages in flight."""


_worker: LocalWorker | None = None


def register_worker(worker: LocalWorker | None) -> None:
    """Registers the worker of this process, or None when it stops."""
    global _worker
    _worker = worker


def local_worker() -> LocalWorker | None:
    """The worker of this process. None when there is none."""
    return _worker

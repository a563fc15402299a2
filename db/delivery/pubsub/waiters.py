"""Waiters: requests that wait until their message is settled. They are told within this process, and through
pubsub in others."""

import asyncio
from datetime import datetime

from djangobot.db.delivery.outcomes import SETTLED
from djangobot.db.delivery.pubsub import pubsub
from djangobot.db.delivery.pubsub.pubsub import Topic
from djangobot.db.engine import current

SETTLED_ROWS = """
SELECT public_id, status, failure FROM message
WHERE public_id = ANY($1::uuid[])
"""

SETTLEMENT: Topic[tuple[str, str, str | None]] = Topic("djangobot_settled", tuple[str, str, str | None])
"""A message is settled: its public_id, status and failure."""
Outcome = asyncio.Future[tuple[str, str | None]]
_waiters: dict[str, list[Outcome]] = {}
"""Waiters by public_id. A message has several when its sender repeated the request under the same idempotency
key."""
_seen: set[str] = set()
"""The awaited messages that the last check found in the table."""


def add_waiter(public_id: str) -> Outcome:
    """Returns a future that `notify_settled` resolves with status and failure. Pass it to `wait_settled`, or
    end it with `remove_waiter`."""
    future: Outcome = asyncio.get_running_loop().create_future()
    _waiters.setdefault(public_id, []).append(future)
    return future


async def wait_settled(public_id: str, future: Outcome, seconds: float) -> tuple[str, str | None]:
    """Returns status and failure. The status is `queued` when the message was not settled in that time."""
    try:
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        return "queued", None
    finally:
        remove_waiter(public_id, future)


def remove_waiter(public_id: str, future: Outcome) -> None:
    """Removes this waiter."""
    waiting = [other for other in _waiters.pop(public_id, ()) if other is not future]
    if waiting:
        _waiters[public_id] = waiting


def release_waiters() -> None:
    """Answers every waiter with `queued`, because the process ends. The next start delivers their
    messages."""
    for public_id in _waiters:
        notify_settled_here(public_id, "queued", None)


def has_waiters() -> bool:
    """Whether anybody may wait for a message, here or in another process."""
    return bool(_waiters) or pubsub.link() is not None


def notify_settled(public_id: str, status: str, failure: str | None) -> None:
    """Wakes the waiters of a settled message, in every process."""
    SETTLEMENT.publish((public_id, status, failure))


def notify_settled_here(public_id: str, status: str, failure: str | None) -> None:
    """Wakes the waiters in this process."""
    for future in _waiters.get(public_id, ()):
        if not future.done():
            future.set_result((status, failure))


async def check_awaited(_: datetime) -> None:
    """Wakes the waiters of messages that were settled, or that were seen before and are gone. Queries the
    table, because notifications may be lost."""
    global _seen
    awaited = list(_waiters)
    there: set[str] = set()
    for row in await current().fetch(SETTLED_ROWS, awaited) if awaited else ():
        there.add(str(row["public_id"]))
        if row["status"] in SETTLED:
            notify_settled_here(str(row["public_id"]), row["status"], row["failure"])
    for public_id in _seen.intersection(awaited) - there:
        notify_settled_here(public_id, "canceled", "deleted")
    _seen = there


SETTLEMENT.subscribe(lambda word: notify_settled_here(*word))
pubsub.every_second(check_awaited)

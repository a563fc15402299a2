"""Changes: whoever waits for a change of a message is told of it, in whatever process it happens."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime

from djangobot.db.delivery.pubsub import pubsub, waiters
from djangobot.db.delivery.pubsub.pubsub import Topic
from djangobot.db.engine import current

# `xmin` is the number of the transaction that wrote a row last (PostgreSQL, 5.5): it is another one after
# each change.
VERSIONS = """
SELECT public_id, xmin::text AS version FROM message WHERE public_id = ANY($1::uuid[])
"""
CHANGE: Topic[str] = Topic("djangobot_changed", str)
"""The public_id of a message that has changed, but for its status."""
_watches: dict[str, set["Watch"]] = {}
"""Who watches a message, by public_id."""
_versions: dict[str, str] = {}
"""The awaited messages as the last check found them."""


class Watch:
    """One waiter's view of a message. `ended`: the process ends, and nobody may wait any longer."""

    def __init__(self) -> None:
        self.ended = False
        self._touched = asyncio.Event()

    def touch(self) -> None:
        """Wakes the waiter: the message may have changed."""
        self._touched.set()

    def end(self) -> None:
        """Wakes the waiter for good."""
        self.ended = True
        self.touch()

    async def wait(self, deadline: float) -> bool:
        """Waits until the message may have changed since the last call. `deadline` is the loop's time.
        Returns False when the time is over."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._touched.wait()
        except TimeoutError:
            return False
        self._touched.clear()
        return not self.ended


@contextlib.contextmanager
def watch(public_id: str) -> Iterator[Watch]:
    """Watches a message while the block runs. Read the message after this begins."""
    one = Watch()
    _watches.setdefault(public_id, set()).add(one)
    try:
        yield one
    finally:
        others = _watches[public_id]
        others.discard(one)
        if not others:
            del _watches[public_id]


def anybody_waits() -> bool:
    """Whether anybody may wait for a message or watch one, here or in another process."""
    return bool(_watches) or waiters.has_waiters()


def notify(public_id: str) -> None:
    """Tells those who watch this message, in every process, that it has changed. A change of its status is
    told by waiters.notify_settled."""
    CHANGE.publish(public_id)


def release_watches() -> None:
    """Ends every wait, because the process ends."""
    for watches in _watches.values():
        for one in watches:
            one.end()


async def check_watched(_: datetime) -> None:
    """Wakes those whose message may have changed since the last check. Queries the table, because
    notifications may be lost."""
    global _versions
    watched = list(_watches)
    rows = await current().fetch(VERSIONS, watched) if watched else []
    versions = {str(row["public_id"]): row["version"] for row in rows}
    for public_id in watched:
        if public_id not in _versions or _versions[public_id] != versions.get(public_id):
            _touch(public_id)
    _versions = versions


def _touch(public_id: str) -> None:
    for one in _watches.get(public_id, ()):
        one.touch()


CHANGE.subscribe(_touch)
waiters.SETTLEMENT.subscribe(lambda word: _touch(word[0]))
pubsub.every_second(check_watched)

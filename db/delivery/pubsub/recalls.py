"""Recalls: the worker must check its messages in flight again, because a ban, a pause or an erasure concerns
some of them."""

import contextlib
from datetime import datetime

from djangobot.db import state
from djangobot.db.delivery.local_worker import local_worker
from djangobot.db.delivery.pubsub.pubsub import Topic
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.tasks import Tasks

RECALL = "recall"
"""The name of the state that changes with each recall."""
RECALLED: Topic[bool] = Topic("djangobot_recalled", bool)
_applying = Tasks()


async def record(now: datetime) -> None:
    """Records a recall. Call it in a transaction, and call `apply` after the commit."""
    await state.put(RECALL, now, now)


async def last() -> object:
    """Returns a value that differs after each recall."""
    value: object = await state.get(RECALL)
    return value


async def apply() -> None:
    """Applies a pause or a recall. It is in effect in this process when this returns, and a moment later in
    another process that delivers."""
    worker = local_worker()
    if worker is not None:
        await worker.apply_recall()
    else:
        RECALLED.publish_elsewhere(True)


def _on_recalled(_: bool) -> None:
    """Applies a recall that another process published."""
    _applying.start(_apply_here())


async def _apply_here() -> None:
    worker = local_worker()
    with contextlib.suppress(DatabaseUnavailable):  # the worker polls in a moment
        if worker is not None:
            await worker.apply_recall()


RECALLED.subscribe(_on_recalled)

"""The pause: admins stop and resume the delivery of all messages. Messages are accepted all the same."""

from datetime import datetime

from djangobot.db import audit, state
from djangobot.db.delivery.pubsub import recalls
from djangobot.db.engine import current

NAME = "paused"


async def is_paused() -> bool:
    """Whether an admin has paused delivery."""
    return bool(await state.get(NAME))


async def set_paused(paused: bool, by: int, now: datetime) -> None:
    """Pauses or resumes delivery, with an audit entry if that is new."""
    async with current().write():
        before = await is_paused()
        if before != paused:
            await state.put(NAME, paused, now)
            await audit.record(by, "pause delivery", "", before, paused, now)
    await recalls.apply()

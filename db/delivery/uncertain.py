"""When a message ends as uncertain: it may be in the chat already, and Telegram may not recognise a repeat.
An admin decides whether it is sent again."""

from datetime import datetime, timedelta

from djangobot.db.delivery import outcomes
from djangobot.db.delivery.outcomes import Claimed, Uncertain

SAFE_TO_REPEAT = timedelta(hours=24)
"""How long we trust Telegram to remember a random_id, unless a setting says otherwise. Telegram publishes no
figure."""
TOO_LATE = "its first attempt is too long ago to repeat it safely"


def uncertain(message: Claimed, now: datetime, safe_to_repeat: timedelta) -> Uncertain | None:
    """The outcome of a message that was tried before and must not be repeated. An edit may be repeated at any
    time."""
    if message.first_attempt is None:
        return None
    if not message.is_edit and now - message.first_attempt > safe_to_repeat:
        return Uncertain(message, TOO_LATE)
    return Uncertain(message, outcomes.EXPIRED_IN_DOUBT) if message.expired(now) else None

"""Deletes messages from the chat that their senders have taken back."""

from djangobot.bot.callback_data.jobs import DeleteMessage
from djangobot.bot.context import Context
from djangobot.bot.telegram.errors import Refused
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.db.messages import deletions


async def delete(context: Context, data: DeleteMessage) -> None:
    """Deletes all that the chat has of a message. Telegram may refuse that, or may never have named a part of
    it."""
    doomed = await deletions.doomed(data.message, context.now)
    if doomed is None:
        return
    try:
        await context.delete([one for one in doomed.telegram_ids if one != UNKNOWN_TELEGRAM_ID])
    except Refused:
        return await deletions.give_up(doomed)
    if UNKNOWN_TELEGRAM_ID in doomed.telegram_ids:
        return await deletions.give_up(doomed)
    await deletions.record(doomed, context.now)

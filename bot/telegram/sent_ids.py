"""Sent ids: which message of the chat a send has made, as Telegram answers it."""

from typing import Any

from pyrogram import raw

UNKNOWN_TELEGRAM_ID = 0
"""The message is in the chat, but Telegram's answer did not give its id."""


def sent_id(answer: Any, random_id: int) -> int:
    """The id in the chat of the message that was sent under this random_id."""
    if isinstance(answer, raw.types.UpdateShortSentMessage):
        return int(answer.id)
    for update in getattr(answer, "updates", ()):
        if isinstance(update, raw.types.UpdateMessageID) and update.random_id == random_id:
            return int(update.id)
    return UNKNOWN_TELEGRAM_ID

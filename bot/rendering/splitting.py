"""Splitting: a text that is longer than one message of Telegram becomes several."""

import msgspec

from djangobot.bot.telegram.text import Text
from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT
from djangobot.db.messages.rich_text.spans import RichText, utf16_length
from djangobot.db.messages.rich_text.split import split


def in_parts(text: Text) -> list[Text]:
    """The text in as many messages as Telegram's limit requires, each with its share of the formatting.
    Buttons stand under the last."""
    if utf16_length(text.text) <= MESSAGE_LIMIT:
        return [text]
    *others, last = [
        msgspec.structs.replace(text, text=part.text, spans=part.spans, buttons=())
        for part in split(RichText(text.text, text.spans))
    ]
    return [*others, msgspec.structs.replace(last, buttons=text.buttons)]

"""Parts: the Telegram messages that one message is sent as, stored with it before the first attempt.

Each repeat sends the stored parts. Names, languages, settings, our own texts or the clock may have changed
since.
"""

from collections.abc import Sequence

import msgspec

from djangobot.bot.telegram.text import Text

_decoder = msgspec.json.Decoder(list[Text])


def encode(parts: Sequence[Text]) -> str:
    """Encodes the parts as JSON: each is an array, with its formatting as (kind, offset, length, value)."""
    return msgspec.json.encode(parts).decode()


def decode(stored: str) -> list[Text]:
    """Returns exactly the texts that were encoded."""
    return _decoder.decode(stored)

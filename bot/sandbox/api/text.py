"""Telegram's rules for a text: its length, the white space at its ends, and its entities."""

from djangobot.bot.sandbox.api import entities
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.entities import units
from djangobot.bot.sandbox.mtproto.schema import TL

# core.telegram.org/method/help.getConfig: message_length_max, in code points. A live probe found the same.
MAX_TEXT = 4096
# core.telegram.org/api/config: caption_length_limit_default. Counted in UTF-16 units, the stricter reading.
MAX_CAPTION = 1024


def checked(call: Call, text: str, given: list[TL] | None) -> tuple[str, tuple[TL, ...]]:
    """A message's text and entities as they are stored; RpcError as Telegram refuses them."""
    if len(text) > MAX_TEXT:
        raise RpcError(400, "MESSAGE_TOO_LONG")
    return _stored(call, text, given)


def checked_caption(call: Call, text: str, given: list[TL] | None) -> tuple[str, tuple[TL, ...]]:
    """The same for the caption of a file."""
    if units(text) > MAX_CAPTION:
        raise RpcError(400, "MEDIA_CAPTION_TOO_LONG")
    return _stored(call, text, given)


def _stored(call: Call, text: str, given: list[TL] | None) -> tuple[str, tuple[TL, ...]]:
    """As on the real server, white space at both ends is removed, and the entities move with it."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    kept = entities.checked(call, text, given) if given else []
    stripped = text.strip()
    if kept:
        moved = units(text[: len(text) - len(text.lstrip())])
        kept = entities.nested(entities.moved(kept, -moved, units(stripped)))
    return stripped, entities.with_automatic(stripped, kept)

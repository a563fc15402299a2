"""Telegram's rules for texts and their entities.

Lengths are counted in characters after the markup is parsed, offsets of entities in UTF-16 units
(core.telegram.org/api/entities).
"""

import re
from collections.abc import Iterator

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import user_of
from djangobot.bot.sandbox.mtproto.schema import TL

# core.telegram.org/method/help.getConfig: message_length_max; client config: caption_length_limit_default.
MAX_TEXT = 4096
MAX_CAPTION = 1024
# About 100 entities count, as experiments show; Telegram publishes no number. Further ones are dropped.
MAX_ENTITIES = 100

_AUTOMATIC = re.compile(
    r"(?P<messageEntityUrl>https?://[^\s<>\"]*[^\s<>\"'.,;:!?)\]])"
    r"|(?<![\w/<>])(?P<messageEntityBotCommand>/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?)(?![\w/<>])"
    r"|(?<![\w@])(?P<messageEntityMention>@[A-Za-z]\w{3,31})\b"
    r"|(?<!\w)(?P<messageEntityHashtag>\#[^\W\d]\w*)"
    r"|(?<!\w)(?P<messageEntityEmail>[\w.+-]+@[\w-]+\.[\w.-]*\w)",
)


def units(text: str) -> int:
    """A text's length in UTF-16 units."""
    return len(text) + sum(1 for character in text if character > "\uffff")


def checked(
    call: Call, text: str, entities: list[TL] | None, *, limit: int = MAX_TEXT
) -> tuple[str, tuple[TL, ...]]:
    """The text and entities as they are stored; RpcError as Telegram refuses them.

    As on the real server, white space at both ends is removed, and empty entities are dropped. Links,
    commands, mentions and hashtags are found without being marked.
    """
    if len(text) > limit:
        name = "MESSAGE_TOO_LONG" if limit == MAX_TEXT else "MEDIA_CAPTION_TOO_LONG"
        raise RpcError(400, name)
    if "\x00" in text:
        text = text.replace("\x00", "")
    kept = [_checked_entity(call, entity, text) for entity in entities or []]
    front = len(text) - len(text.lstrip())
    stripped = text.strip()
    moved = units(text[:front])
    end = units(stripped)
    result = []
    for entity in kept[:MAX_ENTITIES]:
        start = max(entity["offset"] - moved, 0)
        stop = min(entity["offset"] + entity["length"] - moved, end)
        if stop > start:
            result.append({**entity, "offset": start, "length": stop - start})
    result += _automatic(stripped, result)
    result.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return stripped, tuple(result)


def _checked_entity(call: Call, entity: TL, text: str) -> TL:
    offset, length = entity["offset"], entity["length"]
    encoded = text.encode("utf-16-le", "surrogatepass")
    if offset < 0 or length < 0 or (offset + length) * 2 > len(encoded):
        raise RpcError(400, "ENTITY_BOUNDS_INVALID")
    for edge in (offset, offset + length):
        unit = int.from_bytes(encoded[edge * 2 : edge * 2 + 2], "little")
        if 0xDC00 <= unit < 0xE000:
            raise RpcError(400, "ENTITY_BOUNDS_INVALID")
    if entity["_"] == "messageEntityTextUrl" and not entity["url"]:
        raise RpcError(400, "ENTITY_TEXTURL_INVALID")
    if entity["_"] == "inputMessageEntityMentionName":
        try:
            user = user_of(call, entity["user_id"])
        except RpcError as exc:
            raise RpcError(400, "ENTITY_MENTION_USER_INVALID") from exc
        return {"_": "messageEntityMentionName", "offset": offset, "length": length, "user_id": user.id}
    return entity


def _automatic(text: str, given: list[TL]) -> Iterator[TL]:
    taken = [(entity["offset"], entity["offset"] + entity["length"]) for entity in given]
    for found in _AUTOMATIC.finditer(text):
        offset = units(text[: found.start()])
        length = units(found.group())
        if all(offset >= stop or offset + length <= start for start, stop in taken):
            yield {"_": str(found.lastgroup), "offset": offset, "length": length}


def automatic(text: str) -> tuple[TL, ...]:
    """The entities that Telegram finds in a text without any."""
    return tuple(_automatic(text, []))

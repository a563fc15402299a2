"""Telegram's rules for entities: their bounds, how they nest, and those that it finds by itself.

Offsets and lengths are UTF-16 units (core.telegram.org/api/entities). How entities nest is in
core.telegram.org/bots/api#messageentity.
"""

import re
from collections.abc import Iterator

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import user_of
from djangobot.bot.sandbox.mtproto.schema import TL

# About 100 entities count, as experiments show; Telegram publishes no number. Further ones are dropped.
MAX_ENTITIES = 100

# Telegram finds these itself and ignores those that a client names.
_FOUND = {
    "messageEntityUrl",
    "messageEntityEmail",
    "messageEntityMention",
    "messageEntityBotCommand",
    "messageEntityHashtag",
    "messageEntityCashtag",
    "messageEntityPhone",
    "messageEntityBankCard",
}
_CODE = {"messageEntityCode", "messageEntityPre"}
# These hold any other entity but code, and may be cut in two.
_STYLES = {
    "messageEntityBold",
    "messageEntityItalic",
    "messageEntityUnderline",
    "messageEntityStrike",
    "messageEntitySpoiler",
}
_QUOTE = "messageEntityBlockquote"

# A name without a scheme is a link when it ends with one of these. Telegram knows all of them.
_DOMAINS = "com|org|net|edu|gov|info|io|dev|app|me|co|ai|ru|su|рф|ua|by|kz|de|at|ch|fr|es|it|uk|eu|us|cn|jp"
_END_OF_URL = r"[^\s<>\"'.,;:!?)\]]"
# What is found in a text: the character that must be there, the type, the pattern; the first one found wins.
_AUTOMATIC = [
    (needle, f"messageEntity{kind}", re.compile(pattern))
    for needle, kind, pattern in (
        ("://", "Url", rf"(?<!\w)(?:https?|ftp|tonsite|tg|ton)://[^\s<>\"]*{_END_OF_URL}"),
        ("@", "Email", r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]*\w"),
        (
            ".",
            "Url",
            rf"(?i)(?<![\w.@/-])(?:[\w-]{{1,63}}\.){{1,8}}(?:{_DOMAINS})\b(?![\w@-])"
            rf"(?::\d{{1,5}})?(?:[/?#](?:[^\s<>\"]*{_END_OF_URL})?)?",
        ),
        ("@", "Mention", r"(?<![\w@])@[A-Za-z]\w{3,31}\b"),
        ("/", "BotCommand", r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/<>])"),
        ("#", "Hashtag", r"(?<![\w#])#(?=\w{0,255}[^\W\d])\w{1,256}"),
        ("$", "Cashtag", r"(?<!\w)\$[A-Z]{1,8}(?!\w)"),
        ("+", "Phone", r"(?<![\w+])\+\d(?:[ ()-]{0,2}\d){6,14}(?!\d)"),
    )
]


def units(text: str) -> int:
    """A text's length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) >> 1


def checked(call: Call, text: str, given: list[TL]) -> list[TL]:
    """The entities that count, in the form in which they are stored; RpcError as Telegram refuses them."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    for entity in given:
        _check_bounds(entity, encoded)
    counted = [entity for entity in given if entity["_"] not in _FOUND][:MAX_ENTITIES]
    return [_stored(call, entity) for entity in counted]


def _check_bounds(entity: TL, encoded: bytes) -> None:
    offset, length = entity["offset"], entity["length"]
    if offset < 0 or length < 0 or (offset + length) * 2 > len(encoded):
        raise RpcError(400, "ENTITY_BOUNDS_INVALID")
    for edge in (offset, offset + length):
        # The second half of a surrogate pair: 0xDC to 0xDF in its upper byte.
        if 0xDC <= int.from_bytes(encoded[edge * 2 + 1 : edge * 2 + 2], "little") < 0xE0:
            raise RpcError(400, "ENTITY_BOUNDS_INVALID")


def _stored(call: Call, entity: TL) -> TL:
    if entity["_"] == "messageEntityTextUrl" and not entity["url"]:
        raise RpcError(400, "ENTITY_TEXTURL_INVALID")
    if entity["_"] != "inputMessageEntityMentionName":
        return entity
    try:
        user = user_of(call, entity["user_id"])
    except RpcError as exc:
        raise RpcError(400, "ENTITY_MENTION_USER_INVALID") from exc
    return {**entity, "_": "messageEntityMentionName", "user_id": user.id}


def moved(given: list[TL], by: int, end: int) -> list[TL]:
    """The entities after the text's ends were cut off; those that then hold nothing are dropped."""
    result = []
    for entity in given:
        start = max(entity["offset"] + by, 0)
        stop = min(entity["offset"] + entity["length"] + by, end)
        if stop > start:
            result.append(_at(entity, start, stop))
    return result


def nested(given: list[TL]) -> list[TL]:
    """The entities as Telegram lets them nest.

    Nothing lies within code, and styles are cut around it. Quotes hold no quotes. Links, mentions and emoji
    hold none of each other.
    """
    given = sorted(given, key=_order)
    code = _apart([entity for entity in given if entity["_"] in _CODE])
    quotes = _apart([entity for entity in given if entity["_"] == _QUOTE])
    styles = [entity for entity in given if entity["_"] in _STYLES]
    others = [entity for entity in given if entity["_"] not in _STYLES | _CODE | {_QUOTE}]
    return [
        *quotes,
        *code,
        *_apart(others, beside=code),
        *(part for entity in styles for part in _around(entity, code)),
    ]


def with_automatic(text: str, given: list[TL]) -> tuple[TL, ...]:
    """The entities and those that Telegram finds in the text, in order."""
    taken = [entity for entity in given if entity["_"] not in _STYLES and entity["_"] != _QUOTE]
    given = given + list(_automatic(text, taken, MAX_ENTITIES - len(given)))
    given.sort(key=_order)
    return tuple(given)


def automatic(text: str) -> tuple[TL, ...]:
    """The entities that Telegram finds in a text without any."""
    return with_automatic(text, [])


def _automatic(text: str, taken: list[TL], limit: int) -> Iterator[TL]:
    taken = list(taken)
    for needle, kind, pattern in _AUTOMATIC:
        if needle not in text:
            continue
        for found in pattern.finditer(text):
            if limit <= 0:
                return
            offset = units(text[: found.start()])
            entity = {"_": kind, "offset": offset, "length": units(found.group())}
            if not any(_meet(entity, other) for other in taken):
                limit -= 1
                taken.append(entity)
                yield entity


def _apart(given: list[TL], *, beside: list[TL] | None = None) -> list[TL]:
    """Those that meet none before them, and none of `beside`."""
    kept: list[TL] = []
    for entity in given:
        if not any(_meet(entity, other) for other in [*kept, *(beside or [])]):
            kept.append(entity)
    return kept


def _around(entity: TL, code: list[TL]) -> Iterator[TL]:
    """The parts of a style that lie outside code; `code` is in order."""
    start, end = entity["offset"], _end(entity)
    for block in code:
        if start < block["offset"] < end:
            yield _at(entity, start, block["offset"])
        if block["offset"] < end:
            start = max(start, _end(block))
    if start < end:
        yield _at(entity, start, end)


def _at(entity: TL, start: int, end: int) -> TL:
    return {**entity, "offset": start, "length": end - start}


def _end(entity: TL) -> int:
    return int(entity["offset"] + entity["length"])


def _meet(entity: TL, other: TL) -> bool:
    return bool(entity["offset"] < _end(other) and other["offset"] < _end(entity))


def _order(entity: TL) -> tuple[int, int]:
    return entity["offset"], -entity["length"]

"""Meanings of errors: one table decides what each of Telegram's errors means for the caller, and which of our
errors it becomes.

Telegram sorts its errors by code (core.telegram.org/api/errors). WORDS lists the errors whose name means
something else than their code. An unknown error is decided by its code.
"""

import re
from collections import deque
from typing import Literal

from pyrogram import raw
from pyrogram.errors import RPCError
from pyrogram.raw.core import TLObject

from djangobot.bot.telegram import library
from djangobot.bot.telegram.errors import AnswerLost, Blocked, FloodWait, GatewayError, Refused, Scope, Undone

Meaning = Literal["again", "wait", "session", "connection", "chat", "refused"]
"""`again`: Telegram has an internal error, and nobody knows whether the call was done. `wait`: not done, and
not before some seconds. `session`: not done, and impossible under this session; a new sign-in is needed.
`connection`: not done, the connection must be introduced again. `chat`: not done, this chat does not accept
it. `refused`: not done, and never will be."""

CODES: dict[int, Meaning] = {
    303: "session",  # the bot belongs to another data centre, which the sign-in finds
    400: "refused",
    401: "session",
    403: "chat",
    404: "refused",
    406: "refused",
    420: "wait",
    429: "wait",
    500: "again",
    503: "again",
}
WORDS: dict[str, Meaning] = {
    "ACCESS_TOKEN_EXPIRED": "session",
    "ACCESS_TOKEN_INVALID": "session",
    "API_ID_INVALID": "session",
    "API_ID_PUBLISHED_FLOOD": "session",
    "AUTH_KEY_DUPLICATED": "session",
    "CONNECTION_API_ID_INVALID": "session",
    "CONNECTION_APP_VERSION_EMPTY": "connection",
    "CONNECTION_DEVICE_MODEL_EMPTY": "connection",
    "CONNECTION_LANG_PACK_INVALID": "connection",
    "CONNECTION_LAYER_INVALID": "connection",
    "CONNECTION_NOT_INITED": "connection",
    "CONNECTION_SYSTEM_EMPTY": "connection",
    "CONNECTION_SYSTEM_LANG_CODE_EMPTY": "connection",
    "ENCRYPTED_MESSAGE_INVALID": "session",
    "INPUT_LAYER_INVALID": "connection",
    "INPUT_USER_DEACTIVATED": "chat",
    "MSG_WAIT_FAILED": "again",
    "MSG_WAIT_TIMEOUT": "again",
    "PEER_FLOOD": "wait",
    "PEER_ID_INVALID": "chat",
    "TEMP_AUTH_KEY_ALREADY_BOUND": "session",
    "TEMP_AUTH_KEY_EMPTY": "session",
    "USER_IS_BLOCKED": "chat",
    "YOU_BLOCKED_USER": "chat",
}
OUTDATED = {"CONNECTION_LAYER_INVALID", "INPUT_LAYER_INVALID", "UPDATE_APP_TO_LOGIN"}
"""What Telegram says to a library that speaks a layer of its schema that it does not take any more."""
WAIT_UNSAID = 30
"""Seconds to wait when Telegram does not say for how long."""


KEPT = 10
"""Ended sessions that are remembered until an alert reports them."""
_ended: deque[str] = deque(maxlen=KEPT)


def session_ended(word: str) -> None:
    """Records that Telegram does not accept our session any more. Admins get an alert."""
    _ended.append(word)


def ended_sessions() -> list[str]:
    """Telegram's names for why sessions ended, since the last call."""
    words = list(_ended)
    _ended.clear()
    return words


def meaning(exc: RPCError) -> Meaning:
    """What this error means for the caller."""
    code = code_of(exc)
    return WORDS.get(word(exc)) or CODES.get(code) or ("again" if code >= 500 else "refused")


def our_error(exc: RPCError, query: TLObject) -> GatewayError:
    """What the gateway raises in its place (errors.py)."""
    said = word(exc)
    match meaning(exc):
        case "again":
            return AnswerLost(str(exc))
        case "wait":
            return FloodWait(seconds_of(exc), _scope(query))
        case "session" | "connection":
            return Undone(said)
        case "chat" if said == "USER_IS_BLOCKED":
            return Blocked("blocked")
        case "chat" if said == "INPUT_USER_DEACTIVATED":
            return Refused("deactivated")
    return Refused(said)


def _scope(query: TLObject) -> Scope:
    """Whom a wait concerns, by the call that got it."""
    if isinstance(query, raw.functions.upload.SaveFilePart | raw.functions.upload.SaveBigFilePart):
        return "uploads"
    return "chat" if hasattr(query, "peer") else "bot"


def code_of(exc: RPCError) -> int:
    """Telegram's code, also for an error that Pyrogram does not know. The sign is dropped; it only says where
    in Telegram the error arose."""
    said = re.match(r"\[-?(\d+) ", str(exc.value))
    return int(said[1]) if said else int(exc.CODE or 0)


def word(exc: RPCError) -> str:
    """Telegram's own name of the error, such as PEER_ID_INVALID."""
    if exc.ID:
        return str(exc.ID)
    return str(exc.value).strip("[]").partition(" ")[2] or str(code_of(exc))


def sentence(exc: RPCError) -> str:
    """Why Telegram refused us, and what to do about it if that is not for its caller to say."""
    if word(exc) not in OUTDATED:
        return word(exc)
    change = "update it" if library.FORK else "change to kurigram, its maintained fork"
    return (
        f"{word(exc)}: Telegram does not take the layer any more that {library.described()} speaks; "
        f"{change} (docs/telegram.md)"
    )


def is_outdated(exc: RPCError) -> bool:
    """Whether the library is too old for Telegram."""
    return word(exc) in OUTDATED


def seconds_of(exc: RPCError) -> int:
    """How many seconds Telegram wants us to wait."""
    said = exc.value if isinstance(exc.value, int) else _number(word(exc))
    return max(1, said) if said is not None else WAIT_UNSAID


def _number(said: str) -> int | None:
    """The last number in an error's name, as in FLOOD_PREMIUM_WAIT_7."""
    numbers = re.findall(r"_(\d+)", said)
    return int(numbers[-1]) if numbers else None

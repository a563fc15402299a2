"""Each error of Telegram's is decided, in one table."""

from typing import Any

import pytest
from pyrogram import raw
from pyrogram.errors import RPCError
from pyrogram.errors.exceptions.all import exceptions

from djangobot.bot.telegram import error_meanings
from djangobot.bot.telegram.errors import AnswerLost, FloodWait, GatewayError, Refused, Undone

CALL = raw.functions.messages.SendMessage
PUBLISHED = [
    (code, word.replace("_X", "_7")) for code, words in exceptions.items() for word in words if word != "_"
]
UNKNOWN = [
    (420, "FLOOD_PREMIUM_WAIT_7"), (420, "FROZEN_METHOD_INVALID"), (-503, "Timeout"),
    (-500, "No workers running"), (500, "NEVER_HEARD_OF"), (502, "BAD_GATEWAY"),
    (401, "NEVER_HEARD_OF"), (406, "NEVER_HEARD_OF"),
    (303, "SOMETHING_MIGRATE_4"), (429, "TOO_MANY"), (404, "METHOD_INVALID"), (400, "NEVER_HEARD_OF"),
    (405, "ODD"), (403, "NEVER_HEARD_OF"),
]  # fmt: skip


def raised(code: int, word: str) -> RPCError:
    """As Pyrogram raises what Telegram answers."""
    with pytest.raises(RPCError) as caught:
        RPCError.raise_it(raw.types.RpcError(error_code=code, error_message=word), CALL)
    return caught.value


@pytest.mark.parametrize("code", sorted({abs(code) for code, _ in PUBLISHED}))
def test_every_error_of_the_published_list_is_decided_by_its_code_or_its_word(code: int) -> None:
    """A code without an entry would be decided by chance."""
    assert code in error_meanings.CODES
    for _, word in [error for error in PUBLISHED if error[0] == code]:
        exc = raised(code, word)  # of one word under two codes Pyrogram knows one
        meaning = error_meanings.meaning(exc)
        if code in (420, 401, 303, 500, 503):
            assert meaning == error_meanings.CODES[code], word
        assert meaning == error_meanings.WORDS.get(
            error_meanings.word(exc), error_meanings.CODES[error_meanings.code_of(exc)]
        )


@pytest.mark.parametrize(("code", "word"), [*PUBLISHED, *UNKNOWN])
def test_what_an_error_means_is_what_the_gateway_raises(code: int, word: str) -> None:
    """Known to Pyrogram or not; a wait is as long as Telegram says."""
    exc = raised(code, word)
    kinds: dict[str, type[GatewayError]] = {
        "again": AnswerLost, "wait": FloodWait, "session": Undone, "connection": Undone,
        "chat": Refused, "refused": Refused,
    }  # fmt: skip
    peer: Any = raw.types.InputPeerSelf()  # its base class is a name of Pyrogram's, not its base
    got = error_meanings.our_error(exc, CALL(peer=peer, message="", random_id=1))
    assert isinstance(got, kinds[error_meanings.meaning(exc)])
    if code == 420:
        assert isinstance(got, FloodWait)
        assert got.seconds == (7 if word.endswith("_7") else error_meanings.WAIT_UNSAID)


@pytest.mark.parametrize(
    ("code", "word", "meaning"),
    [
        (420, "FLOOD_PREMIUM_WAIT_1", "wait"), (420, "NEVER_HEARD_OF", "wait"), (429, "TOO_MANY", "wait"),
        (401, "USER_DEACTIVATED", "session"), (401, "AUTH_KEY_PERM_EMPTY", "session"),
        (401, "NEVER_HEARD_OF", "session"), (406, "AUTH_KEY_DUPLICATED", "session"),
        (303, "USER_MIGRATE_4", "session"), (400, "CONNECTION_NOT_INITED", "connection"),
        (400, "INPUT_USER_DEACTIVATED", "chat"), (403, "USER_IS_BLOCKED", "chat"),
        (400, "USER_IS_BLOCKED", "chat"),
        (-503, "Timeout", "again"), (500, "NEVER_HEARD_OF", "again"), (502, "BAD_GATEWAY", "again"),
        (406, "NEVER_HEARD_OF", "refused"), (400, "MESSAGE_TOO_LONG", "refused"),
    ],
)  # fmt: skip
def test_whose_trouble_an_error_is(code: int, word: str, meaning: str) -> None:
    """The message's, the chat's, the session's, the connection's, or Telegram's own."""
    assert error_meanings.meaning(raised(code, word)) == meaning


def test_no_word_stands_in_the_table_that_its_code_decides_alike() -> None:
    """Each entry says something its code does not."""
    codes: dict[str, set[int]] = {}
    for code, word in PUBLISHED:
        codes.setdefault(word, set()).add(code)
    for word, meaning in error_meanings.WORDS.items():
        assert {error_meanings.CODES[code] for code in codes.get(word, {400})} != {meaning}, word

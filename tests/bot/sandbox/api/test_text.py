"""Telegram's rules for texts, entities and keyboards."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.sandbox.api import markup, text
from djangobot.bot.sandbox.api.call import Call, RpcError


class BotCall:
    """As much of a call as the rules look at."""

    class user:
        bot = True


CALL = cast(Call, BotCall())


def bold(offset: int, length: int) -> dict[str, Any]:
    return {"_": "messageEntityBold", "offset": offset, "length": length}


def test_4096_characters_pass_and_one_more_does_not() -> None:
    """Characters, not bytes and not UTF-16 units."""
    assert text.checked(CALL, "😀" * 4096, None)[0] == "😀" * 4096
    with pytest.raises(RpcError, match="MESSAGE_TOO_LONG"):
        text.checked(CALL, "x" * 4097, None)
    with pytest.raises(RpcError, match="MEDIA_CAPTION_TOO_LONG"):
        text.checked(CALL, "x" * 1025, None, limit=text.MAX_CAPTION)


def test_white_space_is_cut_off_both_ends_and_entities_move_with_it() -> None:
    """As the real server does; what then holds nothing is dropped."""
    content, entities = text.checked(CALL, "  hello world \n", [bold(2, 5), bold(13, 2)])
    assert content == "hello world"
    assert entities == (bold(0, 5),)


@pytest.mark.parametrize(("offset", "length"), [(-1, 2), (0, -1), (0, 4), (4, 1), (1, 1), (0, 1)])
def test_entities_outside_the_text_or_inside_a_pair_are_refused(offset: int, length: int) -> None:
    """Offsets are UTF-16 units: half an emoji is out of bounds."""
    with pytest.raises(RpcError, match="ENTITY_BOUNDS_INVALID"):
        text.checked(CALL, "😀a", [bold(offset, length)])
    assert text.checked(CALL, "😀a", [bold(0, 2), bold(2, 1)])[1] == (bold(0, 2), bold(2, 1))


def test_commands_links_mentions_and_hashtags_are_found() -> None:
    """By the server itself, in UTF-16 units, but not where the client has put an entity."""
    found = text.automatic("😀 /start@my_bot https://example.org/a?b=1. @durov #tag a/b x@y.org")
    assert [(e["_"].removeprefix("messageEntity"), e["offset"], e["length"]) for e in found] == [
        ("BotCommand", 3, 13),
        ("Url", 17, 25),
        ("Mention", 44, 6),
        ("Hashtag", 51, 4),
        ("Email", 60, 7),
    ]
    code = {"_": "messageEntityCode", "offset": 0, "length": 6}
    assert text.checked(CALL, "/start", [code])[1] == (code,)


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-3, 70), st.integers(-3, 70)), max_size=4))
def test_kept_entities_always_lie_within_the_text(content: str, spans: list[tuple[int, int]]) -> None:
    """Whatever is sent."""
    try:
        kept, entities = text.checked(CALL, content, [bold(*span) for span in spans])
    except RpcError:
        return
    for entity in entities:
        assert 0 <= entity["offset"] < entity["offset"] + entity["length"] <= text.units(kept)


def callback(data: bytes) -> dict[str, Any]:
    button = {"_": "keyboardButtonCallback", "text": "x", "data": data}
    return {"_": "replyInlineMarkup", "rows": [{"_": "keyboardButtonRow", "buttons": [button]}]}


def test_button_data_has_1_to_64_bytes() -> None:
    """BUTTON_DATA_INVALID otherwise."""
    assert markup.stored(CALL, callback(b"x" * 64))
    for data in (b"", b"x" * 65):
        with pytest.raises(RpcError, match="BUTTON_DATA_INVALID"):
            markup.stored(CALL, callback(data))

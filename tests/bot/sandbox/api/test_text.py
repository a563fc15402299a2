"""Telegram's rules for texts."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.sandbox.api import entities as entities_of
from djangobot.bot.sandbox.api import text
from djangobot.bot.sandbox.api.call import Call, RpcError


class BotCall:
    """As much of a call as the rules look at."""

    class user:
        bot = True


CALL = cast(Call, BotCall())


def bold(offset: int, length: int) -> dict[str, Any]:
    return {"_": "messageEntityBold", "offset": offset, "length": length}


def test_4096_characters_pass_and_one_more_does_not() -> None:
    """A text counts in characters, not bytes and not UTF-16 units; a caption in UTF-16 units."""
    assert text.checked(CALL, "😀" * 4096, None)[0] == "😀" * 4096
    with pytest.raises(RpcError, match="MESSAGE_TOO_LONG"):
        text.checked(CALL, "x" * 4097, None)
    assert text.checked_caption(CALL, "😀" * 512, None)[0] == "😀" * 512
    for caption in ("x" * 1025, "😀" * 513):
        with pytest.raises(RpcError, match="MEDIA_CAPTION_TOO_LONG"):
            text.checked_caption(CALL, caption, None)


def test_white_space_is_cut_off_both_ends_and_entities_move_with_it() -> None:
    """As the real server does; what then holds nothing is dropped."""
    content, entities = text.checked(CALL, "  hello world \n", [bold(2, 5), bold(13, 2)])
    assert content == "hello world"
    assert entities == (bold(0, 5),)


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-3, 70), st.integers(-3, 70)), max_size=4))
def test_kept_entities_always_lie_within_the_text(content: str, spans: list[tuple[int, int]]) -> None:
    """Whatever is sent."""
    try:
        kept, entities = text.checked(CALL, content, [bold(*span) for span in spans])
    except RpcError:
        return
    for entity in entities:
        assert 0 <= entity["offset"] < entity["offset"] + entity["length"] <= entities_of.units(kept)

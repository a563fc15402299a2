"""Messages of the outbox, as the chat shows them: nothing lost, within Telegram's limits."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.rendering.messages import split
from djangobot.bot.telegram.text import MESSAGE_LIMIT
from djangobot.db.messages.rich_text.spans import utf16_length


@given(st.text(max_size=300), st.integers(2, 50))
def test_parts_together_are_the_text(text: str, limit: int) -> None:
    """Nothing is lost or added by splitting, and no part is too long."""
    parts = split(text, limit)
    assert "".join(parts) == text
    assert all(utf16_length(part) <= limit for part in parts)


def test_a_long_text_breaks_between_words() -> None:
    """People read whole words."""
    parts = split("word " * 2000, MESSAGE_LIMIT)
    assert len(parts) == 3
    assert all(part.endswith("word ") for part in parts)


FAMILY, KEYCAP, WAVE, FLAG = "👨\u200d👩\u200d👧\u200d👦", "1\ufe0f\u20e3", "👋🏽", "🇩🇪"


@pytest.mark.parametrize("seen", [FLAG, FAMILY, KEYCAP, WAVE, "e\u0301", "\r\n", "क्षि", " \u0308"])
@pytest.mark.parametrize("before", ["", "x", "xy", "word "])
def test_no_part_begins_within_what_a_person_sees_as_one_character(seen: str, before: str) -> None:
    """Flags, families, keycaps, skin tones, accents, also one on a space."""
    text = before + seen * (2 * MESSAGE_LIMIT // len(seen))
    parts = split(text, MESSAGE_LIMIT)
    assert "".join(parts) == text
    assert all(utf16_length(part) <= MESSAGE_LIMIT for part in parts)
    assert all(
        (part.removeprefix(before) if part is parts[0] else part).count(seen) * len(seen)
        == len(part.removeprefix(before) if part is parts[0] else part)
        for part in parts
    )


@pytest.mark.parametrize("length", [4094, 4095, 4096, 4097])
def test_a_flag_at_the_limit_goes_to_one_side_whole(length: int) -> None:
    """Four UTF-16 units, of which some would fit."""
    first, *rest = split("x" * (length - 2) + FLAG + "yy", MESSAGE_LIMIT)
    assert FLAG in first or FLAG in rest[0]


def test_one_that_is_longer_than_a_message_is_torn_and_takes_no_time() -> None:
    """A letter with ten thousand accents."""
    began = time.monotonic()
    text = "a" + "\u0301" * 10_000
    parts = split(text, MESSAGE_LIMIT)
    assert "".join(parts) == text
    assert all(utf16_length(part) <= MESSAGE_LIMIT for part in parts)
    assert time.monotonic() - began < 1

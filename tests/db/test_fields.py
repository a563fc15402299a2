"""What names and texts may hold."""

import re
import sys
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.db import fields
from djangobot.db.errors import FieldsInvalid
from djangobot.db.programs import accounts

SEEN_NUMBERS = re.compile("ARABIC|SYRIAC ABBREVIATION|KAITHI NUMBER")
"""Format characters that are drawn: the signs that embrace numbers (Prepended_Concatenation_Mark)."""

INVISIBLE = [
    "\u200b",
    "\u3164",
    "\u2800",
    "\u115f\u1160",
    "\uffa0",
    "\u00ad",
    "\u034f",
    "\u2060\u2061\u2062\u2063\u2064",
    "\ufeff",
    "\u180e",
    "\u17b4\u17b5",
    "\ufe0f",
    "\u200d\u200c",
    "\U000e0100",
    "\U000e0067",
    "\U0001d159",
    "\u061c\u200e\u200f",
    "\u202e\u202c",
    "\u2066\u2069",
    "\ufff9\ufffa\ufffb",
    "\x07",
    "\x85",
    "\u00a0\u2003\u3000",
    " \t\n\r\u2028\u2029",
    " \u200b \n\u2800 \u3164",
]
SEEN = [
    "Ann",
    "Ён",
    "é",
    "e\u0301",
    "محمد",
    "می\u200cخواهم",
    "אבג",
    "小林",
    "クﾞ",
    "한글",
    "👩\u200d👩\u200d👧\u200d👦",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "🇩🇪",
    "\U0001fae8",
    "O'Neil & Söhne <b>",
    "a b",
    "葛\U000e0100城",
    "-",
    ".",
]


def every_character() -> Iterator[str]:
    """All that a text may hold."""
    return (chr(number) for number in range(sys.maxunicode + 1) if not 0xD800 <= number < 0xE000)


def taken(name: str) -> dict[str, str]:
    try:
        accounts.check(name=name)
        fields.check_token_name(name)
    except FieldsInvalid as exc:
        return exc.details
    return {}


@pytest.mark.parametrize("text", INVISIBLE)
def test_what_leaves_no_mark_is_blank(text: str) -> None:
    """Neither a text nor a name nor a login can be made of it alone."""
    assert fields.blank(text)
    assert list(taken(text)) == ["name"]
    assert fields.nameable(text, 64) == ""
    with pytest.raises(FieldsInvalid):
        accounts.check(login=text)


@pytest.mark.parametrize("text", SEEN)
def test_every_script_and_emoji_is_seen(text: str) -> None:
    """Joined emoji, flags, Persian's non-joiner, and signs newer than Python's tables may be names."""
    assert fields.blank(text) is None
    assert taken(text) == {}
    assert fields.nameable(text, 100) == text


@pytest.mark.parametrize(
    "character",
    [
        "\n",
        "\r",
        "\t",
        "\0",
        "\x1b",
        "\x7f",
        "\x85",
        "\u2028",
        "\u2029",
        *fields._BIDI.findall("".join(map(chr, range(0xD800)))),
    ],
)
@pytest.mark.parametrize("name", ["{}evil", "ev{}il", "evil{}"])
def test_a_name_breaks_no_line_and_turns_no_sentence(name: str, character: str) -> None:
    """It stands in the middle of our sentences; what Telegram calls a person is made fit for them."""
    name = name.format(character)
    assert list(taken(name)) == ["name"]
    with pytest.raises(FieldsInvalid):
        accounts.check(login=name)
    assert character not in fields.nameable(name, 64)


@pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u2060", "\u00ad", "\u206a"])
def test_two_names_do_not_differ_in_what_nobody_sees(character: str) -> None:
    """ "Bank" and "Bank" with a zero-width space look the same."""
    assert list(taken(f"Bank{character}")) == ["name"]
    assert fields.nameable(f"Ba{character}nk", 64) == "Bank"


def test_the_sets_hold_what_unicode_says() -> None:
    """Every control, format and space character, and all that turns the direction; no letter and no digit."""
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for one in every_character():
        kind, number = unicodedata.category(one), hex(ord(one))
        if unicodedata.bidirectional(one) in turning:
            assert fields.one_direction(one) == "", number
        if kind in ("Cc", "Zl", "Zp"):
            assert taken(f"a{one}b"), number
        if kind in ("Cc", "Cf", "Zs", "Zl", "Zp") and not SEEN_NUMBERS.match(unicodedata.name(one, "")):
            assert not fields.visible(one), number
        if kind in ("Lu", "Ll", "Lt", "Lm", "Nd", "Sc", "Sk"):
            assert fields.visible(one), number


@given(st.text(max_size=80))
def test_a_name_from_elsewhere_always_fits_into_a_sentence(text: str) -> None:
    """Whatever Telegram lets people call themselves."""
    name = fields.nameable(text, 64)
    assert name == "" or taken(name) == {}
    assert fields.nameable(name, 64) == name


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("9", 9), ("007", 7), ("0", None), ("10", None), ("", None), ("-1", None), ("+1", None)]
    + [(text, None) for text in ("1.0", " 1", "1_0", "٣", "³", "1\n", "9" * 5000, "0x1")],
)
def test_a_number_from_outside_is_plain_digits_within_bounds(text: str, number: int | None) -> None:
    """Python's own `int` would take more: other scripts, spaces, underscores, and text without end."""
    assert fields.whole_number(text, 1, 9) == number

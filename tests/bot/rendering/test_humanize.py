"""Times, sizes, codes and long texts, as people read them."""

from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.rendering.humanize import shortened, shown_code

FAMILY, FLAG = "👨\u200d👩\u200d👧\u200d👦", "🇩🇪"


@given(st.text(max_size=100), st.integers(1, 30))
def test_shortened_text_fits_on_its_line(text: str, length: int) -> None:
    """Never longer than asked, never more than one line."""
    short = shortened(text, length)
    assert len(short) <= length
    assert "\n" not in short


def test_shortened_text_tears_no_flag() -> None:
    """In lists and on buttons, too."""
    assert shortened(FLAG * 10, 6) == FLAG * 2 + "…"
    assert shortened("a" + FAMILY, 5) == "a…"


def test_long_codes_are_shown_four_by_four() -> None:
    """As the numbers of a card; short ones as those of a telephone."""
    assert shown_code("12345678901234567890") == "1234 5678 9012 3456 7890"
    assert shown_code("0123456789") == "012 345 6789"

"""What the buttons of /history carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.handlers.history import View, read_view

LONG = 2**63 - 1
views = st.builds(
    View,
    what=st.sampled_from(["p", "s", "d"]),
    way=st.sampled_from(["<", ">"]),
    start=st.tuples(st.integers(0, 4 * 10**15), st.integers(0, LONG)),
    token=st.none() | st.integers(0, LONG),
    day=st.none() | st.integers(1, 3_000_000),
)


@given(views)
def test_a_view_travels_in_a_button(view: View) -> None:
    """Telegram: 64 bytes at most, and what comes back is what was meant."""
    assert len(view.data.encode()) <= 64
    assert read_view(view.data.partition(":")[2]) == view


@given(st.text(max_size=64) | st.from_regex(r"[psd][<>][0-9a-z.]{0,20}/[0-9a-z-]{0,14}/[0-9a-z]{0,6}"))
def test_whatever_a_button_says_is_some_view(data: str) -> None:
    """Buttons can be made by hand; what they can't have said is the newest page."""
    view = read_view(data)
    assert view.place.time is not None


@pytest.mark.parametrize("data", ["<123", ">9", "", "x</1/2"])
def test_buttons_of_earlier_times_show_the_newest_page(data: str) -> None:
    """An old message's buttons do no harm."""
    assert read_view(data) == View()

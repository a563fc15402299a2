"""Back-off: longer each time, never at once, up to a cap, and short again after a success."""

import pytest

from djangobot.bot.backoff import FIRST, MOST, Backoff, pause


@pytest.mark.parametrize("attempts", [1, 2, 3, 7])
def test_the_longest_pause_doubles_and_half_of_it_is_certain(attempts: int) -> None:
    """The random part never makes two attempts follow each other at once."""
    longest = FIRST * 2 ** (attempts - 1)
    found = [pause(attempts) for _ in range(200)]
    assert all(longest / 2 <= seconds <= longest for seconds in found)
    assert len(set(found)) > 1


@pytest.mark.parametrize("attempts", [8, 100, 10**6])
def test_no_pause_is_longer_than_the_cap(attempts: int) -> None:
    """However long something has failed, the next attempt comes within a minute."""
    assert MOST / 2 <= pause(attempts) <= MOST


def test_a_success_makes_the_pauses_short_again() -> None:
    """`reset` forgets all failures."""
    backoff = Backoff(first=1.0, most=8.0)
    for _ in range(10):
        backoff.next_pause()
    assert 4.0 <= backoff.next_pause() <= 8.0
    backoff.reset()
    assert 0.5 <= backoff.next_pause() <= 1.0

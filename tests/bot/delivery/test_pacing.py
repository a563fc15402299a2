"""Pacing: the rate is kept, bursts are short, and one chat never slows another."""

from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.delivery.pacing import CHAT_BURST, Pacing


def times(pacing: Pacing, chat: int, count: int, now: float = 0.0) -> list[float]:
    return [pacing.reserve_chat(chat, now) for _ in range(count)]


def test_a_short_burst_passes_then_one_a_second() -> None:
    """What Telegram's guidance allows one chat."""
    got = times(Pacing(1, 0), 7, CHAT_BURST + 3)
    assert got[:CHAT_BURST] == [0.0] * CHAT_BURST
    assert got[CHAT_BURST:] == [1.0, 2.0, 3.0]


def test_one_chats_queue_delays_no_other() -> None:
    """A chat with a hundred messages reserves nothing of its neighbour's."""
    pacing = Pacing(1, 30)
    times(pacing, 1, 100)
    assert times(pacing, 2, 1) == [0.0]
    assert pacing.reserve_total(0.0) == 0.0


def test_zero_means_no_pacing() -> None:
    """FLOOD_WAIT alone decides then."""
    pacing = Pacing(0, 0)
    assert set(times(pacing, 1, 1000)) == {0.0}
    assert {pacing.reserve_total(0.0) for _ in range(1000)} == {0.0}


def test_asking_when_the_next_place_comes_takes_none() -> None:
    """However often; and who takes it when it has come loses none of the places behind it."""
    pacing, now = Pacing(0, 30), 0.0
    taken = []
    for _ in range(35):
        now = {pacing.next_total(now) for _ in range(3)}.pop()
        assert pacing.reserve_total(now) == now
        taken.append(now)
    assert taken[:5] == [0.0] * 5
    assert round(taken[-1], 6) == 1


def test_a_flood_wait_holds_its_chat_alone() -> None:
    """To the second, and without a burst behind it."""
    pacing = Pacing(1, 0)
    pacing.delay_chat(1, 10.0)
    assert times(pacing, 1, 3) == [10.0, 11.0, 12.0]
    assert times(pacing, 2, 1) == [0.0]


@given(st.lists(st.floats(0, 5), max_size=200), st.sampled_from([1.0, 7.0, 30.0]))
def test_in_no_second_more_than_rate_and_burst(pauses: list[float], rate: float) -> None:
    """Whatever the arrivals, any window of one second holds at most rate + burst messages."""
    pacing, now = Pacing(0, rate), 0.0
    sent: list[float] = []
    for pause in pauses:
        now = max(now + pause, sent[-1] if sent else 0.0)
        sent.append(pacing.reserve_total(now))
    burst = max(rate / 6, 1)
    for start in sent:
        assert sum(start <= at < start + 1 - 1e-9 for at in sent) <= rate + burst + 1

"""How much of one person's flood is answered."""

from datetime import UTC, datetime, timedelta

from djangobot.bot.dispatch.throttle import MOST, REMEMBERED, WITHIN, Throttle

NOW = datetime(2026, 11, 26, 5, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_flood_is_warned_of_once_and_ends_with_the_flood() -> None:
    """What stays unanswered counts too, so writing on prolongs the silence."""
    throttle = Throttle()
    assert {throttle.check(1, NOW) for _ in range(MOST)} == {"answer"}
    assert [throttle.check(1, NOW + SECOND) for _ in range(3)] == ["warn", "ignore", "ignore"]
    assert throttle.check(1, NOW + 2 * WITHIN) == "answer"


def test_each_flood_is_warned_of() -> None:
    """Also the second one of the same person."""
    throttle = Throttle()
    for began in (NOW, NOW + 2 * WITHIN):
        said = [throttle.check(1, began) for _ in range(MOST + 2)]
        assert said == ["answer"] * MOST + ["warn", "ignore"]


def test_the_memory_of_the_throttle_is_bounded() -> None:
    """Who was inactive longest is dropped first."""
    throttle = Throttle()
    for person in range(REMEMBERED + 100):
        for _ in range(2):
            throttle.check(person, NOW)
    assert len(throttle._people) == REMEMBERED

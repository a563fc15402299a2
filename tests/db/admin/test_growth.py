"""Growth: how much the database has grown in the last days."""

from datetime import timedelta

import pytest

from djangobot.db.admin import growth, stats

from ..conftest import NOW

DAY = timedelta(days=1)


@pytest.mark.usefixtures("database")
async def test_growth_is_told_since_the_oldest_day_of_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the first day. A day is noted once, and one of the past not at all."""
    sizes = iter([1000, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 5500])

    async def size() -> tuple[str, int]:
        return "SQLite", next(sizes)

    _, real = await stats.database_size()
    assert real > 0
    monkeypatch.setattr(stats, "database_size", size)
    assert await growth.lately(1000, NOW) is None
    await growth.note(NOW)
    await growth.note(NOW + timedelta(hours=1))
    await growth.note(NOW - DAY)
    assert await growth.lately(1500, NOW + timedelta(hours=2)) is None
    assert await growth.lately(1500, NOW + DAY) == growth.Growth(days=1, size=500)
    for day in range(2, 10):
        await growth.note(NOW + day * DAY)
    assert await growth.lately(6000, NOW + 9 * DAY) == growth.Growth(days=7, size=6000 - 2000)

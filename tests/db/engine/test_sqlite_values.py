"""What is stored in SQLite is read as it was, and stored as Piccolo stores it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from piccolo.engine.sqlite import convert_datetime_in

from djangobot.db.engine import current

from ..conftest import NOW, World, on_sqlite

pytestmark = on_sqlite
CHAT = """
INSERT INTO chat (id, access_hash, first_name, last_name, username, language, created, seen, settings,
                  blocked)
VALUES ($1, $2, '', '', '', 'en', $3, $3, '{}', $4)
"""


@pytest.mark.parametrize("number", [-(2**63), -1, 0, 2**53 + 1, 2**63 - 1])
@pytest.mark.parametrize(
    "time",
    [NOW, NOW.replace(microsecond=7), NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))],
    ids=["whole", "microseconds", "another offset"],
)
async def test_numbers_times_and_nothing_come_back(world: World, number: int, time: datetime) -> None:
    """Numbers of 64 bits to the last one; times to the microsecond, in UTC; None."""
    await current().execute(CHAT, number, number, time, None)
    (row,) = await current().fetch("SELECT id, access_hash, created, blocked FROM chat WHERE id = $1", number)
    assert row == {"id": number, "access_hash": number, "created": time, "blocked": None}
    assert row["created"].tzinfo is UTC


@pytest.mark.parametrize("value", [True, False])
async def test_truth_values_come_back(world: World, value: bool) -> None:
    """As themselves and not as numbers."""
    await world.link(await world.account(), await world.person())
    await current().execute("UPDATE bot_token SET refuses_urgent = $1", value)
    (row,) = await current().fetch("SELECT refuses_urgent FROM bot_token")
    assert row["refuses_urgent"] is value


@pytest.mark.parametrize(
    "time", [NOW, NOW.replace(tzinfo=None), NOW.astimezone(timezone(timedelta(hours=-3)))]
)
async def test_times_are_stored_as_piccolo_stores_them(world: World, time: datetime) -> None:
    """Text can be compared only with text of one form."""
    rows: list[dict[str, Any]] = await current().fetch("SELECT $1 || '' AS stored", time)
    assert rows == [{"stored": convert_datetime_in(time)}]


async def test_columns_of_the_same_name_and_rows_without_any_are_read(world: World) -> None:
    """A statement that returns nothing gives no rows."""
    assert await current().execute("UPDATE chat SET seen = seen WHERE id = 0") == []
    assert await current().fetch("SELECT 1 AS one, 'x' AS two") == [{"one": 1, "two": "x"}]

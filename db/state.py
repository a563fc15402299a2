"""The service's own state: a few named values that outlive the process and hold for all processes."""

import time
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from piccolo.columns import Text, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db.engine import current


class State(Table, tablename="service_state"):
    """`value` is JSON; `changed` when it was last written."""

    name = Varchar(length=64, primary_key=True)
    value = Text()
    changed = Timestamptz()


PROBE_EVERY = 1.0
"""Seconds."""
PUT = """
INSERT INTO service_state (name, value, changed) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed
"""


async def get(name: str) -> Any:
    """The value put last under this name; None when there is none."""
    rows = await current().fetch("SELECT value FROM service_state WHERE name = $1", name)
    return msgspec.json.decode(rows[0]["value"]) if rows else None


async def beginning_with(prefix: str) -> dict[str, Any]:
    """All values under names that begin so; a prefix of plain letters."""
    sql = "SELECT name, value FROM service_state WHERE name LIKE $1"
    rows = await current().fetch(sql, f"{prefix}%")
    return {row["name"]: msgspec.json.decode(row["value"]) for row in rows}


async def put(name: str, value: Any, now: datetime) -> None:
    """Anything JSON can say; None for nothing."""
    await current().execute(PUT, name, msgspec.json.encode(value).decode(), now)


PUT_FIRST = """
INSERT INTO service_state (name, value, changed) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING
"""


async def put_first(name: str, value: Any, now: datetime) -> Any:
    """Put unless there is one by this name; which one there is then."""
    await current().execute(PUT_FIRST, name, msgspec.json.encode(value).decode(), now)
    return await get(name)


_probed: tuple[object, float] = (None, 0.0)


async def probe(now: datetime) -> None:
    """A write, once in PROBE_EVERY seconds however many ask. Raises DatabaseUnavailable when none
    succeeds."""
    global _probed
    engine = current()
    if _probed[0] is engine and time.monotonic() - _probed[1] < PROBE_EVERY:
        return
    await put("probe", now, now)
    _probed = (engine, time.monotonic())


class Flood(msgspec.Struct, frozen=True):
    """Until when Telegram wants us to wait, and how long that was when it said so."""

    until: datetime
    seconds: float


FloodName = Literal["flood_until", "sign_in_until"]
"""Of the whole bot's messages, and of signing in."""


async def note_flood(wait: timedelta, now: datetime, name: FloodName = "flood_until") -> None:
    """Telegram wants us to wait, from now on."""
    await put(name, Flood(now + wait, wait.total_seconds()), now)


async def flood_left(now: datetime, name: FloodName = "flood_until") -> float:
    """For how many seconds it still does. Never for more than it said, whatever the clock did meanwhile."""
    value = await get(name)
    if value is None:
        return 0.0
    flood = msgspec.convert(value, Flood)
    return min(max(0.0, (flood.until - now).total_seconds()), flood.seconds)


async def note_clock(now: datetime) -> None:
    """The service was there at that time."""
    await put("clock", now, now)


async def last_clock() -> datetime | None:
    """When the service was there last, by the clock of then."""
    value = await get("clock")
    return None if value is None else msgspec.convert(value, datetime)

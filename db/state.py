"""State: a few named values that outlive a process and hold for all processes."""

import time
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from piccolo.columns import Text, Timestamptz, Varchar
from piccolo.table import Table

from djangobot.db.engine import current


class State(Table, tablename="state"):
    """`value` is JSON. `changed` is the time when it was last written."""

    name = Varchar(length=64, primary_key=True)
    value = Text()
    changed = Timestamptz()


PROBE_EVERY = 1.0
"""Seconds between two writes."""
PUT = """
INSERT INTO state (name, value, changed) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed
"""


async def get(name: str) -> Any:
    """The value that was last stored under this name. None when there is none."""
    rows = await current().fetch("SELECT value FROM state WHERE name = $1", name)
    return msgspec.json.decode(rows[0]["value"]) if rows else None


async def beginning_with(prefix: str) -> dict[str, Any]:
    """All values whose names begin with this prefix. The prefix has only plain letters."""
    sql = "SELECT name, value FROM state WHERE name LIKE $1"
    rows = await current().fetch(sql, f"{prefix}%")
    return {row["name"]: msgspec.json.decode(row["value"]) for row in rows}


async def put(name: str, value: Any, now: datetime) -> None:
    """Stores a value: anything that JSON can hold, or None for nothing."""
    await current().execute(PUT, name, msgspec.json.encode(value).decode(), now)


PUT_FIRST = """
INSERT INTO state (name, value, changed) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING
"""


async def put_first(name: str, value: Any, now: datetime) -> Any:
    """Stores the value unless there is one under this name. Returns the one that is stored then."""
    await current().execute(PUT_FIRST, name, msgspec.json.encode(value).decode(), now)
    return await get(name)


LOCK = "SELECT name FROM state s WHERE name = $1 FOR NO KEY UPDATE OF s"
LOCKABLE = """
INSERT INTO state (name, value, changed) VALUES ($1, 'null', $2) ON CONFLICT (name) DO NOTHING
"""


async def lock(name: str, now: datetime) -> None:
    """Until the caller's transaction ends, others who lock this name wait. Nothing is stored under it."""
    engine = current()
    if not await engine.execute(LOCK, name):
        await engine.execute(LOCKABLE, name, now)
        await engine.execute(LOCK, name)


_probed: tuple[object, float] = (None, 0.0)


async def probe(now: datetime) -> None:
    """Writes once in PROBE_EVERY seconds, however often it is called. Raises DatabaseUnavailable when no
    write succeeds."""
    global _probed
    engine = current()
    if _probed[0] is engine and time.monotonic() - _probed[1] < PROBE_EVERY:
        return
    await put("probe", now, now)
    _probed = (engine, time.monotonic())


class Flood(msgspec.Struct, frozen=True):
    """A flood wait: until when Telegram wants us to wait, and how many seconds it asked for."""

    until: datetime
    seconds: float


FloodName = Literal["flood_until", "sign_in_until"]
"""The flood wait for all of the bot's messages, and the one for signing in."""


async def note_flood(wait: timedelta, now: datetime, name: FloodName = "flood_until") -> None:
    """Records a flood wait that starts now."""
    await put(name, Flood(now + wait, wait.total_seconds()), now)


async def flood_left(now: datetime, name: FloodName = "flood_until") -> float:
    """How many seconds of the flood wait are left. Never more than Telegram asked for, whatever the clock did
    meanwhile."""
    value = await get(name)
    if value is None:
        return 0.0
    flood = msgspec.convert(value, Flood)
    return min(max(0.0, (flood.until - now).total_seconds()), flood.seconds)


async def note_clock(now: datetime) -> None:
    """Records that the service was running at this time."""
    await put("clock", now, now)


async def last_clock() -> datetime | None:
    """When the service was last running, by the clock at that time."""
    value = await get("clock")
    return None if value is None else msgspec.convert(value, datetime)

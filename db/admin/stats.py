"""Statistics: the state of the service, in a few numbers that cost little to get."""

from datetime import datetime, timedelta

import msgspec

from djangobot.db import state
from djangobot.db.delivery import outbox, pause
from djangobot.db.engine import current
from djangobot.db.engine.postgres import PostgresEngine

MINUTE = timedelta(minutes=1)
NEWEST = 10_000
"""The messages of the last minute are counted among so many newest ones. So the whole history is never
read."""

SIZE = {
    "SQLite": "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()",
    "PostgreSQL": "SELECT pg_database_size(current_database()) AS size",
}
LATELY = """
SELECT COUNT(*) AS accepted, SUM(CASE WHEN m.sent >= $1 THEN 1 ELSE 0 END) AS sent,
       SUM(CASE WHEN m.status = 'failed' THEN 1 ELSE 0 END) AS failed
FROM message m
WHERE m.kind = 'message' AND m.id > (SELECT COALESCE(MAX(n.id), 0) FROM message n) - $2 AND m.created >= $1
"""
CAUSES = """
SELECT COALESCE(failure, '') AS reason, COUNT(*) AS messages, MAX(created) AS latest FROM message
WHERE status IN ('failed', 'uncertain') AND kind = 'message'
GROUP BY 1 ORDER BY messages DESC, reason LIMIT $1
"""
OF_HOUR = """
SELECT status, COUNT(*) AS messages FROM message
WHERE id >= $1 AND id < $2 AND kind = 'message' GROUP BY status
"""
# In one SELECT, SQLite would read the whole table to find both.
ENDS = "SELECT (SELECT MIN(id) FROM message) AS low, (SELECT MAX(id) FROM message) AS high"
TIMED = 1000
"""Messages of an hour whose times are read."""
TIMES = """
SELECT created, sent FROM message
WHERE id >= $1 AND id < $2 AND kind = 'message' AND status = 'sent' ORDER BY id DESC LIMIT $3
"""
COUNTS = """
SELECT (SELECT COUNT(*) FROM account) AS accounts, (SELECT COUNT(*) FROM chat) AS chats,
       (SELECT COUNT(*) FROM bot_token WHERE revoked IS NULL) AS tokens
"""
BY_STATUS = "SELECT status, COUNT(*) AS messages FROM message GROUP BY status ORDER BY status"


class Summary(msgspec.Struct, frozen=True):
    """Sizes are bytes; `accepted`, `sent` and `failed` are of the last minute."""

    database: str
    size: int
    depth: int
    oldest_due: datetime | None
    accepted: int
    sent: int
    failed: int
    paused: bool
    flood_seconds: float


class Cause(msgspec.Struct, frozen=True):
    """Why messages failed or became uncertain, how many, and when the newest of them was accepted."""

    reason: str
    messages: int
    latest: datetime


class Hour(msgspec.Struct, frozen=True):
    """Messages accepted in an hour, by their status now. The times are in seconds, from accepting a message
    to recording that Telegram took it. Half of the newest TIMED messages took `median` at most, 95 of a
    hundred `slow`."""

    begins: datetime
    accepted: int
    sent: int
    failed: int
    median: float
    slow: float


class Counts(msgspec.Struct, frozen=True):
    """The totals. All rows are counted, which takes a while in a big database."""

    database: str
    size: int
    accounts: int
    chats: int
    tokens: int
    messages: dict[str, int]


async def summary(now: datetime) -> Summary:
    """The state now."""
    database, size = await database_size()
    lately = (await current().fetch(LATELY, now - MINUTE, NEWEST))[0]
    return Summary(
        database=database,
        size=size,
        depth=await outbox.depth(),
        oldest_due=await outbox.oldest_due(now),
        accepted=lately["accepted"],
        sent=lately["sent"] or 0,
        failed=lately["failed"] or 0,
        paused=await pause.is_paused(),
        flood_seconds=await state.flood_left(now),
    )


async def causes(limit: int) -> list[Cause]:
    """The most frequent causes first."""
    rows = await current().fetch(CAUSES, limit)
    return [Cause(**{**row, "latest": _moment(row["latest"])}) for row in rows]


async def hours(now: datetime, number: int) -> list[Hour]:
    """The last so many hours, oldest first. The last one ends now."""
    begins = [now - timedelta(hours=back) for back in range(number, 0, -1)]
    bounds = [await _first_since(moment) for moment in begins]
    found = []
    for moment, low, high in zip(begins, bounds, [*bounds[1:], 2**63 - 1], strict=True):
        counts = {row["status"]: row["messages"] for row in await current().fetch(OF_HOUR, low, high)}
        rows = await current().fetch(TIMES, low, high, TIMED)
        seconds = sorted(max(0.0, (row["sent"] - row["created"]).total_seconds()) for row in rows)
        found.append(
            Hour(
                begins=moment,
                accepted=sum(counts.values()),
                sent=counts.get("sent", 0),
                failed=sum(counts.get(status, 0) for status in ("failed", "uncertain", "expired")),
                median=_share(seconds, 0.5),
                slow=_share(seconds, 0.95),
            )
        )
    return found


async def _first_since(moment: datetime) -> int:
    """The lowest id of a message accepted since then, found by binary search. Ids grow with time, so no index
    by time is needed. A clock that was set back only shifts the border of an hour."""
    ends = (await current().fetch(ENDS))[0]
    low, high = ends["low"] or 0, (ends["high"] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        rows = await current().fetch(
            "SELECT id, created FROM message WHERE id >= $1 ORDER BY id LIMIT 1", middle
        )
        if not rows or rows[0]["created"] >= moment:
            high = middle
        else:
            low = rows[0]["id"] + 1
    return int(low)


def _share(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


async def counts() -> Counts:
    """Counts everything."""
    database, size = await database_size()
    row = (await current().fetch(COUNTS))[0]
    by_status = {one["status"]: one["messages"] for one in await current().fetch(BY_STATUS)}
    return Counts(database=database, size=size, messages=by_status, **row)


async def database_size() -> tuple[str, int]:
    """Which database it is, and its bytes."""
    database = "PostgreSQL" if isinstance(current(), PostgresEngine) else "SQLite"
    return database, int((await current().fetch(SIZE[database]))[0]["size"])


def _moment(value: datetime | str) -> datetime:
    """Parses a time: SQLite loses the type of the result of MAX."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)

"""Groups: rows that arrive while others are being inserted in PostgreSQL are inserted together, by one
statement and so in one commit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import asyncpg
import msgspec

from djangobot.db.engine import Row, Then
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.tasks import Tasks

MOST_TOGETHER = 256
BYTES_TOGETHER = 1 << 20
"""The most rows in one statement, and the bytes after which it takes no further row. They limit how long the
first of them waits."""
PATIENCE = 0.5
"""Seconds. When the database does not answer, the rows that have waited longer than that fail with those that
were sent, because each would wait as long again."""
AT_ONCE = 2
"""Statements that run at once. While one waits for the disk, the next is prepared."""


class _Waiting(NamedTuple):
    key: object
    encoded: bytes
    then: Then
    added: "asyncio.Future[list[Row]]"
    since: float


class InsertGroups:
    """The rows that wait to be inserted by this statement (`Insert.many`)."""

    def __init__(self, sql: str, fetch: Callable[..., Awaitable[list[Row]]]) -> None:
        self._sql = sql
        self._fetch = fetch
        self._waiting: deque[_Waiting] = deque()
        self._running = 0
        self._tasks = Tasks()

    async def insert(self, row: Sequence[object], then: Then) -> list[Row]:
        """Inserts a row, after those that wait already. Returns the new row, or nothing. Calls `then` with a
        new row, even if the caller has been cancelled since."""
        loop = asyncio.get_running_loop()
        added: asyncio.Future[list[Row]] = loop.create_future()
        self._waiting.append(_Waiting(row[0], msgspec.json.encode(row), then, added, loop.time()))
        if self._running < AT_ONCE:
            self._running += 1
            self._tasks.start(self._insert_all())  # begins after this turn of the loop
        return await added

    async def _insert_all(self) -> None:
        try:
            while self._waiting:
                await self._insert_next()
        finally:
            self._running -= 1

    async def _insert_next(self) -> None:
        group = _next_group(self._waiting)
        try:
            await self._insert_group(group)
        except Exception as exc:
            late = asyncio.get_running_loop().time() - PATIENCE
            while self._waiting and self._waiting[0].since < late:
                group.append(self._waiting.popleft())
            for each in group:
                if not each.added.done():
                    each.added.set_exception(exc)
        except BaseException:
            for each in group:
                each.added.cancel()
            raise

    async def _insert_group(self, group: Sequence[_Waiting]) -> None:
        encoded = b"[%b]" % b",".join([each.encoded for each in group])
        try:
            found = await self._fetch(self._sql, encoded.decode())
        except Exception as exc:
            if not _undone(exc):
                raise
            found = []
        rows = {row.pop("key"): [row] for row in found}
        for each in group:
            added = rows.get(each.key, [])
            if added:
                each.then(added)
            if not each.added.done():
                each.added.set_result(added)


def _next_group(waiting: deque[_Waiting]) -> list[_Waiting]:
    group: list[_Waiting] = []
    size = 0
    while waiting and len(group) < MOST_TOGETHER and size < BYTES_TOGETHER:
        group.append(waiting.popleft())
        size += len(group[-1].encoded)
    return group


def _undone(exc: Exception) -> bool:
    """Whether the server has undone the statement because of one of its rows, or because other statements
    wait for it in a circle. Each row is then inserted by itself, and has an error of its own."""
    if isinstance(exc, DatabaseUnavailable):
        return isinstance(exc.__cause__, asyncpg.DeadlockDetectedError)
    return isinstance(exc, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError)

"""SQLite's one writing thread. Writes that wait while a commit is running are committed together in the next
one. A transaction has the writing connection to itself."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from djangobot.db.engine import Row
from djangobot.db.engine.errors import as_our_errors
from djangobot.db.engine.sql import THEN
from djangobot.db.errors import DatabaseUnavailable

Job = Callable[[sqlite3.Connection], Any]
Consequence = Callable[[Any], None]
"""Called with the result of a job in the caller's loop, whether the caller still waits for it or not."""
Queued = tuple[Job, asyncio.Future[Any], Consequence | None]
Outcome = tuple[asyncio.Future[Any], Consequence | None, Any, BaseException | None]
MOST_TOGETHER = 256
"""The most writes in one commit. It limits how long the first of them waits."""
END = object()


def run_sql(sql: str, args: Sequence[Any], connection: sqlite3.Connection) -> list[Row]:
    """Runs a statement and returns its rows, or those of the SELECT that stands behind an INSERT."""
    sql, then, select = sql.partition(THEN)
    cursor = connection.execute(sql, args)
    if then:
        if cursor.rowcount < 1:
            return []
        cursor = connection.execute(select)
    rows = cursor.fetchall()
    if not rows:
        return rows
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in rows]


class OneStatement(msgspec.Struct, frozen=True):
    """A job that is one statement. Returns its rows."""

    sql: str
    args: Sequence[Any]

    def __call__(self, connection: sqlite3.Connection) -> Any:
        return run_sql(self.sql, self.args, connection)


class CountedStatement(OneStatement, frozen=True):
    """A job that is one statement. Returns how many rows it changed, also in triggers and hidden tables."""

    def __call__(self, connection: sqlite3.Connection) -> Any:
        before = connection.total_changes
        connection.execute(self.sql, self.args)
        return connection.total_changes - before


class AllOrNone(msgspec.Struct, frozen=True):
    """A job whose statements are all done, or none of them, whatever else is in the transaction."""

    work: Job

    def __call__(self, connection: sqlite3.Connection) -> Any:
        connection.execute("SAVEPOINT job")
        try:
            result = self.work(connection)
        except BaseException:
            if connection.in_transaction:  # otherwise SQLite has rolled back the whole transaction
                connection.execute("ROLLBACK TO job")
                connection.execute("RELEASE job")
            raise
        connection.execute("RELEASE job")
        return result


class ExclusiveConnection:
    """The writing connection for one transaction. Piccolo uses it as a connection."""

    def __init__(self) -> None:
        self.queued: queue.SimpleQueue[Queued | None] = queue.SimpleQueue()
        self.ended = False

    async def run(self, job: Job, then: Consequence | None = None) -> Any:
        """Runs a job and returns its result. It is committed with the transaction."""
        if self.ended:
            raise DatabaseUnavailable from RuntimeError("the transaction has ended")
        future = asyncio.get_running_loop().create_future()
        self.queued.put((job, future, then))
        return await future

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> list[Row]:
        """Runs BEGIN, COMMIT, ROLLBACK and savepoints. The exclusive use ends when a statement that begins
        or ends the transaction fails or is cancelled."""
        try:
            with as_our_errors():
                rows: list[Row] = await self.run(OneStatement(sql, args))
                return rows
        except BaseException:
            if sql.startswith(("BEGIN", "COMMIT")) or sql == "ROLLBACK":
                self.end()
            raise

    async def close(self) -> None:
        """Ends the exclusive use. Piccolo calls this after COMMIT or ROLLBACK."""
        self.end()

    def end(self) -> None:
        """Undoes what is not committed. The writer continues with other jobs."""
        self.ended = True
        self.queued.put(None)

    def serve(self, connection: sqlite3.Connection) -> None:
        """Runs the jobs of the transaction. Called in the writing thread."""
        while (item := self.queued.get()) is not None:
            job, future, then = item
            try:
                outcome: Outcome = (future, then, job(connection), None)
            except BaseException as exc:
                outcome = (future, then, None, exc)
            _answer([outcome])
        _roll_back(connection)


class Writer:
    """The thread that owns the one writing connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.queued: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="sqlite-write", daemon=True)
        self.thread.start()

    async def run(self, job: Job, then: Consequence | None = None) -> Any:
        """Runs a job and returns its result after the commit. The job is done even if the caller is
        cancelled."""
        future = asyncio.get_running_loop().create_future()
        self.queued.put((job, future, then))
        return await future

    async def exclusive(self) -> ExclusiveConnection:
        """Gives the caller the connection alone, until that is ended."""
        exclusive = ExclusiveConnection()
        granted = asyncio.get_running_loop().create_future()
        self.queued.put((exclusive, granted))
        try:
            await granted
        except BaseException:
            exclusive.end()
            raise
        return exclusive

    def close(self) -> None:
        """Closes the connection, after all jobs that were queued before."""
        self.queued.put(END)
        self.thread.join()
        self.connection.close()

    def _work(self) -> None:
        while True:
            first = self.queued.get()
            batch, then = self._gather(first)
            if batch:
                self._commit(batch)
            if then is END:
                return
            if then is not None:
                exclusive, granted = then
                _roll_back(self.connection)
                _answer([(granted, None, None, None)])
                exclusive.serve(self.connection)

    def _gather(self, first: Any) -> tuple[list[Queued], Any]:
        """Returns the jobs that wait now, and what follows them: an exclusive connection, END, or nothing."""
        batch: list[Queued] = []
        item = first
        while item is not END and not isinstance(item[0], ExclusiveConnection):
            batch.append(item)
            if len(batch) == MOST_TOGETHER or self.queued.empty():
                return batch, None
            item = self.queued.get()
        return batch, item

    def _commit(self, batch: Sequence[Queued]) -> None:
        """Runs and commits these jobs. After each call of SQLite this thread waits for Python's lock, so a
        job that is alone runs with as few calls as possible."""
        try:
            _roll_back(self.connection)
            results = self._run_alone(*batch[0]) if len(batch) == 1 else self._run_together(batch)
        except BaseException as exc:
            _roll_back(self.connection)
            results = [(future, then, None, exc) for _, future, then in batch]
        _answer(results)

    def _run_alone(self, job: Job, future: asyncio.Future[Any], then: Consequence | None) -> list[Outcome]:
        if isinstance(job, OneStatement):  # it commits itself
            return [(future, then, job(self.connection), None)]
        self.connection.execute("BEGIN IMMEDIATE")
        result = job.work(self.connection) if isinstance(job, AllOrNone) else job(self.connection)
        self.connection.execute("COMMIT")
        return [(future, then, result, None)]

    def _run_together(self, batch: Sequence[Queued]) -> list[Outcome]:
        results: list[Outcome] = []
        self.connection.execute("BEGIN IMMEDIATE")
        for job, future, then in batch:
            try:
                results.append((future, then, job(self.connection), None))
            except Exception as exc:
                # Only this statement is undone (sqlite.org/lang_conflict.html), unless SQLite rolled back
                # everything.
                if not self.connection.in_transaction:
                    raise
                results.append((future, then, None, exc))
        self.connection.execute("COMMIT")
        return results


def _roll_back(connection: sqlite3.Connection) -> None:
    """Rolls back an open transaction. The thread must survive a failing disk: a rollback that fails now is
    tried again before the next transaction begins."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _answer(results: Sequence[Outcome]) -> None:
    """Wakes all waiting callers in their loop's thread, with one call a loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Any]] = {}
    for result in results:
        by_loop.setdefault(result[0].get_loop(), []).append(result)
    for loop, group in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_set, group)


def _set(results: Sequence[Outcome]) -> None:
    for future, then, value, exc in results:
        if exc is None and then is not None:
            try:
                then(value)
            except Exception as error:  # no other caller is left without an answer
                exc = error
        if future.done():
            continue
        if exc is None:
            future.set_result(value)
        else:
            future.set_exception(exc)

"""The SQLite engine: commits made together, transactions, files, and a disk or a neighbour that says no."""

import asyncio
import os
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import conf, migrate
from djangobot.db.engine import current
from djangobot.db.engine.sql import for_sqlite
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.engine.sqlite_writer import MOST_TOGETHER, ExclusiveConnection, Writer
from djangobot.db.errors import DatabaseUnavailable, DiskFull
from djangobot.db.people import chats

from ..conftest import NOW, World, on_sqlite
from .test_engine import INSERT, TOUCH, ids

pytestmark = on_sqlite
BIG = "x" * 2000


@pytest.fixture
def engine(database: str) -> SQLiteEngine:
    found = current()
    assert isinstance(found, SQLiteEngine)
    return found


@contextmanager
def neighbour(database: str) -> Iterator[sqlite3.Connection]:
    """What another process sees."""
    connection = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def chat_ids(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT id FROM chat ORDER BY id")]


async def on_the_writer(engine: SQLiteEngine, job: Any) -> Any:
    return await engine.writer.run(job)


async def trace(engine: SQLiteEngine) -> list[str]:
    """Every statement the writing connection runs from now on."""
    statements: list[str] = []
    await on_the_writer(engine, lambda connection: connection.set_trace_callback(statements.append))
    return statements


@asynccontextmanager
async def kept(engine: SQLiteEngine) -> AsyncIterator[None]:
    """The writing thread is kept while tasks are started in the block: what they write gathers behind."""
    started, free = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def keep(_: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        free.wait(PATIENCE)

    keeping = asyncio.create_task(engine.writer.run(keep))
    await started.wait()
    try:
        yield
        await asyncio.sleep(0)  # each of them has asked by now
    finally:
        free.set()
    await keeping


def at_once(*calls: Coroutine[Any, Any, Any]) -> "list[asyncio.Task[Any]]":
    return [asyncio.create_task(call) for call in calls]


async def test_what_was_answered_is_there_for_another_process(engine: SQLiteEngine, database: str) -> None:
    """An answered write is committed, not only seen by its own connection."""
    with neighbour(database) as other:
        for number in range(1, 6):
            await engine.execute(INSERT, number, NOW)
            assert chat_ids(other) == list(range(1, number + 1))


async def test_every_connection_is_as_safe_as_promised(engine: SQLiteEngine) -> None:
    """WAL; synchronous 2 is FULL, 1 foreign keys on: sqlite.org/pragma.html."""
    for pragma, expected in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        written = await engine.execute(f"PRAGMA {pragma}")
        read = await engine.fetch(f"PRAGMA {pragma}")
        assert [*written[0].values(), *read[0].values()] == [expected, expected]
    with pytest.raises(DatabaseUnavailable):  # "attempt to write a readonly database"
        await engine.fetch("DELETE FROM chat")


async def test_writes_that_wait_are_committed_together(engine: SQLiteEngine) -> None:
    """One wait for the disk serves all of them."""
    statements = await trace(engine)
    async with kept(engine):
        writing = at_once(*(engine.execute(INSERT, number, NOW) for number in range(1, 201)))
    await asyncio.gather(*writing)
    assert sum(statement.startswith("INSERT") for statement in statements) == 200
    assert statements.count("COMMIT") == 3, "tracing's own, what kept the thread, all the others"
    assert await ids() == list(range(1, 201))


async def test_a_commit_is_not_put_off_without_end(engine: SQLiteEngine) -> None:
    """MOST_TOGETHER writes in one, however many wait."""
    statements = await trace(engine)
    async with kept(engine):
        writing = at_once(*(engine.execute(TOUCH) for _ in range(MOST_TOGETHER * 2)))
    await asyncio.gather(*writing)
    in_one, most = 0, 0
    for statement in statements:
        in_one = 0 if statement == "COMMIT" else in_one + statement.startswith("UPDATE")
        most = max(most, in_one)
    assert most == MOST_TOGETHER


async def test_several_statements_are_done_all_or_none_and_harm_nobody_they_were_committed_with(
    engine: SQLiteEngine,
) -> None:
    """Each has a savepoint within the common commit."""
    statements = await trace(engine)
    async with kept(engine):
        writing = at_once(
            engine.execute(INSERT, 1, NOW),
            engine.execute_all([(INSERT, [(10, NOW), (11, NOW)]), (INSERT, [(12, NOW), (1, NOW)])]),
            engine.execute_all([(INSERT, [(20, NOW), (21, NOW)])]),
            engine.execute(INSERT, 2, NOW),
        )
    done = await asyncio.gather(*writing, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in done] == [
        "list", "IntegrityError", "NoneType", "list",
    ]  # fmt: skip
    assert await ids() == [1, 2, 20, 21]
    assert statements.count("COMMIT") == 3


async def test_a_statement_that_is_alone_commits_itself(engine: SQLiteEngine, database: str) -> None:
    """No other statement is run for it, and another process sees it at once."""
    statements = await trace(engine)
    await engine.execute(INSERT, 1, NOW)
    assert [statement.split()[0] for statement in statements if statement != "COMMIT"] == ["INSERT"]
    assert statements.count("COMMIT") == 1, "tracing's own"
    with neighbour(database) as connection:
        assert chat_ids(connection) == [1]


async def test_several_statements_that_are_alone_are_done_all_or_none(engine: SQLiteEngine) -> None:
    """They are the whole transaction, so it needs no savepoint."""
    statements = await trace(engine)
    with pytest.raises(sqlite3.IntegrityError):
        await engine.execute_all([(INSERT, [(10, NOW), (11, NOW)]), (INSERT, [(12, NOW), (10, NOW)])])
    await engine.execute_all([(INSERT, [(20, NOW), (21, NOW)])])
    assert await ids() == [20, 21]
    assert not any(statement.startswith("SAVEPOINT") for statement in statements)


async def test_reads_go_on_while_a_transaction_is_open(engine: SQLiteEngine) -> None:
    """They see what was committed before it."""
    go = asyncio.Event()

    async def read() -> list[int]:
        await go.wait()
        return await ids()

    reading = [asyncio.create_task(read()) for _ in range(8)]  # outside of the transaction
    async with engine.write():
        await engine.execute(INSERT, 1, NOW)
        go.set()
        assert await asyncio.gather(*reading) == [[]] * 8


async def test_a_transaction_cancelled_at_any_point_is_whole_or_nothing_and_frees_the_writer(
    engine: SQLiteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its turn, at BEGIN, at each statement, at COMMIT: the job is in the writing thread already then."""
    steps = count_steps(monkeypatch)

    async def two(number: int) -> None:
        async with engine.write():
            await engine.execute(INSERT, number, NOW)
            await engine.execute(INSERT, number + 1, NOW)

    await two(1)
    assert steps.taken == 5, "connection, BEGIN, twice INSERT, COMMIT"
    for at in range(1, 6):
        steps.cancel_at(at)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(two(at * 10))
        steps.cancel_at(0)
        await asyncio.wait_for(engine.execute(TOUCH), PATIENCE)
        assert engine.current_transaction.get() is None
    found = set(await ids())
    assert found >= {1, 2}
    assert not found & {10, 11, 20, 21, 30, 31, 40, 41}
    assert len(found & {50, 51}) in (0, 2), "cancelled while it is committed: both or none"


async def test_a_rollback_that_is_cancelled_frees_the_writer_too(
    engine: SQLiteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next write gets the connection, and nothing of the transaction stays."""
    steps = count_steps(monkeypatch)

    async def fail() -> None:
        async with engine.write():
            await engine.execute(INSERT, 1, NOW)
            steps.cancel_at(1)
            raise ZeroDivisionError

    with pytest.raises((asyncio.CancelledError, ZeroDivisionError)):
        await asyncio.create_task(fail())
    await asyncio.wait_for(engine.execute(INSERT, 2, NOW), PATIENCE)
    assert await ids() == [2]


class Steps:
    taken = 0
    at = 0

    def cancel_at(self, at: int) -> None:
        self.taken, self.at = 0, at

    def step(self) -> None:
        self.taken += 1
        task = asyncio.current_task()
        if self.taken == self.at and task is not None:
            task.cancel()


def count_steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Counts the awaits of transactions; at the chosen one the task is cancelled once it waits."""
    steps = Steps()
    run: Any = ExclusiveConnection.run
    exclusive: Any = Writer.exclusive

    async def stepping_run(self: ExclusiveConnection, job: Any) -> Any:
        steps.step()
        return await run(self, job)

    async def stepping_exclusive(self: Writer) -> Any:
        steps.step()
        return await exclusive(self)

    monkeypatch.setattr(ExclusiveConnection, "run", stepping_run)
    monkeypatch.setattr(Writer, "exclusive", stepping_exclusive)
    return steps


async def test_a_write_whose_caller_is_gone_is_done_all_the_same(engine: SQLiteEngine) -> None:
    """It may have been committed already when the caller left; nobody else waits for it in vain."""
    async with kept(engine):
        gone, stays = at_once(engine.execute(INSERT, 1, NOW), engine.execute(INSERT, 2, NOW))
        await asyncio.sleep(0)
        gone.cancel()
    await stays
    assert gone.cancelled()
    assert await ids() == [1, 2]


async def test_a_commit_that_fails_is_told_to_the_task_and_leaves_nothing_behind(
    engine: SQLiteEngine,
) -> None:
    """A reference checked at COMMIT only makes it fail for real."""
    with pytest.raises(sqlite3.IntegrityError):  # noqa: PT012 - the end of the block raises
        async with engine.write():
            await engine.execute("PRAGMA defer_foreign_keys = ON")
            await engine.execute("INSERT INTO code (chat, digest) VALUES (404, 'nobody')")
    assert engine.current_transaction.get() is None
    await engine.execute(INSERT, 1, NOW)
    assert await ids() == [1]
    assert await engine.fetch("SELECT * FROM code") == []


class Broken:
    """The writing connection on a disk that fails."""

    def __init__(self, connection: sqlite3.Connection, *failing: str) -> None:
        self.connection, self.failing = connection, failing

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, sql: str, args: Any = ()) -> Any:
        if sql in self.failing:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return self.connection.execute(sql, args)


@pytest.mark.parametrize("failing", ["BEGIN IMMEDIATE", "COMMIT", for_sqlite(INSERT)])
async def test_a_disk_that_fails_is_reported_and_the_writer_goes_on_when_it_is_mended(
    engine: SQLiteEngine, failing: str
) -> None:
    """At BEGIN and at COMMIT, for several writes and for transactions; and at a write that commits itself."""
    sound = engine.writer.connection
    engine.writer.connection = Broken(sound, failing)  # type: ignore[assignment]
    rows = [(1, NOW)] if failing.startswith("INSERT") else [(1, NOW), (2, NOW)]
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            await asyncio.wait_for(engine.execute_all([(INSERT, rows)]), PATIENCE)
        with pytest.raises(DatabaseUnavailable):
            async with asyncio.timeout(PATIENCE), engine.write():
                await engine.execute(INSERT, 3, NOW)
    engine.writer.connection = sound
    await asyncio.wait_for(engine.execute(INSERT, 4, NOW), PATIENCE)
    assert await ids() == [4]


async def test_a_disk_that_cannot_even_roll_back_does_not_end_the_writing_thread(
    engine: SQLiteEngine,
) -> None:
    """The rollback is tried again before the next transaction."""
    sound = engine.writer.connection
    engine.writer.connection = Broken(sound, "COMMIT", "ROLLBACK")  # type: ignore[assignment]
    with pytest.raises(DatabaseUnavailable):
        await asyncio.wait_for(engine.execute_all([(INSERT, [(1, NOW), (3, NOW)])]), PATIENCE)
    with pytest.raises(sqlite3.OperationalError):
        async with asyncio.timeout(PATIENCE), engine.write():
            raise AssertionError("it has not begun")
    engine.writer.connection = sound
    async with asyncio.timeout(PATIENCE), engine.write():
        await engine.execute(INSERT, 2, NOW)
    assert await ids() == [2]


async def test_a_full_disk_is_reported_and_what_was_answered_is_there(
    engine: SQLiteEngine, world: World
) -> None:
    """No answered write is lost, and none that was refused is there."""
    pages = await on_the_writer(engine, lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await on_the_writer(engine, lambda c: c.execute(f"PRAGMA max_page_count = {pages + 20}").fetchone())
    fill = "UPDATE chat SET settings = $2 WHERE id = $1"
    answered: list[int] = []
    refused: list[BaseException] = []
    for wave in range(0, 100, 10):
        numbers = range(wave, wave + 10)
        tries = await asyncio.gather(
            *(engine.execute_all([(INSERT, [(n, NOW)]), (fill, [(n, BIG)])]) for n in numbers),
            return_exceptions=True,
        )
        answered += [number for number, outcome in zip(numbers, tries, strict=True) if outcome is None]
        refused += [outcome for outcome in tries if outcome is not None]
    assert answered
    assert await ids() == answered
    assert {type(outcome) for outcome in refused} == {DiskFull}
    assert {type(outcome.__cause__) for outcome in refused} == {sqlite3.OperationalError}
    await on_the_writer(engine, lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    await engine.execute(INSERT, 5000, NOW)
    assert await ids() == [*answered, 5000]


async def test_a_neighbour_that_holds_the_lock_too_long_makes_it_unavailable_until_he_lets_go(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writes are refused after BUSY_TIMEOUT; reads go on."""
    await conf.close_database()
    monkeypatch.setattr("djangobot.db.engine.sqlite.BUSY_TIMEOUT", 0.05)
    await conf.open_database(database)
    with neighbour(database) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute(INSERT.replace("$1", "1").replace("$2", "'2026'"))
        with pytest.raises(DatabaseUnavailable) as refused:
            await current().execute(TOUCH)
        assert isinstance(refused.value.__cause__, sqlite3.OperationalError)
        with pytest.raises(DatabaseUnavailable):
            async with current().write():
                raise AssertionError("it was not given the lock")
        assert await ids() == [], "reads go on"
        other.execute("COMMIT")
    await current().execute(INSERT, 2, NOW)
    assert await ids() == [1, 2]


async def test_closing_waits_for_what_was_asked_for(engine: SQLiteEngine, database: str) -> None:
    """Writes that are queued are committed first."""
    async with kept(engine):
        asked = at_once(
            *(engine.execute(INSERT, number, NOW) for number in range(1, 51)), conf.close_database()
        )
    await asked[-1]
    with neighbour(database) as other:
        assert chat_ids(other) == list(range(1, 51))
    await asyncio.gather(*asked)


async def test_a_closed_database_leaves_no_thread_and_no_open_file(database: str) -> None:
    """However often it is opened and closed."""
    await conf.close_database()

    def held() -> tuple[int, int]:
        files = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_open(fd)]
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("sqlite-")]
        return sum(name.startswith(database.removeprefix("sqlite:///")) for name in files), len(threads)

    for _ in range(3):
        await conf.open_database(database)
        await migrate.run()
        await asyncio.gather(*(ids() for _ in range(20)))
        assert held() > (0, 0)
        await conf.close_database()
        assert held() == (0, 0)


def _is_open(descriptor: str) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").is_symlink()


async def test_a_cut_off_process_leaves_a_database_that_opens(engine: SQLiteEngine, tmp_path: Path) -> None:
    """A copy of file and WAL in the middle of a transaction is what a power cut leaves."""
    await engine.execute(INSERT, 1, NOW)
    async with engine.write():
        await engine.execute(INSERT, 2, NOW)
        for suffix in ("", "-wal"):
            shutil.copy(f"{engine.path}{suffix}", tmp_path / f"cut{suffix}")
    await conf.close_database()
    await conf.open_database(f"sqlite:///{tmp_path / 'cut'}")
    assert await ids() == [1]
    assert await chats.get(2) is None


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path, database: str) -> None:
    """It is left as it is."""
    (tmp_path / "letter.sqlite").write_text("Dear Sir or Madam," * 100)
    with pytest.raises(DatabaseUnavailable):
        await conf.open_database(f"sqlite:///{tmp_path / 'letter.sqlite'}")
    await conf.close_database()
    assert (tmp_path / "letter.sqlite").read_text().startswith("Dear")
    await conf.open_database(database)

"""SQLite in WAL mode, with connections that stay open."""

import asyncio
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from piccolo.engine.sqlite import SQLiteEngine as PiccoloSQLiteEngine
from piccolo.engine.sqlite import TransactionType

from djangobot.db.engine import Ask, Insert, Row, Statement, Then, sqlite_values
from djangobot.db.engine.errors import as_our_errors
from djangobot.db.engine.sql import for_sqlite
from djangobot.db.engine.sqlite_writer import (
    AllOrNone,
    CountedStatement,
    ExclusiveConnection,
    OneStatement,
    Writer,
    run_sql,
)
from djangobot.db.engine.transactions import OpenTransaction, whole
from djangobot.db.errors import DatabaseUnavailable

T = TypeVar("T")

READERS = 4
BUSY_TIMEOUT = 10.0
"""Seconds to wait for the lock of another process, such as a backup."""
REWRITTEN_MOST = 64 << 20
"""The most bytes of a database that is rewritten when something is erased from it. The rewrite blocks writes
for a second at most."""
FREE_PART = 10
"""One page in so many may be free. They are used by what is written next."""
INCREMENTAL = 2
SPACE = """
SELECT page_count, freelist_count, auto_vacuum
FROM pragma_page_count(), pragma_freelist_count(), pragma_auto_vacuum()
"""
LOG_WAIT = 0.2
"""Seconds that other writes wait for readers when SQLite's log is restarted."""
PAGE_CACHE = 16 * 1024
"""KiB of pages that a connection caches. SQLite's default of 2000 KiB does not hold the index pages that a
busy outbox reads again and again."""
_LOCAL = threading.local()
sqlite_values.register()


class SQLiteEngine(PiccoloSQLiteEngine):
    """SQLite in WAL mode. Each commit is on disk (`synchronous=FULL`). One thread writes and several read.

    Writes that wait while a commit is running are committed together in the next one. A transaction has the
    writing connection to itself.
    """

    __slots__ = ("_opened", "_reader_connections", "_readers", "_writer")

    def __init__(self, path: Path) -> None:
        super().__init__(path=str(path))
        self.current_transaction = cast(Any, OpenTransaction(f"sqlite {path}"))
        self._opened = False
        self._writer: Writer | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reader_connections: list[sqlite3.Connection] = []

    async def open(self, create: bool = True) -> None:
        """Opens the file. With `create`, makes a missing file (0600) and its folder (0700)."""
        with as_our_errors():
            await asyncio.to_thread(self._open, create)

    def _open(self, create: bool) -> None:
        if create:
            self._make_file()
        elif not Path(self.path).is_file():
            raise FileNotFoundError("there is no such file yet")
        self._opened = True
        writing = self._connect()
        if create:
            mode = writing.execute("PRAGMA auto_vacuum").fetchone()[0]
            if mode != INCREMENTAL:  # to set it again would write
                writing.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")  # in a new file, or at the next VACUUM
            writing.execute("PRAGMA journal_mode = WAL").fetchone()
        self._writer = Writer(writing)
        self._reader_connections = [self._connect() for _ in range(READERS)]
        for connection in self._reader_connections:
            connection.execute("PRAGMA query_only = ON")
        spare = iter(self._reader_connections)
        self._readers = ThreadPoolExecutor(
            READERS,
            thread_name_prefix="sqlite-read",
            initializer=lambda: setattr(_LOCAL, "connection", next(spare)),
        )

    def _make_file(self) -> None:
        path = Path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
            detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.create_function("LOWER", 1, _lower, deterministic=True)  # SQLite's own handles only ASCII
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # deleted data is overwritten
        connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE}")
        return connection

    async def close(self) -> None:
        """Waits for the writes that are queued, and closes the connections."""
        writer, self._writer = self._writer, None  # first, because a later request would never be answered
        readers, self._readers = self._readers, None
        if writer is not None:
            await asyncio.to_thread(writer.close)
        if readers is not None:
            await asyncio.to_thread(readers.shutdown)
        for connection in self._reader_connections:
            connection.close()
        self._reader_connections = []

    @property
    def writer(self) -> Writer:
        """The writing thread. Raises DatabaseUnavailable before `open` and after `close`."""
        if self._writer is None:
            raise DatabaseUnavailable from RuntimeError("the database is not open")
        return self._writer

    def _writing(self) -> Writer | ExclusiveConnection:
        """The transaction that this task is in, or the writing thread."""
        transaction = self.current_transaction.get()
        return self.writer if transaction is None else cast(ExclusiveConnection, transaction.connection)

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Reads, in parallel with other readers and the writer."""
        with as_our_errors():
            transaction = self.current_transaction.get()
            if transaction is not None:
                return list(
                    await cast(ExclusiveConnection, transaction.connection).run(
                        OneStatement(for_sqlite(sql), args)
                    )
                )
            if self._readers is None:
                raise DatabaseUnavailable from RuntimeError("the database is not open")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, _read, for_sqlite(sql), args)

    async def fetch_as(self, shape: type[T], sql: str, *args: Any) -> list[T]:
        """Reads rows as values of a struct, all at once. Row by row, the reader would wait for Python's lock
        at each row in a busy process."""
        with as_our_errors():
            if self._readers is None:
                raise DatabaseUnavailable from RuntimeError("the database is not open")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, _read_as, shape, for_sqlite(sql), args)

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """Runs one statement. It is committed together with others that wait."""
        with as_our_errors():
            return list(await self._writing().run(OneStatement(for_sqlite(sql), args)))

    async def insert(self, statement: Insert, row: Sequence[object], then: Then) -> list[Row]:
        """Inserts a row. It is committed together with others that wait."""
        with as_our_errors():
            return list(await self._writing().run(OneStatement(for_sqlite(statement.one), row), then))

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """Runs all statements or none. They are committed together with others that wait."""
        with as_our_errors():
            await self._writing().run(_job([(for_sqlite(sql), rows) for sql, rows in statements]))

    async def together(self, work: Callable[[Ask], T], then: Callable[[T], None]) -> T:
        """Runs statements in one commit, together with others that wait. Each may depend on the results of
        those before it. `work` runs in the writing thread. Calls `then` with its result after the commit,
        even if the caller has been cancelled since."""
        with as_our_errors():
            done: T = await self._writing().run(AllOrNone(partial(_together, work)), then)
            return done

    async def count_changes(self, sql: str, *args: Any) -> int:
        """Runs a statement as `execute` does. Returns how many rows it changed, including rows of hidden
        tables."""
        with as_our_errors():
            return int(await self._writing().run(CountedStatement(for_sqlite(sql), args)))

    async def shrink(self, pages: int) -> bool:
        """Gives so many free pages back to the disk, at most. Returns whether there are more to give back."""
        with as_our_errors():
            return bool(await self.writer.run(partial(_shrink, pages)))

    async def restart_log(self) -> bool:
        """Writes the whole log into the file and empties it. A small file is rewritten as a whole. Returns
        False while somebody reads old data."""
        with as_our_errors():
            connection = await self.writer.exclusive()
            try:
                return bool(await connection.run(_restart_log))
            finally:
                connection.end()

    def each(self, numbers: Sequence[int]) -> object:
        """The argument for `$each`."""
        return msgspec.json.encode(list(numbers)).decode()

    def write(self) -> AbstractAsyncContextManager[Any]:
        """A transaction on the writing connection. Waits until that is free."""
        return whole(self, self.transaction(transaction_type=TransactionType.immediate))

    async def get_connection(self) -> Any:
        """Piccolo's transactions call this. Piccolo's command line opens nothing, so it gets Piccolo's own
        connection."""
        with as_our_errors():
            if not self._opened:
                self._make_file()
                return await super().get_connection()
            return await self.writer.exclusive()

    async def _run_in_new_connection(
        self, query: str, args: list[Any] | None = None, query_type: str = "generic", table: Any = None
    ) -> list[Row]:
        if not self._opened:
            self._make_file()
            with as_our_errors():
                found: list[Row] = await super()._run_in_new_connection(query, args, query_type, table)
                return found
        if query.lstrip()[:6].upper() == "SELECT":
            return await self.fetch(query, *(args or ()))
        return await self.execute(query, *(args or ()))

    async def _run_in_existing_connection(
        self,
        connection: Any,
        query: str,
        args: list[Any] | None = None,
        query_type: str = "generic",
        table: Any = None,
    ) -> list[Row]:
        with as_our_errors():
            if not isinstance(connection, ExclusiveConnection):
                found: list[Row] = await super()._run_in_existing_connection(
                    connection, query, args, query_type, table
                )
                return found
            rows: list[Row] = await connection.run(OneStatement(query, args or ()))
            return rows


def _lower(value: object) -> str | None:
    return None if value is None else str(value).lower()


def _read(sql: str, args: Sequence[Any]) -> list[Row]:
    return run_sql(sql, args, _LOCAL.connection)


def _read_as(shape: type[T], sql: str, args: Sequence[Any]) -> list[T]:
    (found,) = _LOCAL.connection.execute(_as_json(sql), args).fetchone()
    values: list[T] = _decoder(cast(Any, shape)).decode(found)
    return values


@cache
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    """Reads rows of SQLite, in which times are text and booleans are 0 and 1."""
    return msgspec.json.Decoder(list[shape], strict=False)


@cache
def _as_json(sql: str) -> str:
    """SQL that returns the same rows as one JSON array."""
    unbound = re.sub(r"\?\d+", "NULL", sql)
    empty = _LOCAL.connection.execute(f"SELECT * FROM ({unbound}) LIMIT 0")  # noqa: S608 - our own SQL
    pairs = ", ".join(f"'{column[0]}', {column[0]}" for column in empty.description)
    return f"SELECT json_group_array(json_object({pairs})) AS found FROM ({sql})"  # noqa: S608 - as above


def _shrink(most: int, connection: sqlite3.Connection) -> bool:
    pages, free, mode = connection.execute(SPACE).fetchone()
    surplus: int = free - pages // FREE_PART
    if surplus <= 0 or mode != INCREMENTAL:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({min(most, surplus)})").fetchall()
    return surplus > most


def _restart_log(connection: sqlite3.Connection) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {int(LOG_WAIT * 1000)}")
    try:
        size = "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()"
        if connection.execute(size).fetchone()[0] <= REWRITTEN_MOST:
            connection.execute("VACUUM")  # a row that moved to another page leaves a copy in the first
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")


def _job(statements: Sequence[Statement]) -> OneStatement | AllOrNone:
    if len(statements) == 1 and len(statements[0][1]) == 1:
        return OneStatement(statements[0][0], statements[0][1][0])
    return AllOrNone(partial(_many, statements))


def _many(statements: Sequence[Statement], connection: sqlite3.Connection) -> None:
    for sql, rows in statements:
        connection.executemany(sql, rows)


def _together(work: Callable[[Ask], T], connection: sqlite3.Connection) -> T:
    return work(lambda sql, *args: run_sql(for_sqlite(sql), args, connection))

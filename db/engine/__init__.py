"""The two engines: SQLite with kept connections and commits made together, PostgreSQL with a pool.

Both take the same SQL for what must be fast or atomic: parameters `$1`, `$2`; `$each3 b` for a table `b` with
a column `value` of the numbers that `each` made parameter 3 from; `JOIN $lookup(message m: m.id = h.id)` for
rows that an index gives for each row before them, and nothing else does; casts `::uuid`, `FOR SHARE OF b, c`
and `FOR NO KEY UPDATE OF b SKIP LOCKED` (dropped for SQLite, which has neither such types nor two writers at
once).
"""

import asyncio
import configparser
import os
import queue
import re
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar, Token
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

import asyncpg
import msgspec
import piccolo.engine.base
from piccolo.engine.postgres import PostgresEngine as PiccoloPostgresEngine
from piccolo.engine.sqlite import SQLiteEngine as PiccoloSQLiteEngine
from piccolo.engine.sqlite import TransactionType, dict_factory

from djangobot.db.engine import address
from djangobot.db.errors import DatabaseUnavailable, DiskFull

# Piccolo's engines ask the server for its version while they are constructed, in an event loop of their own:
# an import would connect. Ours connect in `open`.
piccolo.engine.base.run_sync = lambda coroutine: coroutine.close()  # type: ignore[attr-defined, assignment, return-value]

T = TypeVar("T")
Row = dict[str, Any]
Statement = tuple[str, Sequence[Sequence[Any]]]
"""SQL, and the rows of arguments it is run with."""
Job = Callable[[sqlite3.Connection], Any]
Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]
Ask = Callable[..., list[Row]]
"""SQL and its arguments; answers the rows."""

READERS = 4
BUSY_TIMEOUT = 10.0
"""Seconds to wait for another process's lock, a backup's for instance."""
REWRITTEN_MOST = 64 << 20
"""Bytes of a database that is written anew when something is to be erased from it; it holds up writes for a
second at most."""
LOG_WAIT = 0.2
"""Seconds that others' writes wait for readers when SQLite's log is to begin anew."""
PAGE_CACHE = 16 * 1024
"""KiB of pages a connection keeps; SQLite's 2000 KiB do not hold the index pages a busy outbox comes back
to."""
MOST_TOGETHER = 256
"""Writes in one commit; a bound on how long the first of them waits."""
POOL = 10
COMMAND_TIMEOUT = 30.0
ACQUIRE_WITHIN = 4.0
"""Seconds for one of the pool to be free, or to be made. With the two below, whoever asks hears within ten
seconds that the server says nothing."""
DOUBT_AFTER = 3.0
"""Seconds without an answer after which the server is asked, over another connection, whether it is at work
for us."""
PROBE_WITHIN = 2.0
CONNECTED = """
SELECT pg_backend_pid() AS pid,
       (SELECT COUNT(set_config(name, 'off', false)) FROM pg_settings WHERE name IN ('enable_seqscan', 'jit'))
"""
"""Asked of each new connection. All that a queue asks has an index; read through or compiled a table is only
when its statistics are from before it grew, or a plan from when it was empty is still in use."""
AT_WORK = "SELECT state FROM pg_stat_activity WHERE pid = $1"
ANSWER_PATIENCE = 10.0
"""Seconds after which a seat whose server does not answer counts as lost, and a connection beside the pool as
impossible."""
WATCHED = """
SELECT set_config(name, wanted, false) FROM (VALUES
    ('tcp_keepalives_idle', '2'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '5s'), ('idle_session_timeout', '5s'),
    ('idle_in_transaction_session_timeout', '5s')
) AS settings (name, wanted) JOIN pg_settings USING (name)
"""
"""After five seconds of silence the server ends a seat's connection: its client is gone (TCP,
runtime-config-connection) or does not move any more (runtime-config-client). Older servers lack some of
these."""

UNAVAILABLE_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}
"""Primary result codes that say the database can't be used, not that we asked wrongly
(sqlite.org/rescode.html)."""
UNAVAILABLE_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InvalidAuthorizationSpecificationError,
    asyncpg.exceptions.InvalidCatalogNameError,
    asyncpg.exceptions.InternalClientError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
)
CONNECT_ERRORS = (
    *UNAVAILABLE_ERRORS,
    asyncpg.PostgresError,
    ValueError,
    KeyError,
    RuntimeError,
    configparser.Error,
)
"""What PGPORT and its like, a service file, or a user without a name make the driver stumble over while it
connects; and refusals of the server that mean a query at any other time."""


class Engine(Protocol):
    """What the verbs ask of either engine."""

    engine_type: str

    async def open(self, create: bool = True) -> None:
        """Connects; a file that is not there is made with `create` alone. Raises DatabaseUnavailable."""

    async def close(self) -> None:
        """Lets what is under way end, and disconnects."""

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Reads."""
        ...

    async def fetch_at_once(self, sql: str, *args: Any) -> list[Row]:
        """Reads many rows for one who converts them: on SQLite times come as text, truth as 0 and 1."""
        ...

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """One statement that writes; returns its RETURNING rows. Committed, and on disk, when it returns."""
        ...

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """Several statements, each for many rows, in one transaction."""

    def each(self, numbers: Sequence[int]) -> object:
        """The argument for `$each`: many numbers at once."""

    def write(self) -> AbstractAsyncContextManager[Any]:
        """`async with`: a transaction for writing; queries inside it, Piccolo's too, join it."""
        ...


class _OpenTransaction:
    """Piccolo's context variable, but a transaction that has ended is none.

    A task started inside a transaction carries a copy of the variable, and may outlive the transaction.
    """

    def __init__(self, name: str) -> None:
        # In a list of one, which every copy of the context shares, and which is emptied at the end.
        self._variable: ContextVar[list[Any]] = ContextVar(name)

    def get(self) -> Any:
        """The transaction this task is in, or None."""
        shared = self._variable.get([])
        return shared[0] if shared else None

    def set(self, transaction: Any) -> "Token[list[Any]]":
        """As a context variable's."""
        return self._variable.set([transaction])

    def reset(self, token: "Token[list[Any]]") -> None:
        """As a context variable's; the transaction has ended, for every task."""
        self.end()
        self._variable.reset(token)

    def end(self) -> None:
        """Nobody joins it any more."""
        self._variable.get([]).clear()


_in_use: "SQLiteEngine | PostgresEngine | None" = None


_dedicated: "ContextVar[DedicatedConnection | None]" = ContextVar("seat", default=None)


def current() -> "SQLiteEngine | PostgresEngine":
    """The database in use. Raises DatabaseUnavailable when `conf.use` has not said which."""
    in_use = _dedicated.get() or _in_use
    if in_use is None:
        raise DatabaseUnavailable from RuntimeError("no database has been opened")
    return in_use


def use_connection(seat: "DedicatedConnection") -> None:
    """This task, and those it starts, ask the database over this connection alone."""
    _dedicated.set(seat)


def make_current(engine: "SQLiteEngine | PostgresEngine") -> None:
    """Every verb asks this one from now on."""
    global _in_use
    _in_use = engine


def is_unique_violation(exc: BaseException) -> bool:
    """Whether the database refused a row because such a one is there."""
    if isinstance(exc, sqlite3.IntegrityError):
        return exc.sqlite_errorcode in (
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        )
    return isinstance(exc, asyncpg.UniqueViolationError)


def is_reference_violation(exc: BaseException) -> bool:
    """Whether the database refused a row because one it refers to is gone."""
    if isinstance(exc, sqlite3.IntegrityError):
        return exc.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return isinstance(exc, asyncpg.ForeignKeyViolationError)


@contextmanager
def _as_our_errors() -> Iterator[None]:
    """The one place where a database that can't be used becomes an error of ours."""
    try:
        yield
    except sqlite3.Error as exc:
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise DiskFull from exc
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF in UNAVAILABLE_CODES:
            raise DatabaseUnavailable from exc
        raise
    except asyncpg.DiskFullError as exc:
        raise DiskFull from exc
    except UNAVAILABLE_ERRORS as exc:
        raise DatabaseUnavailable from exc


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except CONNECT_ERRORS as exc:
        raise DatabaseUnavailable from exc


@asynccontextmanager
async def _whole(engine: Any, transaction: Any) -> AsyncIterator[Any]:
    """Piccolo leaves its context variable set when a COMMIT fails; the task's next query would join the
    dead."""
    before = engine.current_transaction.get()
    try:
        with _as_our_errors():
            async with transaction:
                yield transaction
    finally:
        if engine.current_transaction.get() is not before:
            engine.current_transaction.end()


LOOKUP = r"(LEFT )?JOIN \$lookup\((\w+) (\w+): ([^)]*)\)"


@cache
def _for_sqlite(sql: str) -> str:
    sql = re.sub(LOOKUP, lambda found: f"{found[1] or 'CROSS '}JOIN {found[2]} {found[3]} ON {found[4]}", sql)
    sql = re.sub(r"\$each(\d+)", r"json_each(?\1)", sql)
    rows_of = partial(_rows_of, "json_extract(j.value, '$[{}]')", "json_each(?{})")
    sql = re.sub(r"\$rows(\d+) (\w+)\((.*?)\)", rows_of, sql)
    return re.sub(
        r"\$(\d+)",
        r"?\1",
        re.sub(r"::\w+(\[\])?|\bFOR (NO KEY UPDATE|SHARE) OF \w+(, \w+)*( SKIP LOCKED)?", "", sql),
    )


@cache
def _for_postgres(sql: str) -> str:
    # OFFSET 0: the planner neither merges it with the rest nor puts a hash of the whole table in its place.
    one = r"\1JOIN LATERAL (SELECT * FROM \2 \3 WHERE \4 OFFSET 0) \3 ON true"
    sql = re.sub(LOOKUP, lambda found: found.expand(one) if found[1] else found.expand(one[2:]), sql)
    sql = re.sub(r"\$each(\d+) (\w+)", r"unnest($\1::bigint[]) AS \2 (value)", sql)
    source = "jsonb_array_elements(${}::jsonb)"
    return re.sub(r"\$rows(\d+) (\w+)\((.*?)\)", partial(_rows_of, "(j.value->>{})::{}", source), sql)


def _rows_of(column: str, source: str, found: re.Match[str]) -> str:
    """`$rows2 r(a, b::text)`: a table of whole numbers, but for what is said to be something else, from
    parameter 2, a JSON array of arrays."""
    names = [name.strip().partition("::") for name in found[3].split(",")]
    columns = ", ".join(
        f"{column.format(number, kind or 'bigint')} AS {name}" for number, (name, _, kind) in enumerate(names)
    )
    return f"(SELECT {columns} FROM {source.format(found[1])} j) {found[2]}"  # noqa: S608 - from our own SQL


class SQLiteEngine(PiccoloSQLiteEngine):
    """SQLite in WAL, each commit on disk (`synchronous=FULL`), one writing thread and several readers.

    Writes that wait while a commit is under way are committed together in the next one. A transaction has the
    writing connection to itself.
    """

    __slots__ = ("_opened", "_reader_connections", "_readers", "_writer")

    def __init__(self, path: Path) -> None:
        super().__init__(path=str(path))
        self.current_transaction = cast(Any, _OpenTransaction(f"sqlite {path}"))
        self._opened = False
        self._writer: _Writer | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reader_connections: list[sqlite3.Connection] = []

    async def open(self, create: bool = True) -> None:
        """With `create`, makes the file (0600) in its folder (0700) when there is none."""
        with _as_our_errors():
            await asyncio.to_thread(self._open, create)

    def _open(self, create: bool) -> None:
        if create:
            self._make_file()
        elif not Path(self.path).is_file():
            raise FileNotFoundError("there is no such file yet")
        self._opened = True
        writing = self._connect()
        if create:
            writing.execute("PRAGMA journal_mode = WAL").fetchone()
        self._writer = _Writer(writing)
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
        connection.row_factory = dict_factory
        connection.create_function("LOWER", 1, _lower, deterministic=True)  # SQLite's knows ASCII alone
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # what was deleted is overwritten
        connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE}")
        return connection

    async def close(self) -> None:
        """Waits for the writes that were asked for."""
        writer, self._writer = self._writer, None  # first: what is asked from now on would never be answered
        readers, self._readers = self._readers, None
        if writer is not None:
            await asyncio.to_thread(writer.close)
        if readers is not None:
            await asyncio.to_thread(readers.shutdown)
        for connection in self._reader_connections:
            connection.close()
        self._reader_connections = []

    @property
    def writer(self) -> "_Writer":
        """The writing thread. Raises DatabaseUnavailable before `open` and after `close`."""
        if self._writer is None:
            raise DatabaseUnavailable from RuntimeError("the database is not open")
        return self._writer

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Reads, beside other readers and the writer."""
        with _as_our_errors():
            transaction = self.current_transaction.get()
            if transaction is not None:
                return list(
                    await cast(_Lease, transaction.connection).run(partial(_rows, _for_sqlite(sql), args))
                )
            if self._readers is None:
                raise DatabaseUnavailable from RuntimeError("the database is not open")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, _read, _for_sqlite(sql), args)

    async def fetch_at_once(self, sql: str, *args: Any) -> list[Row]:
        """Reads as `fetch` does. Row by row, a busy process would make the reader wait for Python's lock at
        each."""
        with _as_our_errors():
            if self._readers is None:
                raise DatabaseUnavailable from RuntimeError("the database is not open")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, _read_at_once, _for_sqlite(sql), args)

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """One statement; committed together with others that wait."""
        with _as_our_errors():
            job = partial(_rows, _for_sqlite(sql), args)
            transaction = self.current_transaction.get()
            if transaction is not None:
                return list(await cast(_Lease, transaction.connection).run(job))
            return list(await self.writer.run(job))

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """All or none of them; committed together with others that wait."""
        with _as_our_errors():
            job = partial(_many, [(_for_sqlite(sql), rows) for sql, rows in statements])
            transaction = self.current_transaction.get()
            await (self.writer if transaction is None else cast(_Lease, transaction.connection)).run(job)

    async def together(self, work: Callable[[Ask], T]) -> T:
        """Statements of which each may depend on what those before it answered, in one commit with others
        that wait. `work` runs in the writing thread."""
        with _as_our_errors():
            transaction = self.current_transaction.get()
            writer = self.writer if transaction is None else cast(_Lease, transaction.connection)
            done: T = await writer.run(partial(_together, work))
            return done

    async def changed_by(self, sql: str) -> int:
        """How many rows a statement changed, hidden tables' too."""
        with _as_our_errors():
            return int(await self.writer.run(partial(_changes, sql)))

    async def start_log_anew(self) -> bool:
        """Writes all of the log into the file and empties it; a small file is written anew as a whole. False
        while somebody reads what is old."""
        with _as_our_errors():
            lease = await self.writer.lease()
            try:
                return bool(await lease.run(_start_log_anew))
            finally:
                lease.end()

    def each(self, numbers: Sequence[int]) -> object:
        """The argument for `$each`."""
        return msgspec.json.encode(list(numbers)).decode()

    def write(self) -> AbstractAsyncContextManager[Any]:
        """Waits for its turn with the writing connection."""
        return _whole(self, self.transaction(transaction_type=TransactionType.immediate))

    async def get_connection(self) -> Any:
        """Piccolo's transactions ask for this. Its command line opens nothing: it gets Piccolo's own."""
        with _as_our_errors():
            if not self._opened:
                self._make_file()
                return await super().get_connection()
            return await self.writer.lease()

    async def _run_in_new_connection(
        self, query: str, args: list[Any] | None = None, query_type: str = "generic", table: Any = None
    ) -> list[Row]:
        if not self._opened:
            self._make_file()
            with _as_our_errors():
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
        with _as_our_errors():
            if not isinstance(connection, _Lease):
                found: list[Row] = await super()._run_in_existing_connection(
                    connection, query, args, query_type, table
                )
                return found
            rows: list[Row] = await connection.run(partial(_rows, query, args or ()))
            return rows


_LOCAL = threading.local()
END = object()


def _lower(value: object) -> str | None:
    return None if value is None else str(value).lower()


def _rows(sql: str, args: Sequence[Any], connection: sqlite3.Connection) -> list[Row]:
    return connection.execute(sql, args).fetchall()


def _read(sql: str, args: Sequence[Any]) -> list[Row]:
    return _rows(sql, args, _LOCAL.connection)


def _read_at_once(sql: str, args: Sequence[Any]) -> list[Row]:
    found: str = _LOCAL.connection.execute(_as_json(sql), args).fetchone()["found"]
    rows: list[Row] = msgspec.json.decode(found)
    return rows


@cache
def _as_json(sql: str) -> str:
    """The same rows as one JSON array."""
    unbound = re.sub(r"\?\d+", "NULL", sql)
    empty = _LOCAL.connection.execute(f"SELECT * FROM ({unbound}) LIMIT 0")  # noqa: S608 - our own SQL
    pairs = ", ".join(f"'{column[0]}', {column[0]}" for column in empty.description)
    return f"SELECT json_group_array(json_object({pairs})) AS found FROM ({sql})"  # noqa: S608 - as above


def _changes(sql: str, connection: sqlite3.Connection) -> int:
    before = connection.total_changes
    connection.execute(sql)
    return connection.total_changes - before


def _start_log_anew(connection: sqlite3.Connection) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {int(LOG_WAIT * 1000)}")
    try:
        size = "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()"
        if connection.execute(size).fetchone()["size"] <= REWRITTEN_MOST:
            connection.execute("VACUUM")  # a row that moved to another page leaves a trace in the first
        return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()["busy"]
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")


def _many(statements: Sequence[Statement], connection: sqlite3.Connection) -> None:
    with _all_or_none(connection):
        for sql, rows in statements:
            connection.executemany(sql, rows)


def _together(work: Callable[[Ask], T], connection: sqlite3.Connection) -> T:
    with _all_or_none(connection):
        return work(lambda sql, *args: _rows(_for_sqlite(sql), args, connection))


@contextmanager
def _all_or_none(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT many")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # else SQLite has given up the whole transaction
            connection.execute("ROLLBACK TO many")
            connection.execute("RELEASE many")
        raise
    connection.execute("RELEASE many")


class _Writer:
    """The thread that has the one writing connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="sqlite-write", daemon=True)
        self.thread.start()

    async def run(self, job: Job) -> Any:
        """The job's result, once it is committed. A cancelled caller's job is done all the same."""
        future = asyncio.get_running_loop().create_future()
        self.asked.put((job, future))
        return await future

    async def lease(self) -> "_Lease":
        """The connection alone, until the lease is closed."""
        lease = _Lease()
        granted = asyncio.get_running_loop().create_future()
        self.asked.put((lease, granted))
        try:
            await granted
        except BaseException:
            lease.end()
            raise
        return lease

    def close(self) -> None:
        """After all that was asked for before it."""
        self.asked.put(END)
        self.thread.join()
        self.connection.close()

    def _work(self) -> None:
        while True:
            first = self.asked.get()
            batch, then = self._gather(first)
            if batch:
                self._commit_together(batch)
            if then is END:
                return
            if then is not None:
                lease, granted = then
                _roll_back(self.connection)
                _answer([(granted, None, None)])
                lease.serve(self.connection)

    def _gather(self, first: Any) -> tuple[list[tuple[Job, asyncio.Future[Any]]], Any]:
        """Jobs that wait by now, and what comes behind them: a lease, END, or nothing."""
        batch: list[tuple[Job, asyncio.Future[Any]]] = []
        item = first
        while item is not END and not isinstance(item[0], _Lease):
            batch.append(item)
            if len(batch) == MOST_TOGETHER or self.asked.empty():
                return batch, None
            item = self.asked.get()
        return batch, item

    def _commit_together(self, batch: list[tuple[Job, asyncio.Future[Any]]]) -> None:
        results: list[Outcome] = []
        try:
            _roll_back(self.connection)
            self.connection.execute("BEGIN IMMEDIATE")
            for job, future in batch:
                try:
                    results.append((future, job(self.connection), None))
                except Exception as exc:
                    # This statement alone is undone (sqlite.org/lang_conflict.html), unless SQLite gave up.
                    if not self.connection.in_transaction:
                        raise
                    results.append((future, None, exc))
            self.connection.execute("COMMIT")
        except BaseException as exc:
            _roll_back(self.connection)
            results = [(future, None, exc) for _, future in batch]
        _answer(results)


class _Lease:
    """The writing connection for one transaction; what Piccolo takes for a connection."""

    def __init__(self) -> None:
        self.asked: queue.SimpleQueue[tuple[Job, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self.ended = False

    async def run(self, job: Job) -> Any:
        """The job's result, committed when the transaction is."""
        if self.ended:
            raise DatabaseUnavailable from RuntimeError("the transaction has ended")
        future = asyncio.get_running_loop().create_future()
        self.asked.put((job, future))
        return await future

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> list[Row]:
        """BEGIN, COMMIT, ROLLBACK, savepoints: one that is cancelled or fails while it begins or ends gives
        up its turn."""
        try:
            with _as_our_errors():
                rows: list[Row] = await self.run(partial(_rows, sql, args))
                return rows
        except BaseException:
            if sql.startswith(("BEGIN", "COMMIT")) or sql == "ROLLBACK":
                self.end()
            raise

    async def close(self) -> None:
        """Piccolo's last word, after COMMIT or ROLLBACK."""
        self.end()

    def end(self) -> None:
        """The writer goes on to others; what was not committed is undone."""
        self.ended = True
        self.asked.put(None)

    def serve(self, connection: sqlite3.Connection) -> None:
        """In the writing thread."""
        while (item := self.asked.get()) is not None:
            job, future = item
            try:
                outcome: Outcome = (future, job(connection), None)
            except BaseException as exc:
                outcome = (future, None, exc)
            _answer([outcome])
        _roll_back(connection)


def _roll_back(connection: sqlite3.Connection) -> None:
    """What is still open. The thread must outlive a disk that fails: what can't be done now is tried again
    before the next transaction begins."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _answer(results: Sequence[Outcome]) -> None:
    """Wakes all that wait, in their loop's thread, with one call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Any]] = {}
    for result in results:
        by_loop.setdefault(result[0].get_loop(), []).append(result)
    for loop, group in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            loop.call_soon_threadsafe(_set, group)


def _set(results: Sequence[Outcome]) -> None:
    for future, value, exc in results:
        if future.done():
            continue
        if exc is None:
            future.set_result(value)
        else:
            future.set_exception(exc)


class PostgresEngine(PiccoloPostgresEngine):
    """PostgreSQL through a pool. A connection whose server is silent is given up, and never waited for."""

    __slots__ = ("_doubting", "_dsn", "_opened", "_pids")

    def __init__(self, dsn: str) -> None:
        super().__init__(config={"timeout": ANSWER_PATIENCE, **address.for_driver(dsn)}, extensions=())
        self._opened = False
        self.current_transaction = cast(Any, _OpenTransaction("postgresql"))
        self._dsn = dsn
        self._pids: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._doubting: set[asyncio.Task[None]] = set()

    async def open(self, create: bool = True) -> None:
        """Connects once, to see that it can."""
        with _as_our_errors(), _connecting():
            await self.start_connection_pool(
                min_size=0,  # asyncpg would log a traceback a second while the server is away
                max_size=POOL,
                timeout=ACQUIRE_WITHIN,
                command_timeout=COMMAND_TIMEOUT,
                init=self._connected,
                reset=_leave_as_it_is,
            )
            pool = self.pool
            assert pool is not None  # noqa: S101 - it has just been made
            try:
                async with pool.acquire(timeout=ACQUIRE_WITHIN):
                    self._opened = True
            except BaseException:
                pool.terminate()
                self.pool = None
                raise

    async def _connected(self, connection: Any) -> None:
        self._pids[connection] = (await connection.fetchrow(CONNECTED))["pid"]

    async def close(self) -> None:
        """Waits for what is under way, but not for a server that does not answer."""
        if self.pool is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_PATIENCE):
                    await self.pool.close()
            self.pool = None

    async def get_new_connection(self) -> Any:
        """One beside the pool: for locks, for listening, and for Piccolo's command line, which opens no
        pool."""
        with _as_our_errors():
            if self._opened and self.pool is None:
                raise DatabaseUnavailable from RuntimeError("the database is not open")
            return await super().get_new_connection()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with _as_our_errors():
            transaction = self.current_transaction.get()
            if transaction is not None:
                yield transaction.connection
            elif self.pool is None:
                raise DatabaseUnavailable from RuntimeError("the database is not open")
            else:
                async with self._pooled(self.pool) as connection:
                    yield connection

    @asynccontextmanager
    async def _pooled(self, pool: Any) -> AsyncIterator[Any]:
        connection = await pool.acquire(timeout=ACQUIRE_WITHIN)
        doubt = _Doubt(self, connection)
        try:
            yield connection
        except BaseException:
            # What is canceled is to be canceled by the server too, which need not answer.
            self._in_background(_given_back(pool, connection))
            raise
        else:
            await pool.release(connection)
        finally:
            doubt.over()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._doubting.add(task)
        task.add_done_callback(self._doubting.discard)

    async def _run_in_pool(self, query: str, args: Sequence[Any] | None = None) -> list[Row]:
        """Piccolo's queries."""
        async with self._connection() as connection:
            return list(await connection.fetch(query, *(args or ())))

    async def is_at_work(self, connection: Any) -> bool:
        """Whether the server works for this connection, as far as another one can tell."""
        try:
            patience = {"timeout": PROBE_WITHIN, "command_timeout": PROBE_WITHIN}
            probe = await asyncpg.connect(**{**self.config, **patience})
        except (OSError, TimeoutError):
            return False
        except asyncpg.PostgresError:
            return True  # it answered
        try:
            return await probe.fetchval(AT_WORK, self._pids.get(connection)) not in (None, "idle")
        except (OSError, TimeoutError, asyncpg.InterfaceError):
            return False
        finally:
            probe.terminate()

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Reads."""
        async with self._connection() as connection:
            return [dict(row) for row in await connection.fetch(_for_postgres(sql), *args)]

    async def fetch_at_once(self, sql: str, *args: Any) -> list[Row]:
        """Reads as `fetch` does, which needs no lock between rows here."""
        return await self.fetch(sql, *args)

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """One statement, committed."""
        return await self.fetch(sql, *args)

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """All or none of them."""
        async with self._connection() as connection, connection.transaction():
            for sql, rows in statements:
                await connection.executemany(_for_postgres(sql), rows)

    def each(self, numbers: Sequence[int]) -> object:
        """The argument for `$each`."""
        return list(numbers)

    def write(self) -> AbstractAsyncContextManager[Any]:
        """A transaction with a connection of its own; in another one, a part of that."""
        return self._transaction_here()

    @asynccontextmanager
    async def _transaction_here(self) -> AsyncIterator[Any]:
        before = self.current_transaction.get()
        if before is not None:
            yield before
            return
        async with self._connection() as connection, connection.transaction() as transaction:
            token = self.current_transaction.set(cast(Any, _OnConnection(connection)))
            try:
                yield transaction
            finally:
                self.current_transaction.reset(token)

    async def run_querystring(self, querystring: Any, in_pool: bool = True) -> Any:
        """Piccolo's queries."""
        with _as_our_errors():
            return await super().run_querystring(querystring, in_pool)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        """Piccolo's schema changes."""
        with _as_our_errors():
            return await super().run_ddl(ddl, in_pool)

    async def seat(self) -> "DedicatedConnection":
        """A connection beside the pool, for one purpose, watched from both ends."""
        connection = await self.get_new_connection()
        with _as_our_errors():
            try:
                await connection.fetchrow(CONNECTED)
                await connection.execute(WATCHED)
            except BaseException:
                connection.terminate()
                raise
        return DedicatedConnection(self, connection)


async def _leave_as_it_is(connection: Any) -> None:
    """A connection given back needs no reset, which would be another round trip: asyncpg rolls an open
    transaction back, and only connections beside the pool listen, or hold a lock for long."""


async def _given_back(pool: Any, connection: Any) -> None:
    """Once the server has stopped what was asked; not at all when it does not say so."""
    with suppress(OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
        await pool.release(connection, timeout=PROBE_WITHIN)


class _Doubt:
    """Ends a connection of the pool when an answer is late and the server is not at work for it."""

    def __init__(self, engine: PostgresEngine, connection: Any) -> None:
        self.engine = engine
        self.connection = connection._con  # not the pool's cover for it, which is empty once it is given back
        self.is_over = False
        self._wait()

    def _wait(self) -> None:
        self.timer = asyncio.get_running_loop().call_later(DOUBT_AFTER, self._begin)

    def _begin(self) -> None:
        self.engine._in_background(self._poll())

    async def _poll(self) -> None:
        at_work = await self.engine.is_at_work(self.connection)
        if self.is_over:
            return
        if at_work:
            self._wait()
        else:
            self.connection.terminate()

    def over(self) -> None:
        """It has answered, or is given back."""
        self.is_over = True
        self.timer.cancel()


class _OnConnection:
    """What a query that joins a seat's transaction needs to know of it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection


def steady() -> float:
    """Seconds that also pass while the process or the machine stands still."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class DedicatedConnection(PostgresEngine):
    """The same database over one connection, and never over another: what is asked after its end fails."""

    __slots__ = ("_turn", "confirmed", "connection", "lost")

    def __init__(self, engine: PostgresEngine, connection: Any) -> None:
        super().__init__(engine._dsn)
        self.current_transaction = engine.current_transaction
        self.pool = engine.pool
        self._opened = True
        self.connection = connection
        self.lost = asyncio.Event()
        """Set when the connection has ended, whoever ended it."""
        self.confirmed = steady()
        """When the server was asked last, of those times that it answered."""
        self._turn = asyncio.Lock()
        connection.add_termination_listener(lambda _: self.lost.set())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with _as_our_errors():
            transaction = self.current_transaction.get()
            if transaction is not None:
                yield transaction.connection
                return
            async with self._turn:
                yield self.connection

    async def keep_alive(self, pause: float) -> None:
        """Shows the server that we live, until it does not answer; then the seat is lost."""
        with suppress(DatabaseUnavailable, TimeoutError):
            while not self.lost.is_set():
                asked = steady()
                async with asyncio.timeout(ANSWER_PATIENCE):
                    await self.fetch("SELECT 1")
                self.confirmed = asked
                await asyncio.sleep(pause)
        self.connection.terminate()

    async def listen(self, channel: str, hear: Callable[[str], None]) -> None:
        """Calls `hear` with the payload of every notification that others send to `channel`."""
        own = self.connection.get_server_pid()

        def on_notification(_: object, pid: int, __: str, payload: str) -> None:
            if pid != own:
                hear(payload)

        async with self._connection() as connection:
            await connection.add_listener(channel, on_notification)

    async def leave(self) -> None:
        """Ends the connection, and what it holds."""
        try:
            async with asyncio.timeout(ANSWER_PATIENCE):
                await self.connection.close()
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
            self.connection.terminate()

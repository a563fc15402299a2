"""The two database engines: SQLite with connections that stay open and grouped commits, PostgreSQL with a
pool.

Both accept the same SQL for queries that must be fast or atomic. Parameters are `$1`, `$2`. `$each3 b` is a
table `b` with a column `value`; it holds the numbers that `each` turned into parameter 3. `JOIN
$lookup(message m: m.id = h.id)` looks up rows by an index, once for each row before it, and in no other way.
Casts such as `::uuid`, `FOR SHARE OF b, c` and `FOR NO KEY UPDATE OF b SKIP LOCKED` are dropped for SQLite,
which has neither such types nor two writers at once.
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

# Piccolo's engines ask the server for its version in their constructor, in an event loop of their own, so an
# import would connect. Ours connect in `open`.
piccolo.engine.base.run_sync = lambda coroutine: coroutine.close()  # type: ignore[attr-defined, assignment, return-value]

T = TypeVar("T")
Row = dict[str, Any]
Statement = tuple[str, Sequence[Sequence[Any]]]
"""SQL, and the rows of arguments that it runs with."""
Job = Callable[[sqlite3.Connection], Any]
Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]
Ask = Callable[..., list[Row]]
"""Runs SQL with its arguments and returns the rows."""

READERS = 4
BUSY_TIMEOUT = 10.0
"""Seconds to wait for the lock of another process, such as a backup."""
REWRITTEN_MOST = 64 << 20
"""The most bytes of a database that is rewritten when something is erased from it. The rewrite blocks writes
for a second at most."""
LOG_WAIT = 0.2
"""Seconds that other writes wait for readers when SQLite's log is restarted."""
PAGE_CACHE = 16 * 1024
"""KiB of pages that a connection caches. SQLite's default of 2000 KiB does not hold the index pages that a
busy outbox reads again and again."""
MOST_TOGETHER = 256
"""The most writes in one commit. It limits how long the first of them waits."""
POOL = 10
COMMAND_TIMEOUT = 30.0
ACQUIRE_WITHIN = 4.0
"""Seconds to wait for a free connection of the pool or a new one. Together with the two limits below, a
caller knows within ten seconds that the server does not answer."""
DOUBT_AFTER = 3.0
"""Seconds without an answer after which the server is asked, over another connection, whether it is still
working on our query."""
PROBE_WITHIN = 2.0
CONNECTED = """
SELECT pg_backend_pid() AS pid,
       (SELECT COUNT(set_config(name, 'off', false)) FROM pg_settings WHERE name IN ('enable_seqscan', 'jit'))
"""
"""Runs on each new connection. All queries of a queue have an index. PostgreSQL would scan or compile a whole
table only when its statistics are from before the table grew, or when it still uses a plan from when the
table was empty."""
AT_WORK = "SELECT state FROM pg_stat_activity WHERE pid = $1"
ANSWER_PATIENCE = 10.0
"""Seconds after which a dedicated connection counts as lost when its server does not answer, and after which
an attempt to connect beside the pool fails."""
WATCHED = """
SELECT set_config(name, wanted, false) FROM (VALUES
    ('tcp_keepalives_idle', '2'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '5s'), ('idle_session_timeout', '5s'),
    ('idle_in_transaction_session_timeout', '5s')
) AS settings (name, wanted) JOIN pg_settings USING (name)
"""
"""After five seconds of silence the server ends a dedicated connection: its client is gone (TCP,
runtime-config-connection) or is suspended (runtime-config-client). Older servers lack some of these
settings."""

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
"""Primary result codes which mean that the database can't be used, not that our query is wrong
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
"""Errors that the driver raises while it connects, because of PGPORT and similar variables, a service file,
or a user without a name; and errors from the server that would mean a wrong query at any other time."""


class Engine(Protocol):
    """What both engines offer."""

    engine_type: str

    async def open(self, create: bool = True) -> None:
        """Connects. A missing file is created only with `create`. Raises DatabaseUnavailable."""

    async def close(self) -> None:
        """Lets what is under way end, and disconnects."""

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Reads rows."""
        ...

    async def fetch_at_once(self, sql: str, *args: Any) -> list[Row]:
        """Reads many rows for a caller that converts them. On SQLite times are text, and booleans are 0 and
        1."""
        ...

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """Runs one statement that writes, and returns its RETURNING rows. It is committed and on disk when
        this returns."""
        ...

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """Runs several statements, each for many rows, in one transaction."""

    def each(self, numbers: Sequence[int]) -> object:
        """The argument for `$each`: many numbers at once."""

    def write(self) -> AbstractAsyncContextManager[Any]:
        """`async with`: a transaction for writing. Queries inside it join it, Piccolo's too."""
        ...


class _OpenTransaction:
    """Replaces Piccolo's context variable. It returns None for a transaction that has ended.

    A task that is started inside a transaction has a copy of the variable, and may outlive the transaction.
    """

    def __init__(self, name: str) -> None:
        # The transaction is in a list of one, which every copy of the context shares. The list is emptied at
        # the end.
        self._variable: ContextVar[list[Any]] = ContextVar(name)

    def get(self) -> Any:
        """The transaction that this task is in, or None."""
        shared = self._variable.get([])
        return shared[0] if shared else None

    def set(self, transaction: Any) -> "Token[list[Any]]":
        """Works as a context variable's `set`."""
        return self._variable.set([transaction])

    def reset(self, token: "Token[list[Any]]") -> None:
        """Works as a context variable's `reset`. The transaction has ended for every task."""
        self.end()
        self._variable.reset(token)

    def end(self) -> None:
        """Ends the transaction: no query joins it any more."""
        self._variable.get([]).clear()


_in_use: "SQLiteEngine | PostgresEngine | None" = None


_dedicated: "ContextVar[DedicatedConnection | None]" = ContextVar("seat", default=None)


def current() -> "SQLiteEngine | PostgresEngine":
    """The database in use. Raises DatabaseUnavailable when `conf.use` was not called."""
    in_use = _dedicated.get() or _in_use
    if in_use is None:
        raise DatabaseUnavailable from RuntimeError("no database has been opened")
    return in_use


def use_connection(seat: "DedicatedConnection") -> None:
    """Makes this task, and those it starts, use only this connection."""
    _dedicated.set(seat)


def make_current(engine: "SQLiteEngine | PostgresEngine") -> None:
    """Makes this engine the one that all queries use."""
    global _in_use
    _in_use = engine


def is_unique_violation(exc: BaseException) -> bool:
    """Whether the database refused a row because an equal one exists."""
    if isinstance(exc, sqlite3.IntegrityError):
        return exc.sqlite_errorcode in (
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        )
    return isinstance(exc, asyncpg.UniqueViolationError)


def is_reference_violation(exc: BaseException) -> bool:
    """Whether the database refused a row because a row it refers to is gone."""
    if isinstance(exc, sqlite3.IntegrityError):
        return exc.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return isinstance(exc, asyncpg.ForeignKeyViolationError)


@contextmanager
def _as_our_errors() -> Iterator[None]:
    """The one place that turns errors of an unusable database into ours."""
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
    """Piccolo leaves its context variable set when a COMMIT fails. The task's next query would reuse a closed
    transaction."""
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
    # OFFSET 0 stops the planner from merging it with the rest and from using a hash of the whole table
    # instead.
    one = r"\1JOIN LATERAL (SELECT * FROM \2 \3 WHERE \4 OFFSET 0) \3 ON true"
    sql = re.sub(LOOKUP, lambda found: found.expand(one) if found[1] else found.expand(one[2:]), sql)
    sql = re.sub(r"\$each(\d+) (\w+)", r"unnest($\1::bigint[]) AS \2 (value)", sql)
    source = "jsonb_array_elements(${}::jsonb)"
    return re.sub(r"\$rows(\d+) (\w+)\((.*?)\)", partial(_rows_of, "(j.value->>{})::{}", source), sql)


def _rows_of(column: str, source: str, found: re.Match[str]) -> str:
    """Expands `$rows2 r(a, b::text)` into a table made from parameter 2, a JSON array of arrays. Columns are
    whole numbers unless another type is given."""
    names = [name.strip().partition("::") for name in found[3].split(",")]
    columns = ", ".join(
        f"{column.format(number, kind or 'bigint')} AS {name}" for number, (name, _, kind) in enumerate(names)
    )
    return f"(SELECT {columns} FROM {source.format(found[1])} j) {found[2]}"  # noqa: S608 - from our own SQL


class SQLiteEngine(PiccoloSQLiteEngine):
    """SQLite in WAL mode. Each commit is on disk (`synchronous=FULL`). One thread writes and several read.

    Writes that wait while a commit is running are committed together in the next one. A transaction has the
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
        """Opens the file. With `create`, makes a missing file (0600) and its folder (0700)."""
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
    def writer(self) -> "_Writer":
        """The writing thread. Raises DatabaseUnavailable before `open` and after `close`."""
        if self._writer is None:
            raise DatabaseUnavailable from RuntimeError("the database is not open")
        return self._writer

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Reads, in parallel with other readers and the writer."""
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
        """Reads as `fetch` does, but all rows at once. Row by row, the reader would wait for Python's lock at
        each row in a busy process."""
        with _as_our_errors():
            if self._readers is None:
                raise DatabaseUnavailable from RuntimeError("the database is not open")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, _read_at_once, _for_sqlite(sql), args)

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """Runs one statement. It is committed together with others that wait."""
        with _as_our_errors():
            job = partial(_rows, _for_sqlite(sql), args)
            transaction = self.current_transaction.get()
            if transaction is not None:
                return list(await cast(_Lease, transaction.connection).run(job))
            return list(await self.writer.run(job))

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """Runs all statements or none. They are committed together with others that wait."""
        with _as_our_errors():
            job = partial(_many, [(_for_sqlite(sql), rows) for sql, rows in statements])
            transaction = self.current_transaction.get()
            await (self.writer if transaction is None else cast(_Lease, transaction.connection)).run(job)

    async def together(self, work: Callable[[Ask], T]) -> T:
        """Runs statements in one commit, together with others that wait. Each may depend on the results of
        those before it. `work` runs in the writing thread."""
        with _as_our_errors():
            transaction = self.current_transaction.get()
            writer = self.writer if transaction is None else cast(_Lease, transaction.connection)
            done: T = await writer.run(partial(_together, work))
            return done

    async def changed_by(self, sql: str) -> int:
        """Runs a statement and returns how many rows it changed, including rows of hidden tables."""
        with _as_our_errors():
            return int(await self.writer.run(partial(_changes, sql)))

    async def start_log_anew(self) -> bool:
        """Writes the whole log into the file and empties it. A small file is rewritten as a whole. Returns
        False while somebody reads old data."""
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
        """A transaction on the writing connection. Waits until that is free."""
        return _whole(self, self.transaction(transaction_type=TransactionType.immediate))

    async def get_connection(self) -> Any:
        """Piccolo's transactions call this. Piccolo's command line opens nothing, so it gets Piccolo's own
        connection."""
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
    """SQL that returns the same rows as one JSON array."""
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
            connection.execute("VACUUM")  # a row that moved to another page leaves a copy in the first
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
        if connection.in_transaction:  # otherwise SQLite has rolled back the whole transaction
            connection.execute("ROLLBACK TO many")
            connection.execute("RELEASE many")
        raise
    connection.execute("RELEASE many")


class _Writer:
    """The thread that owns the one writing connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="sqlite-write", daemon=True)
        self.thread.start()

    async def run(self, job: Job) -> Any:
        """Runs a job and returns its result after the commit. The job is done even if the caller is
        cancelled."""
        future = asyncio.get_running_loop().create_future()
        self.asked.put((job, future))
        return await future

    async def lease(self) -> "_Lease":
        """Gives the caller the connection alone, until the lease is closed."""
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
        """Closes the connection, after all jobs that were queued before."""
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
        """Returns the jobs that wait now, and what follows them: a lease, END, or nothing."""
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
                    # Only this statement is undone (sqlite.org/lang_conflict.html), unless SQLite rolled back
                    # everything.
                    if not self.connection.in_transaction:
                        raise
                    results.append((future, None, exc))
            self.connection.execute("COMMIT")
        except BaseException as exc:
            _roll_back(self.connection)
            results = [(future, None, exc) for _, future in batch]
        _answer(results)


class _Lease:
    """The writing connection for one transaction. Piccolo uses it as a connection."""

    def __init__(self) -> None:
        self.asked: queue.SimpleQueue[tuple[Job, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self.ended = False

    async def run(self, job: Job) -> Any:
        """Runs a job and returns its result. It is committed with the transaction."""
        if self.ended:
            raise DatabaseUnavailable from RuntimeError("the transaction has ended")
        future = asyncio.get_running_loop().create_future()
        self.asked.put((job, future))
        return await future

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> list[Row]:
        """Runs BEGIN, COMMIT, ROLLBACK and savepoints. The lease ends when a statement that begins or ends
        the transaction fails or is cancelled."""
        try:
            with _as_our_errors():
                rows: list[Row] = await self.run(partial(_rows, sql, args))
                return rows
        except BaseException:
            if sql.startswith(("BEGIN", "COMMIT")) or sql == "ROLLBACK":
                self.end()
            raise

    async def close(self) -> None:
        """Ends the lease. Piccolo calls this after COMMIT or ROLLBACK."""
        self.end()

    def end(self) -> None:
        """Ends the lease. The writer continues with other jobs, and uncommitted changes are undone."""
        self.ended = True
        self.asked.put(None)

    def serve(self, connection: sqlite3.Connection) -> None:
        """Runs the jobs of the lease. Called in the writing thread."""
        while (item := self.asked.get()) is not None:
            job, future = item
            try:
                outcome: Outcome = (future, job(connection), None)
            except BaseException as exc:
                outcome = (future, None, exc)
            _answer([outcome])
        _roll_back(connection)


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
    for future, value, exc in results:
        if future.done():
            continue
        if exc is None:
            future.set_result(value)
        else:
            future.set_exception(exc)


class PostgresEngine(PiccoloPostgresEngine):
    """PostgreSQL through a pool. A connection whose server does not answer is closed without waiting for
    it."""

    __slots__ = ("_doubting", "_dsn", "_opened", "_pids")

    def __init__(self, dsn: str) -> None:
        super().__init__(config={"timeout": ANSWER_PATIENCE, **address.for_driver(dsn)}, extensions=())
        self._opened = False
        self.current_transaction = cast(Any, _OpenTransaction("postgresql"))
        self._dsn = dsn
        self._pids: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._doubting: set[asyncio.Task[None]] = set()

    async def open(self, create: bool = True) -> None:
        """Connects once, to check that it works."""
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
        """Waits for running queries, but not for a server that does not answer."""
        if self.pool is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_PATIENCE):
                    await self.pool.close()
            self.pool = None

    async def get_new_connection(self) -> Any:
        """A connection beside the pool: for locks, for LISTEN, and for Piccolo's command line, which opens no
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
            # The server must cancel the query too, and it may not answer.
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
        """Runs Piccolo's queries."""
        async with self._connection() as connection:
            return list(await connection.fetch(query, *(args or ())))

    async def is_at_work(self, connection: Any) -> bool:
        """Whether the server is working on this connection's query, as far as another connection can tell."""
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
        """Reads rows."""
        async with self._connection() as connection:
            return [dict(row) for row in await connection.fetch(_for_postgres(sql), *args)]

    async def fetch_at_once(self, sql: str, *args: Any) -> list[Row]:
        """Reads as `fetch` does, which needs no lock between rows here."""
        return await self.fetch(sql, *args)

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """Runs one statement. It is committed when this returns."""
        return await self.fetch(sql, *args)

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """Runs all statements or none."""
        async with self._connection() as connection, connection.transaction():
            for sql, rows in statements:
                await connection.executemany(_for_postgres(sql), rows)

    def each(self, numbers: Sequence[int]) -> object:
        """The argument for `$each`."""
        return list(numbers)

    def write(self) -> AbstractAsyncContextManager[Any]:
        """A transaction on its own connection. Inside another transaction, it joins that one."""
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
        """Runs Piccolo's queries."""
        with _as_our_errors():
            return await super().run_querystring(querystring, in_pool)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        """Runs Piccolo's schema changes."""
        with _as_our_errors():
            return await super().run_ddl(ddl, in_pool)

    async def seat(self) -> "DedicatedConnection":
        """Opens a dedicated connection beside the pool. Both ends watch it."""
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
    """Does nothing. A connection that is given back to the pool needs no reset, which would be another round
    trip. asyncpg rolls back an open transaction. Only connections beside the pool listen or hold a lock for
    long."""


async def _given_back(pool: Any, connection: Any) -> None:
    """Gives the connection back when the server has stopped the query. Gives up when the server does not
    confirm it."""
    with suppress(OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
        await pool.release(connection, timeout=PROBE_WITHIN)


class _Doubt:
    """Closes a connection of the pool when an answer is late and the server is not working on it."""

    def __init__(self, engine: PostgresEngine, connection: Any) -> None:
        self.engine = engine
        self.connection = connection._con  # not the pool's proxy, which is empty after release
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
        """Stops the check: the connection has answered or is given back."""
        self.is_over = True
        self.timer.cancel()


class _OnConnection:
    """What a query that joins a transaction needs to know of it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection


def steady() -> float:
    """Seconds on a clock that also runs while the process or the machine is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class DedicatedConnection(PostgresEngine):
    """The same database over one connection only. Queries after its end fail."""

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
        """When the last query that the server answered was sent."""
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
        """Sends queries regularly, so that the server sees that we are alive. Closes the connection when the
        server does not answer; it is lost then."""
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
        """Closes the connection, which releases its locks."""
        try:
            async with asyncio.timeout(ANSWER_PATIENCE):
                await self.connection.close()
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
            self.connection.terminate()

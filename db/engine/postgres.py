"""PostgreSQL through a pool. A connection whose server does not answer is closed without waiting for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import asyncpg
import msgspec
from piccolo.engine.postgres import PostgresEngine as PiccoloPostgresEngine

from djangobot.db.engine import Insert, Row, Statement, Then, address
from djangobot.db.engine.errors import as_our_errors, connecting
from djangobot.db.engine.postgres_groups import InsertGroups
from djangobot.db.engine.sql import for_postgres
from djangobot.db.engine.transactions import OpenTransaction
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.tasks import Tasks

T = TypeVar("T")

POOL = 10
COMMAND_TIMEOUT = 30.0
ACQUIRE_WITHIN = 4.0
"""Seconds to wait for a free connection of the pool or a new one. Together with the two limits below, a
caller knows within ten seconds that the server does not answer."""
LATE_AFTER = 3.0
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


class PostgresEngine(PiccoloPostgresEngine):
    """PostgreSQL through a pool. A connection whose server does not answer is closed without waiting for
    it."""

    __slots__ = ("_dsn", "_groups", "_opened", "_pids", "background")

    def __init__(self, dsn: str) -> None:
        super().__init__(config={"timeout": ANSWER_PATIENCE, **address.for_driver(dsn)}, extensions=())
        self._opened = False
        self.current_transaction = cast(Any, OpenTransaction("postgresql"))
        self._dsn = dsn
        self._pids: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self.background = Tasks()
        self._groups: dict[str, InsertGroups] = {}

    async def open(self, create: bool = True) -> None:
        """Connects once, to check that it works."""
        with as_our_errors(), connecting():
            await self.start_connection_pool(
                min_size=0,  # asyncpg would log a traceback a second while the server is away
                max_size=POOL,
                timeout=ACQUIRE_WITHIN,
                command_timeout=COMMAND_TIMEOUT,
                init=self._connected,
                reset=_do_not_reset,
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
        with as_our_errors():
            if self._opened and self.pool is None:
                raise DatabaseUnavailable from RuntimeError("the database is not open")
            return await super().get_new_connection()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with as_our_errors():
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
        watch = _AnswerWatch(self, connection)
        try:
            yield connection
        except BaseException:
            # The server must cancel the query too, and it may not answer.
            self.background.start(_release(pool, connection))
            raise
        else:
            await pool.release(connection)
        finally:
            watch.stop()

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
            return [dict(row) for row in await connection.fetch(for_postgres(sql), *args)]

    async def fetch_as(self, shape: type[T], sql: str, *args: Any) -> list[T]:
        """Reads rows as values of a struct."""
        return msgspec.convert(await self.fetch(sql, *args), list[shape], strict=False)  # type: ignore[valid-type]

    async def execute(self, sql: str, *args: Any) -> list[Row]:
        """Runs one statement. It is committed when this returns."""
        return await self.fetch(sql, *args)

    async def insert(self, statement: Insert, row: Sequence[object], then: Then) -> list[Row]:
        """Inserts a row, with others that wait by one statement. If that leaves it out, by itself."""
        if self.current_transaction.get() is None:
            groups = self._groups.get(statement.many)
            if groups is None:
                groups = self._groups[statement.many] = InsertGroups(statement.many, self.fetch)
            if added := await groups.insert(row, then):
                return added
        return await asyncio.shield(asyncio.create_task(self._insert_alone(statement.one, row, then)))

    async def _insert_alone(self, sql: str, row: Sequence[object], then: Then) -> list[Row]:
        rows = await self.fetch(sql, *row)
        then(rows)
        return rows

    async def execute_all(self, statements: Sequence[Statement]) -> None:
        """Runs all statements or none."""
        async with self._connection() as connection, connection.transaction():
            for sql, rows in statements:
                await connection.executemany(for_postgres(sql), rows)

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
        with as_our_errors():
            return await super().run_querystring(querystring, in_pool)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        """Runs Piccolo's schema changes."""
        with as_our_errors():
            return await super().run_ddl(ddl, in_pool)


async def _do_not_reset(connection: Any) -> None:
    """Does nothing. A connection that is given back to the pool needs no reset, which would be another round
    trip. asyncpg rolls back an open transaction. Only connections beside the pool listen or hold a lock for
    long."""


async def _release(pool: Any, connection: Any) -> None:
    """Gives the connection back when the server has stopped the query. Gives up when the server does not
    confirm it."""
    with suppress(OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
        await pool.release(connection, timeout=PROBE_WITHIN)


class _AnswerWatch:
    """Closes a connection of the pool when an answer is late and the server is not working on it."""

    def __init__(self, engine: PostgresEngine, connection: Any) -> None:
        self.engine = engine
        self.connection = connection._con  # not the pool's proxy, which is empty after release
        self.stopped = False
        self._wait()

    def _wait(self) -> None:
        self.timer = asyncio.get_running_loop().call_later(LATE_AFTER, self._on_late)

    def _on_late(self) -> None:
        self.engine.background.start(self._check())

    async def _check(self) -> None:
        at_work = await self.engine.is_at_work(self.connection)
        if self.stopped:
            return
        if at_work:
            self._wait()
        else:
            self.connection.terminate()

    def stop(self) -> None:
        """Ends the watch: the connection has answered or is given back."""
        self.stopped = True
        self.timer.cancel()


class _OnConnection:
    """What a query that joins a transaction needs to know of it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

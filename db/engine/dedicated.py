"""A connection of its own beside the pool: for locks and for LISTEN. Both ends watch it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from djangobot.db.engine.errors import as_our_errors
from djangobot.db.engine.postgres import ANSWER_PATIENCE, CONNECTED, PostgresEngine
from djangobot.db.errors import DatabaseUnavailable

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


def steady() -> float:
    """Seconds on a clock that also runs while the process or the machine is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class DedicatedConnection(PostgresEngine):
    """The same database over one connection only. Queries after its end fail."""

    __slots__ = ("_lock", "confirmed", "connection", "lost")

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
        self._lock = asyncio.Lock()
        connection.add_termination_listener(lambda _: self.lost.set())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with as_our_errors():
            transaction = self.current_transaction.get()
            if transaction is not None:
                yield transaction.connection
                return
            async with self._lock:
                yield self.connection

    async def keep_alive(self, pause: float) -> None:
        """Sends queries regularly, so that the server sees that we are alive. Closes the connection when the
        server does not answer; it is lost then."""
        with suppress(DatabaseUnavailable, TimeoutError):
            while not self.lost.is_set():
                sent = steady()
                async with asyncio.timeout(ANSWER_PATIENCE):
                    await self.fetch("SELECT 1")
                self.confirmed = sent
                await asyncio.sleep(pause)
        self.connection.terminate()

    async def listen(self, channel: str, on_payload: Callable[[str], None]) -> None:
        """Calls `on_payload` with the payload of every notification that others send to `channel`."""
        own = self.connection.get_server_pid()

        def on_notification(_: object, pid: int, __: str, payload: str) -> None:
            if pid != own:
                on_payload(payload)

        async with self._connection() as connection:
            await connection.add_listener(channel, on_notification)

    async def disconnect(self) -> None:
        """Closes the connection, which releases its locks."""
        try:
            async with asyncio.timeout(ANSWER_PATIENCE):
                await self.connection.close()
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
            self.connection.terminate()


async def connect(engine: PostgresEngine) -> DedicatedConnection:
    """Opens a dedicated connection to the database of this engine."""
    connection = await engine.get_new_connection()
    with as_our_errors():
        try:
            await connection.fetchrow(CONNECTED)
            await connection.execute(WATCHED)
        except BaseException:
            connection.terminate()
            raise
    return DedicatedConnection(engine, connection)

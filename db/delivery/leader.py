"""The leader: of several processes on one PostgreSQL, the one that delivers and talks to Telegram.

The leader holds an advisory lock on a dedicated connection. The worker's queries use this same connection
(`Leadership.context`). The server releases the lock when that connection ends. So a process that has lost the
lock can no longer claim or record anything, even if it does not know of the loss yet. Before each call to
Telegram the age of the last confirmation is checked (`Leadership.sure`). A process that may have lost the
lock calls nothing.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable

import structlog

from djangobot.db.engine import current, dedicated, use_connection
from djangobot.db.engine.dedicated import DedicatedConnection, steady
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

LEADER_LOCK = 0x446A616E676F4454
"""PostgreSQL advisory lock of the leader: "DjangoDT" in ASCII."""
TRY_LOCK = "SELECT pg_try_advisory_lock($1) AS ours"
STANDBY_PAUSE = 0.5
"""Seconds between two attempts to get the lock."""
PULSE = 1.0
"""Seconds between two keep-alive queries on the lock's connection. Without any, the server ends the
connection (`dedicated.WATCHED`)."""

TRUSTED = 3.0
"""Seconds after an answered keep-alive query in which no other process can have the lock. They are fewer than
the five after which the server ends the connection (`dedicated.WATCHED`)."""


class Leadership:
    """This process leads until `lost` is set."""

    def __init__(self, connection: DedicatedConnection | None = None) -> None:
        self.connection = connection
        self.lost = asyncio.Event() if connection is None else connection.lost

    def sure(self) -> bool:
        """Whether it is certain that no other process leads. A process that was suspended, or whose database
        did not answer, cannot be certain."""
        if self.connection is None:
            return True
        return not self.lost.is_set() and steady() - self.connection.confirmed < TRUSTED

    def context(self) -> contextvars.Context:
        """The context for the worker's task: its database queries use the connection that holds the lock."""
        context = contextvars.copy_context()
        if self.connection is not None:
            context.run(use_connection, self.connection)
        return context


@contextlib.asynccontextmanager
async def elected(stand_by: Callable[[], None]) -> AsyncIterator[Leadership]:
    """Waits until this process leads. `stand_by` is called while another process leads. SQLite is used by one
    process alone, which leads at once."""
    engine = current()
    if not isinstance(engine, PostgresEngine):
        yield Leadership()
        return
    connection = await _until_elected(engine, stand_by)
    pulse = asyncio.create_task(connection.keep_alive(PULSE))
    try:
        yield Leadership(connection)
    finally:
        pulse.cancel()
        await asyncio.gather(pulse, return_exceptions=True)
        await connection.disconnect()


async def _until_elected(engine: PostgresEngine, stand_by: Callable[[], None]) -> DedicatedConnection:
    """Returns a connection that holds the lock. Tries again when the server does not answer."""
    while True:
        try:
            return await _try_until_elected(engine, stand_by)
        except DatabaseUnavailable as exc:
            log.warning("database not available to a standby", reason=str(exc.__cause__ or exc))
            await asyncio.sleep(STANDBY_PAUSE)


async def _try_until_elected(engine: PostgresEngine, stand_by: Callable[[], None]) -> DedicatedConnection:
    connection = await dedicated.connect(engine)
    try:
        while not (await connection.fetch(TRY_LOCK, LEADER_LOCK))[0]["ours"]:
            stand_by()
            await asyncio.sleep(STANDBY_PAUSE)
    except BaseException:
        await connection.disconnect()
        raise
    return connection

"""Duty: of several processes on one PostgreSQL, the one that delivers and talks to Telegram.

It holds an advisory lock on a connection of its own, and what the deliverer asks of the database goes over
this very connection (`Duty.context`). The server lets the lock go when that connection ends, so whoever has
lost the duty, and need not know it yet, can neither claim nor record anything any more. Before each call to
Telegram the age of the last sign of life is looked at (`Duty.sure`): who may have been deposed asks nothing.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable

import structlog

from djangobot.db.engine import DedicatedConnection, PostgresEngine, current, steady, use_connection
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

LEADER_LOCK = 0x446A616E676F4454
"""PostgreSQL advisory lock of the deliverer: "DjangoDT" in ASCII."""
TRY_LOCK = "SELECT pg_try_advisory_lock($1) AS ours"
STANDBY_PAUSE = 0.5
"""Seconds between two attempts at the lock."""
PULSE = 1.0
"""Seconds between two signs of life over the lock's connection; without any the server ends it
(`engine.WATCHED`)."""

TRUSTED = 3.0
"""Seconds after a sign of life that was answered in which nobody else can have the lock: less than the five
after which the server ends the connection (`engine.WATCHED`)."""


class Leadership:
    """Ours, until `lost` is set."""

    def __init__(self, seat: DedicatedConnection | None = None) -> None:
        self.seat = seat
        self.lost = asyncio.Event() if seat is None else seat.lost

    def sure(self) -> bool:
        """Whether no other process can be on duty by now. One that stood still, or whose database did not
        answer, does not know."""
        if self.seat is None:
            return True
        return not self.lost.is_set() and steady() - self.seat.confirmed < TRUSTED

    def context(self) -> contextvars.Context:
        """For the deliverer's task: what it asks of the database goes over the connection with the lock."""
        context = contextvars.copy_context()
        if self.seat is not None:
            context.run(use_connection, self.seat)
        return context


@contextlib.asynccontextmanager
async def elected(stand_by: Callable[[], None]) -> AsyncIterator[Leadership]:
    """Waits for the duty; `stand_by` is called when somebody else has it. On SQLite, which one process alone
    uses, it is ours."""
    engine = current()
    if not isinstance(engine, PostgresEngine):
        yield Leadership()
        return
    seat = await _until_elected(engine, stand_by)
    pulse = asyncio.create_task(seat.keep_alive(PULSE))
    try:
        yield Leadership(seat)
    finally:
        pulse.cancel()
        await asyncio.gather(pulse, return_exceptions=True)
        await seat.leave()


async def _until_elected(engine: PostgresEngine, stand_by: Callable[[], None]) -> DedicatedConnection:
    """A connection with the lock. A server that does not answer is asked again."""
    while True:
        try:
            return await _try_until_elected(engine, stand_by)
        except DatabaseUnavailable as exc:
            log.warning("database not available to a standby", reason=str(exc.__cause__ or exc))
            await asyncio.sleep(STANDBY_PAUSE)


async def _try_until_elected(engine: PostgresEngine, stand_by: Callable[[], None]) -> DedicatedConnection:
    seat = await engine.seat()
    try:
        while not (await seat.fetch(TRY_LOCK, LEADER_LOCK))[0]["ours"]:
            stand_by()
            await asyncio.sleep(STANDBY_PAUSE)
    except BaseException:
        await seat.leave()
        raise
    return seat

"""Pubsub: how the processes on one PostgreSQL notify each other at once, by LISTEN and NOTIFY.

A door that accepts a message wakes the worker. The worker wakes the waiters of a settled message in other
processes. Notifications only save time. A lost one costs time, never a message: the worker polls the outbox,
and waiters query the table every second.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from djangobot.db.delivery import outbox, resets, wakeups
from djangobot.db.engine import current, dedicated
from djangobot.db.engine.dedicated import DedicatedConnection
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

DUE = "djangobot_due"
SETTLED = "djangobot_settled"
RESET = "djangobot_reset"
RECALLED = "djangobot_recalled"
PAYLOAD_MOST = 7900
"""The most bytes in one notification. PostgreSQL requires fewer than 8000 (sql-notify)."""
PAUSE = 1.0
"""Seconds between two attempts to listen, and between two queries for awaited messages."""
PULSE = 2.0
NOTIFY = "SELECT pg_notify($1, p.payload) FROM unnest($2::text[]) AS p (payload)"
SETTLED_ROWS = """
SELECT public_id, status, failure FROM message
WHERE public_id = ANY($1::uuid[])
"""

_Settled = tuple[str, str, str | None]


class PubSub:
    """One process's part: it sends notifications and receives those of others."""

    def __init__(self, engine: PostgresEngine, now: Callable[[], datetime]) -> None:
        self.engine = engine
        self.now = now
        self.connection: DedicatedConnection | None = None
        self.due: dict[int, bool] = {}
        self.settled: list[_Settled] = []
        self.resets: list[tuple[int, str]] = []
        self.recalled = False
        self.obeying: asyncio.Task[None] | None = None
        self.something_to_say = asyncio.Event()
        self.saying = False
        """Whether something was taken from `due` and may not have been sent yet."""
        self.hearing = asyncio.Event()
        """Set while notifications of others are received."""

    def publish_due(self, chat_id: int, urgent: bool) -> None:
        """Tells the worker, in whatever process it is, that this chat has something new."""
        if len(self.due) < wakeups.CHATS_MOST:
            self.due[chat_id] = urgent or self.due.get(chat_id, False)
        self.something_to_say.set()

    def publish_settled(self, public_id: str, status: str, failure: str | None) -> None:
        """Tells the waiters of this message that it is settled."""
        self.settled.append((public_id, status, failure))
        self.something_to_say.set()

    def publish_reset(self, account_id: int, login: str) -> None:
        """Tells all processes to clear the failures of this account."""
        self.resets.append((account_id, login))
        self.something_to_say.set()

    def say_recalled(self) -> None:
        """Tells the worker that the queue was paused or messages were recalled."""
        self.recalled = True
        self.something_to_say.set()

    async def listen(self) -> None:
        """Receives notifications for ever. Reconnects when the connection ends."""
        while True:
            try:
                await self._listen_once()
            except (DatabaseUnavailable, OSError) as exc:
                log.warning("signals interrupted", reason=str(exc.__cause__ or exc))
            await asyncio.sleep(PAUSE)

    async def _listen_once(self) -> None:
        connection = await dedicated.connect(self.engine)
        try:
            await connection.listen(DUE, self._on_due)
            await connection.listen(SETTLED, self._on_settled)
            await connection.listen(RESET, self._on_reset)
            await connection.listen(RECALLED, self._on_recalled)
            self.connection = connection
            self.hearing.set()
            self.something_to_say.set()
            await outbox.poll(self.now())  # for notifications that were missed
            await connection.keep_alive(PULSE)
        finally:
            self.connection = None
            self.hearing.clear()
            await connection.disconnect()

    async def talk(self) -> None:
        """Sends notifications for ever, all that have gathered at once."""
        while True:
            await self.something_to_say.wait()
            self.something_to_say.clear()
            if self.connection is None:
                self.settled.clear()  # their waiters query the table
                self.resets.clear()  # an admin may repeat it
                self.recalled = False  # the worker polls
                continue
            due, self.due = self.due, {}
            self.saying = True
            settled, self.settled = self.settled, []
            again, self.resets = self.resets, []
            recalled, self.recalled = self.recalled, False
            try:
                await self._say(DUE, list(due.items()))
                await self._say(SETTLED, settled)
                await self._say(RESET, again)
                await self._say(RECALLED, [True] if recalled else [])
            except DatabaseUnavailable:
                for chat_id, urgent in due.items():
                    self.publish_due(chat_id, urgent)
                await asyncio.sleep(PAUSE)
            finally:
                self.saying = False

    async def _say(self, channel: str, words: Sequence[Any]) -> None:
        if words and self.connection is not None:
            await self.connection.fetch(NOTIFY, channel, list(_payloads(words)))

    async def ask(self) -> None:
        """Queries the table for awaited messages, because notifications may be lost."""
        seen: set[str] = set()
        while True:
            await asyncio.sleep(PAUSE)
            with contextlib.suppress(DatabaseUnavailable):
                expected = wakeups.awaited_ids()
                if expected:
                    seen = await self._ask(expected, seen)

    async def _ask(self, expected: Sequence[str], seen: set[str]) -> set[str]:
        """Notifies the waiters of messages that were settled, or that were seen before and are gone. Returns
        the public_ids that are in the table now."""
        there: set[str] = set()
        for row in await self.engine.fetch(SETTLED_ROWS, expected):
            there.add(str(row["public_id"]))
            if row["status"] not in ("queued", "sending"):
                wakeups.notify_settled_here(str(row["public_id"]), row["status"], row["failure"])
        for public_id in seen.intersection(expected) - there:
            wakeups.notify_settled_here(public_id, "canceled", "deleted")
        return there

    def _on_due(self, payload: str) -> None:
        for chat_id, urgent in msgspec.json.decode(payload, type=list[tuple[int, bool]]):
            wakeups.notify_due_here(chat_id, urgent=urgent)

    def _on_settled(self, payload: str) -> None:
        for public_id, status, failure in msgspec.json.decode(payload, type=list[_Settled]):
            wakeups.notify_settled_here(public_id, status, failure)

    def _on_recalled(self, _: str) -> None:
        self.obeying = asyncio.create_task(self._on_flood_wait())

    async def _on_flood_wait(self) -> None:
        with contextlib.suppress(DatabaseUnavailable):  # the worker polls in a moment
            await outbox.obey_here()

    def _on_reset(self, payload: str) -> None:
        for account_id, login in msgspec.json.decode(payload, type=list[tuple[int, str]]):
            resets.publish_here(account_id, login)


@contextlib.asynccontextmanager
async def connected(now: Callable[[], datetime]) -> AsyncIterator[None]:
    """Connects the processes on this database while the block runs. SQLite has only one process, so nothing
    is done."""
    engine = current()
    if not isinstance(engine, PostgresEngine):
        yield
        return
    wire = PubSub(engine, now)
    tasks = [asyncio.create_task(work()) for work in (wire.listen, wire.talk, wire.ask)]
    wakeups.pubsub = wire
    try:
        yield
    finally:
        wakeups.pubsub = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _payloads(words: Sequence[Any]) -> Iterator[str]:
    """Splits the words into JSON arrays that each fit into one notification."""
    gathered: list[bytes] = []
    size = 2
    for word in map(msgspec.json.encode, words):
        if gathered and size + len(word) + 1 > PAYLOAD_MOST:
            yield (b"[" + b",".join(gathered) + b"]").decode()
            gathered, size = [], 2
        gathered.append(word)
        size += len(word) + 1
    yield (b"[" + b",".join(gathered) + b"]").decode()

"""Signals: what the processes on one PostgreSQL tell each other at once, by LISTEN and NOTIFY.

A door that accepted a message wakes the deliverer; the deliverer wakes whoever waits, in another process,
for a message to be settled. Signals are for speed alone: one that is lost costs time, never a message, for
the deliverer looks at its outbox by itself and who waits asks the table every second.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from djangobot.db.delivery import outbox, resets, wakeups
from djangobot.db.engine import DedicatedConnection, PostgresEngine, current
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

DUE = "djangobot_due"
SETTLED = "djangobot_settled"
RESET = "djangobot_reset"
RECALLED = "djangobot_recalled"
PAYLOAD_MOST = 7900
"""Bytes of one notification; PostgreSQL: shorter than 8000 (sql-notify)."""
PAUSE = 1.0
"""Seconds between two attempts to listen, and between two questions after what is waited for."""
PULSE = 2.0
NOTIFY = "SELECT pg_notify($1, p.payload) FROM unnest($2::text[]) AS p (payload)"
SETTLED_ROWS = """
SELECT public_id, status, failure FROM message
WHERE public_id = ANY($1::uuid[])
"""

_Settled = tuple[str, str, str | None]


class PubSub:
    """This process's end: what it has to say, and how it hears the others."""

    def __init__(self, engine: PostgresEngine, now: Callable[[], datetime]) -> None:
        self.engine = engine
        self.now = now
        self.seat: DedicatedConnection | None = None
        self.due: dict[int, bool] = {}
        self.settled: list[_Settled] = []
        self.resets: list[tuple[int, str]] = []
        self.recalled = False
        self.obeying: asyncio.Task[None] | None = None
        self.something_to_say = asyncio.Event()
        self.saying = False
        """Whether something that was taken from `due` may not have been said yet."""
        self.hearing = asyncio.Event()
        """Set while others can be heard."""

    def publish_due(self, chat_id: int, urgent: bool) -> None:
        """To the deliverer, wherever it is: this chat has something new."""
        if len(self.due) < wakeups.CHATS_MOST:
            self.due[chat_id] = urgent or self.due.get(chat_id, False)
        self.something_to_say.set()

    def publish_settled(self, public_id: str, status: str, failure: str | None) -> None:
        """To whoever waits for this message."""
        self.settled.append((public_id, status, failure))
        self.something_to_say.set()

    def publish_reset(self, account_id: int, login: str) -> None:
        """To all who count this account's failures."""
        self.resets.append((account_id, login))
        self.something_to_say.set()

    def say_recalled(self) -> None:
        """To the deliverer: something was said of the queue."""
        self.recalled = True
        self.something_to_say.set()

    async def listen(self) -> None:
        """Hears the others, for ever; a connection that ends is made anew."""
        while True:
            try:
                await self._listen_once()
            except (DatabaseUnavailable, OSError) as exc:
                log.warning("signals interrupted", reason=str(exc.__cause__ or exc))
            await asyncio.sleep(PAUSE)

    async def _listen_once(self) -> None:
        seat = await self.engine.seat()
        try:
            await seat.listen(DUE, self._on_due)
            await seat.listen(SETTLED, self._on_settled)
            await seat.listen(RESET, self._on_reset)
            await seat.listen(RECALLED, self._on_recalled)
            self.seat = seat
            self.hearing.set()
            self.something_to_say.set()
            await outbox.poll(self.now())  # for what was said while we did not hear
            await seat.keep_alive(PULSE)
        finally:
            self.seat = None
            self.hearing.clear()
            await seat.leave()

    async def talk(self) -> None:
        """Says what there is to say, all that has gathered at once."""
        while True:
            await self.something_to_say.wait()
            self.something_to_say.clear()
            if self.seat is None:
                self.settled.clear()  # who waits for these will ask
                self.resets.clear()  # an admin may say it again
                self.recalled = False  # the deliverer looks by itself
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
        if words and self.seat is not None:
            await self.seat.fetch(NOTIFY, channel, list(_payloads(words)))

    async def ask(self) -> None:
        """Asks the table after what is waited for here: for signals that were lost."""
        seen: set[str] = set()
        while True:
            await asyncio.sleep(PAUSE)
            with contextlib.suppress(DatabaseUnavailable):
                expected = wakeups.awaited_ids()
                if expected:
                    seen = await self._ask(expected, seen)

    async def _ask(self, expected: Sequence[str], seen: set[str]) -> set[str]:
        """Tells of what has ended, or was there before and is there no more. What is there now."""
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
        with contextlib.suppress(DatabaseUnavailable):  # the deliverer looks by itself in a moment
            await outbox.obey_here()

    def _on_reset(self, payload: str) -> None:
        for account_id, login in msgspec.json.decode(payload, type=list[tuple[int, str]]):
            resets.publish_here(account_id, login)


@contextlib.asynccontextmanager
async def connected(now: Callable[[], datetime]) -> AsyncIterator[None]:
    """Within, processes on this database hear each other. SQLite has but one process: nothing to do."""
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
    """JSON arrays of these, each short enough for one notification."""
    gathered: list[bytes] = []
    size = 2
    for word in map(msgspec.json.encode, words):
        if gathered and size + len(word) + 1 > PAYLOAD_MOST:
            yield (b"[" + b",".join(gathered) + b"]").decode()
            gathered, size = [], 2
        gathered.append(word)
        size += len(word) + 1
    yield (b"[" + b",".join(gathered) + b"]").decode()

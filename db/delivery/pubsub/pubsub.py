"""Pubsub: how the processes on one PostgreSQL notify each other at once, by LISTEN and NOTIFY.

A notification belongs to a topic. Whoever has something to tell makes a `Topic`; whoever wants to know
subscribes to it. Notifications only save time. A lost one costs time, never a message: subscribers also find
in the database what a lost notification would have told (`when_listening`, `every_second`).
"""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from weakref import WeakMethod

import msgspec
import structlog

from djangobot.db.engine import current, dedicated
from djangobot.db.engine.dedicated import DedicatedConnection
from djangobot.db.engine.postgres import PostgresEngine
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

PAYLOAD_MOST = 7900
"""The most bytes in one notification. PostgreSQL requires fewer than 8000 (sql-notify)."""
PAUSE = 1.0
"""Seconds between two attempts to listen, and between two calls of the checks of `every_second`."""
PULSE = 2.0
NOTIFY = "SELECT pg_notify($1, p.payload) FROM unnest($2::text[]) AS p (payload)"

T = TypeVar("T")
Check = Callable[[datetime], Awaitable[object]]
"""Finds in the database what a lost notification would have told. It gets the time."""


class Topic(Generic[T]):
    """One kind of notification. `word` is the type of what is told: hashable, and JSON can hold it. `kept`:
    how many words are kept while the other processes can't be reached; by default they are dropped."""

    def __init__(self, channel: str, word: type[T], *, kept: int = 0) -> None:
        self.channel = channel
        self.kept = kept
        self.pending: dict[T, None] = {}
        """Words that are not sent yet, each once."""
        self._decoder = msgspec.json.Decoder(list[word])  # type: ignore[valid-type]
        self._subscribers: list[Callable[[], Callable[[T], None] | None]] = []
        _topics.append(self)

    def subscribe(self, subscriber: Callable[[T], None]) -> None:
        """Calls `subscriber` with each word. A method is called as long as its object lives."""
        method = inspect.ismethod(subscriber)
        self._subscribers.append(WeakMethod(subscriber) if method else lambda: subscriber)

    def publish(self, word: T) -> None:
        """Tells the subscribers in all processes."""
        self.notify_subscribers(word)
        self.publish_elsewhere(word)

    def publish_elsewhere(self, word: T) -> None:
        """Tells the subscribers in other processes."""
        if _link is not None and (not self.kept or len(self.pending) < self.kept):
            self.pending[word] = None
            _link.something_to_send.set()

    def notify_subscribers(self, word: T) -> None:
        """Tells the subscribers in this process."""
        for reference in self._subscribers:
            if (subscriber := reference()) is not None:
                subscriber(word)
        self._subscribers = [reference for reference in self._subscribers if reference() is not None]

    def pop_pending(self) -> list[T]:
        """Returns the words that are not sent yet, and removes them."""
        words, self.pending = list(self.pending), {}
        return words

    def on_payload(self, payload: str) -> None:
        """Tells the subscribers in this process what another process sent."""
        for word in self._decoder.decode(payload):
            self.notify_subscribers(word)


_topics: list[Topic[Any]] = []
_missed: list[Check] = []
_every_second: list[Check] = []
_link: "PubSub | None" = None
"""This process's link to the others. `connected` sets it."""


def when_listening(check: Check) -> None:
    """Calls `check` each time this process begins to listen, for what was missed before."""
    _missed.append(check)


def every_second(check: Check) -> None:
    """Calls `check` once a second while this process is connected."""
    _every_second.append(check)


def link() -> "PubSub | None":
    """This process's link to others. None on SQLite, which has only one process."""
    return _link


class PubSub:
    """One process's part: it sends notifications and receives those of others."""

    def __init__(self, engine: PostgresEngine, now: Callable[[], datetime]) -> None:
        self.engine = engine
        self.now = now
        self.connection: DedicatedConnection | None = None
        self.something_to_send = asyncio.Event()
        self.sending = False
        """Whether words were taken from their topics and may not have been sent yet."""
        self.listening = asyncio.Event()
        """Set while notifications of others are received."""

    @property
    def idle(self) -> bool:
        """Whether everything was sent."""
        return not self.sending and not any(topic.pending for topic in _topics)

    async def listen(self) -> None:
        """Receives notifications for ever. Reconnects when the connection ends."""
        while True:
            try:
                await self._listen_once()
            except (DatabaseUnavailable, OSError) as exc:
                log.warning("pubsub interrupted", reason=str(exc.__cause__ or exc))
            await asyncio.sleep(PAUSE)

    async def _listen_once(self) -> None:
        connection = await dedicated.connect(self.engine)
        try:
            for topic in _topics:
                await connection.listen(topic.channel, topic.on_payload)
            self.connection = connection
            self.listening.set()
            self.something_to_send.set()
            for check in _missed:
                await check(self.now())
            await connection.keep_alive(PULSE)
        finally:
            self.connection = None
            self.listening.clear()
            await connection.disconnect()

    async def send(self) -> None:
        """Sends notifications for ever, all that have gathered at once."""
        while True:
            await self.something_to_send.wait()
            self.something_to_send.clear()
            if self.connection is None:
                for topic in _topics:
                    if not topic.kept:
                        topic.pending.clear()
                continue
            gathered = [(topic, topic.pop_pending()) for topic in _topics]
            self.sending = True
            try:
                for topic, words in gathered:
                    await self._send(topic.channel, words)
            except DatabaseUnavailable:
                for topic, words in gathered:
                    for word in words if topic.kept else ():
                        topic.publish_elsewhere(word)
                await asyncio.sleep(PAUSE)
            finally:
                self.sending = False

    async def _send(self, channel: str, words: Sequence[Any]) -> None:
        if words and self.connection is not None:
            await self.connection.fetch(NOTIFY, channel, list(payloads(words)))

    async def check(self) -> None:
        """Calls the checks of `every_second` for ever."""
        while True:
            await asyncio.sleep(PAUSE)
            for check in _every_second:
                with contextlib.suppress(DatabaseUnavailable):
                    await check(self.now())


@contextlib.asynccontextmanager
async def connected(now: Callable[[], datetime]) -> AsyncIterator[None]:
    """Connects the processes on this database while the block runs. SQLite has only one process, so nothing
    is done."""
    global _link
    engine = current()
    if not isinstance(engine, PostgresEngine):
        yield
        return
    _link = PubSub(engine, now)
    tasks = [asyncio.create_task(work()) for work in (_link.listen, _link.send, _link.check)]
    try:
        yield
    finally:
        _link = None
        for topic in _topics:
            topic.pending.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def payloads(words: Sequence[Any]) -> Iterator[str]:
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

"""In flight: the messages that are claimed and have no outcome yet.

Each of them waits for its chat's pacing, is ready, or is being sent.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.ready_queue import ReadyQueue
from djangobot.db.delivery.outcomes import Claimed

log = structlog.get_logger(__name__)

READY = 8
"""Ready messages per concurrent call: they wait for nothing but a free place."""
FEW = 2
"""More messages are claimed when fewer ready ones than this are left per concurrent call. So claims are
large, and the senders do not run out of messages."""
MOST = 5000
"""The most messages in flight: the ready ones, and those that wait for their chat's pacing."""


class InFlight:
    """Messages come with `add`. A sender gets one with `next`, and says `ended` when it has an outcome.

    Messages with files have a queue of their own: sending them takes long, and others must not wait for it.
    """

    def __init__(self, pacing: Pacing, concurrency: int, has_files: Callable[[Claimed], bool]) -> None:
        self.pacing = pacing
        self.concurrency = concurrency
        self.count = 0
        self.paced: dict[int, tuple[Claimed, asyncio.TimerHandle]] = {}
        """Messages that wait for their chat's pacing, by their id."""
        self.ready = ReadyQueue()
        self.ready_with_files = ReadyQueue()
        self._has_files = has_files
        self.changed = asyncio.Event()
        """Set when more can be claimed, or when nothing is in flight."""
        self._choosing, self._choosing_with_files = asyncio.Lock(), asyncio.Lock()
        """Locked by the sender that waits for the next place."""

    @property
    def capacity(self) -> int:
        """How many more messages may be claimed."""
        return min(READY * self.concurrency - len(self.ready), MOST - self.count)

    @property
    def runs_low(self) -> bool:
        """Whether it is time to claim more."""
        return self.capacity >= (READY - FEW) * self.concurrency

    def add(self, claimed: Sequence[Claimed]) -> None:
        """Puts claimed messages in flight. Each of them ends in an outcome, whatever happens."""
        now, bound_log = time.monotonic(), log.bind()
        for message in claimed:
            bound_log.debug(
                "message claimed", id=message.public_id, chat=message.chat_id, attempt=message.attempts
            )
            self.count += 1
            at = self.pacing.reserve_chat(message.chat_id, now)
            if at <= now:
                self._put(message)
            else:
                later = asyncio.get_running_loop().call_later(at - now, self.on_chat_turn, message)
                self.paced[message.id] = (message, later)

    def on_chat_turn(self, message: Claimed) -> None:
        """Makes a message ready, because its chat's pacing lets it go."""
        del self.paced[message.id]
        self._put(message)

    def _put(self, message: Claimed) -> None:
        queue = self.ready_with_files if self._has_files(message) else self.ready
        queue.put(message)

    def promote(self, chat_id: int) -> None:
        """Moves this chat's message to the first rank, because something urgent waits behind it."""
        self.ready.promote(chat_id)
        self.ready_with_files.promote(chat_id)

    async def next(self) -> Claimed:
        """Returns the best ready message without files."""
        return await self._next(self.ready, self._choosing)

    async def next_with_files(self) -> Claimed:
        """Returns the best ready message with files."""
        return await self._next(self.ready_with_files, self._choosing_with_files)

    async def _next(self, queue: ReadyQueue, choosing: asyncio.Lock) -> Claimed:
        """Returns the best message of a queue once a place among all chats is free. It chooses only then,
        because a better one may come. One sender waits at a time, so nobody reserves a later place."""
        if (message := self._chosen(queue)) is not None:
            return message
        async with choosing:
            while (message := self._chosen(queue)) is None:
                await queue.wait()
                now = time.monotonic()
                await asyncio.sleep(self.pacing.next_total(now) - now)
            return message

    def _chosen(self, queue: ReadyQueue) -> Claimed | None:
        now = time.monotonic()
        if self.pacing.next_total(now) > now:
            return None
        message = queue.pop()
        if message is not None:
            self.pacing.reserve_total(now)
        return message

    def withdraw(self) -> list[Claimed]:
        """Removes and returns the messages whose sending has not begun. They still count until they have
        ended."""
        withdrawn = []
        for message, later in self.paced.values():
            later.cancel()
            withdrawn.append(message)
        self.paced.clear()
        for queue in (self.ready, self.ready_with_files):
            while (ready := queue.pop()) is not None:
                withdrawn.append(ready)
        return withdrawn

    def ended(self) -> None:
        """Counts one message less, because it has an outcome."""
        self.count -= 1
        if not self.changed.is_set() and (not self.count or self.runs_low):
            self.changed.set()

    async def wait_until_empty(self) -> None:
        """Waits until every message has an outcome."""
        while self.count:
            self.changed.clear()
            await self.changed.wait()

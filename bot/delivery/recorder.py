"""Recorder: writes the outcomes of messages into the outbox, many in one commit."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from djangobot.bot.backoff import Backoff
from djangobot.db.delivery import settlement
from djangobot.db.delivery.outcomes import (
    Expired,
    Failed,
    Held,
    Postponed,
    Sent,
    SentAnew,
    Settled,
    Uncertain,
)
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

GATHER = 0.05
"""Seconds that an outcome waits for others at most, to be committed together."""


class Recorder:
    """Records outcomes in batches. While one batch is committed, the next is collected. No outcome is dropped
    while the process lives.

    A batch is committed when there are as many outcomes as messages that are ready to be sent. The senders
    have enough to do until then. The next messages of these chats can be claimed only after the commit.
    """

    def __init__(
        self, now: Callable[[], datetime], ready: Callable[[], int], stopping: asyncio.Event
    ) -> None:
        self.now = now
        self.ready = ready
        self.stopping = stopping
        self.outcomes: list[Settled] = []
        self._committing = 0
        """How many of the outcomes are being committed."""
        self._some, self._enough = asyncio.Event(), asyncio.Event()

    def add(self, outcome: Settled) -> None:
        """Has the outcome recorded soon."""
        self.outcomes.append(outcome)
        self._some.set()
        if len(self.outcomes) - self._committing >= self.ready():
            self._enough.set()

    async def run(self) -> None:
        """Records what is added, until it is cancelled."""
        while True:
            await self._some.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER):
                    await self._enough.wait()
            self._some.clear()
            self._enough.clear()
            await self._commit()

    async def flush(self) -> None:
        """Records all outcomes. What is not recorded because the database does not answer stays 'sending',
        and the next start repeats it under the same random_id."""
        while self.outcomes and await self._commit():
            pass

    async def _commit(self) -> bool:
        """Repeats until the database has the outcomes that are there now; after a stop it tries once. Returns
        whether the database has them."""
        backoff = Backoff()
        while batch := self.outcomes[:]:
            self._committing = len(batch)
            try:
                await settlement.settle(batch, self.now())
            except DatabaseUnavailable as exc:
                log.error("outcomes not recorded yet", count=len(batch), reason=str(exc.__cause__ or exc))
                if self.stopping.is_set():
                    return False
                await asyncio.sleep(backoff.next_pause())
            else:
                del self.outcomes[: len(batch)]
                _log_settled(batch)
                break
            finally:
                self._committing = 0
        return True


def _log_settled(batch: Sequence[Settled]) -> None:
    """Logs outcomes. Called after they are committed."""
    bound_log = log.bind()
    for outcome in batch:
        message = outcome.message
        where = {"id": message.public_id, "chat": message.chat_id, "attempt": message.attempts}
        match outcome:
            case Sent():
                bound_log.debug("message sent", **where)
            case Held():
                bound_log.debug("message held", **where)
            case Failed():
                bound_log.warning("message failed", **where, reason=outcome.reason)
            case Uncertain():
                bound_log.warning("message uncertain", **where, reason=outcome.reason)
            case Expired():
                bound_log.warning("message expired", **where)
            case Postponed() | SentAnew():
                pass  # logged when it was decided

"""Recorder: writes the outcomes of messages into the outbox, many in one commit."""

import asyncio
from collections.abc import Callable, Sequence
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
"""Under load, outcomes wait this many seconds for others, to be committed together."""


class Recorder:
    """Records outcomes in batches. While one batch is committed, the next is collected. No outcome is dropped
    while the process lives."""

    def __init__(
        self, now: Callable[[], datetime], under_load: Callable[[], bool], stopping: asyncio.Event
    ) -> None:
        self.now = now
        self.under_load = under_load
        self.stopping = stopping
        self.outcomes: list[Settled] = []
        self._some = asyncio.Event()

    def add(self, outcome: Settled) -> None:
        """Has the outcome recorded soon."""
        self.outcomes.append(outcome)
        self._some.set()

    async def run(self) -> None:
        """Records what is added, until it is cancelled."""
        while True:
            await self._some.wait()
            if self.under_load():
                await asyncio.sleep(GATHER)
            self._some.clear()
            await self.flush()

    async def flush(self) -> None:
        """Repeats until the database has the outcomes. After a stop it tries once: what is not recorded stays
        'sending', and the next start repeats it under the same random_id."""
        backoff = Backoff()
        while self.outcomes:
            batch = self.outcomes[:]
            try:
                await settlement.settle(batch, self.now())
            except DatabaseUnavailable as exc:
                log.error("outcomes not recorded yet", count=len(batch), reason=str(exc.__cause__ or exc))
                if self.stopping.is_set():
                    return
                await asyncio.sleep(backoff.next_pause())
            else:
                del self.outcomes[: len(batch)]
                _log_settled(batch)


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

"""Scheduler: runs the jobs that are due in the chats (db/delivery/scheduled.py). A job runs after everything
that its person did before."""

from collections.abc import Mapping
from datetime import timedelta

import structlog

from djangobot.bot.dispatch.dispatcher import Dispatcher, Handler
from djangobot.bot.telegram.gateway import AnswerLost, FloodWait, GatewayError
from djangobot.db.delivery import scheduled
from djangobot.db.delivery.scheduled import ScheduledJob
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats

log = structlog.get_logger(__name__)

AT_ONCE = 20
LONGEST_NAP = 2.0
"""Seconds until a job that another process stored is noticed."""
RETRY = timedelta(seconds=15)


class Scheduler:
    """Runs jobs by their kind, until it is cancelled."""

    def __init__(self, reception: Dispatcher, kinds: Mapping[str, Handler]) -> None:
        self.reception = reception
        self.kinds = kinds
        self.in_flight: set[int] = set()

    async def run(self) -> None:
        """Runs what is due, then waits for the next job."""
        while True:
            await self.reception.gateway.online.wait()
            nap = LONGEST_NAP
            try:
                await self.take()
                nap = await self._until_next()
            except DatabaseUnavailable as exc:
                log.error("database not available to chores", reason=str(exc.__cause__ or exc))
            await scheduled.wait_for_due(nap)

    async def take(self) -> None:
        """Queues the jobs that are due, at most AT_ONCE."""
        for chore in await scheduled.due(self.reception.now(), AT_ONCE):
            if chore.id not in self.in_flight:
                await self._enqueue(chore)

    async def _until_next(self) -> float:
        """Seconds until the next job is due. While jobs are in flight, the end of one wakes the scheduler."""
        due = None if self.in_flight else await scheduled.next_due()
        left = LONGEST_NAP if due is None else (due - self.reception.now()).total_seconds()
        return min(max(left, 0.0), LONGEST_NAP)

    async def _enqueue(self, chore: ScheduledJob) -> None:
        ended = self.reception.enqueue(chore.chat, lambda: self._do(chore))
        if ended is None:
            return await scheduled.postpone(chore, self.reception.now() + RETRY)
        self.in_flight.add(chore.id)
        ended.add_done_callback(lambda _: self._ended(chore))

    def _ended(self, chore: ScheduledJob) -> None:
        self.in_flight.discard(chore.id)
        scheduled.notify()

    async def _do(self, chore: ScheduledJob) -> None:
        """Runs one job. A job that Telegram refuses, such as a change of a deleted message, counts as
        done."""
        chat, handler = await chats.get(chore.chat), self.kinds.get(chore.kind)
        if chat is not None and handler is not None and not chat.banned:
            visit = self.reception.visit(chat, f"chore {chore.id}")
            visit.data, visit.message_id, visit.tries = f"{chore.kind}:{chore.argument}", chore.message, 1
            try:
                await handler(visit)
            except (AnswerLost, FloodWait) as exc:
                wait = timedelta(seconds=exc.seconds) if isinstance(exc, FloodWait) else RETRY
                return await scheduled.postpone(chore, self.reception.now() + wait)
            except DatabaseUnavailable:
                raise
            except GatewayError as exc:
                log.info("chore refused", chat=chore.chat, kind=chore.kind, reason=str(exc))
            except Exception:  # it would fail again
                log.exception("chore failed", chat=chore.chat, kind=chore.kind)
        await scheduled.done(chore)

"""Scheduler: runs the jobs that are due in the chats (db/delivery/scheduled.py). A job runs after everything
that its person did before."""

from collections.abc import Mapping
from datetime import timedelta

import structlog

from djangobot.bot.context import Handler
from djangobot.bot.dispatch.dispatcher import Dispatcher
from djangobot.bot.telegram.errors import AnswerLost, Cut, FloodWait, GatewayError
from djangobot.db.delivery import scheduled
from djangobot.db.delivery.scheduled import ScheduledJob, TooEarly
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats

log = structlog.get_logger(__name__)

AT_ONCE = 20
LONGEST_WAIT = 2.0
"""Seconds until a job that another process stored is noticed."""
RETRY = timedelta(seconds=15)
AFTER_CUT = timedelta(seconds=1)
"""The next run waits for a connection anyway."""


class Scheduler:
    """Runs jobs by their kind, until it is cancelled."""

    def __init__(self, dispatcher: Dispatcher, kinds: Mapping[str, Handler]) -> None:
        self.dispatcher = dispatcher
        self.kinds = kinds
        self.in_flight: set[int] = set()

    async def run(self) -> None:
        """Runs what is due, then waits for the next job."""
        while True:
            await self.dispatcher.gateway.online.wait()
            wait = LONGEST_WAIT
            try:
                await self.enqueue_due()
                wait = await self._until_next()
            except DatabaseUnavailable as exc:
                log.error("database not available to scheduled jobs", reason=str(exc.__cause__ or exc))
            await scheduled.wait_for_due(wait)

    async def enqueue_due(self) -> None:
        """Queues the jobs that are due, at most AT_ONCE."""
        for job in await scheduled.due(self.dispatcher.now(), AT_ONCE):
            if job.id not in self.in_flight:
                await self._enqueue(job)

    async def _until_next(self) -> float:
        """Seconds until the next job is due. While jobs are in flight, the end of one wakes the scheduler."""
        due = None if self.in_flight else await scheduled.next_due()
        left = LONGEST_WAIT if due is None else (due - self.dispatcher.now()).total_seconds()
        return min(max(left, 0.0), LONGEST_WAIT)

    async def _enqueue(self, job: ScheduledJob) -> None:
        ended = self.dispatcher.enqueue(job.chat, lambda: self._run(job))
        if ended is None:
            return await scheduled.postpone(job, self.dispatcher.now() + RETRY)
        self.in_flight.add(job.id)
        ended.add_done_callback(lambda _: self._on_end(job))

    def _on_end(self, job: ScheduledJob) -> None:
        self.in_flight.discard(job.id)
        scheduled.notify()

    async def _run(self, job: ScheduledJob) -> None:
        """Runs one job. A job that Telegram refuses, such as a change of a deleted message, counts as
        done."""
        chat, handler = await chats.get(job.chat), self.kinds.get(job.kind)
        if chat is not None and handler is not None and not chat.banned:
            context = self.dispatcher.context(chat, f"job {job.id}")
            context.data, context.message_id, context.tries = f"{job.kind}:{job.argument}", job.message, 1
            try:
                await handler(context)
            except (AnswerLost, FloodWait, TooEarly) as exc:
                return await scheduled.postpone(job, self.dispatcher.now() + _pause_after(exc))
            except DatabaseUnavailable:
                raise
            except GatewayError as exc:
                log.info("scheduled job refused", chat=job.chat, kind=job.kind, reason=str(exc))
            except Exception:  # it would fail again
                log.exception("scheduled job failed", chat=job.chat, kind=job.kind)
        await scheduled.done(job)


def _pause_after(exc: AnswerLost | FloodWait | TooEarly) -> timedelta:
    if isinstance(exc, FloodWait | TooEarly):
        return timedelta(seconds=exc.seconds)
    return AFTER_CUT if isinstance(exc, Cut) else RETRY

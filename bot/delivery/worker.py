"""Worker: claims messages from the outbox, has them sent, and has the outcomes recorded.

One chat's messages are sent one after another; many chats are served at the same time. Telegram's waits apply
to the chat that got them. Urgent messages go first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from djangobot.bot.backoff import Backoff
from djangobot.bot.delivery.flood_control import FloodControl
from djangobot.bot.delivery.housekeeping import Housekeeping
from djangobot.bot.delivery.in_flight import InFlight
from djangobot.bot.delivery.mute_prompts import MutePrompts
from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.recorder import Recorder
from djangobot.bot.delivery.schedule import Schedule
from djangobot.bot.delivery.sender import Sender, has_files
from djangobot.bot.settings import CONCURRENT_SENDS
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db.clock import utc_now
from djangobot.db.delivery import claims, outbox
from djangobot.db.delivery.local_worker import register_worker
from djangobot.db.delivery.outcomes import Claimed, Postponed, Settled
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.delivery.uncertain import SAFE_TO_REPEAT
from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

WITH_FILES = 4
"""Messages with files that are sent at once, beside the others. They share the connection with them."""
URGENT = 100
"""Chats with urgent messages that are claimed at once, however many others are ready."""
MAY_CALL_PAUSE = 0.1
"""Seconds between checks whether this process is certainly the leader."""
LONGEST_NAP = 30.0
"""Seconds after which the outbox is read even without a wakeup."""
EVER = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
STOP_GRACE = 10.0
"""Seconds that sends in progress get to end when the process stops."""


class Worker:
    """Delivers for one bot; there is one worker per bot. Call `run`; it works until `stop`."""

    def __init__(
        self,
        gateway: Gateway,
        pacing: Pacing,
        *,
        concurrency: int = CONCURRENT_SENDS,
        safe_to_repeat: timedelta = SAFE_TO_REPEAT,
        mute_prompts: MutePrompts | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.gateway = gateway
        self.concurrency = concurrency
        self.now = now
        self.stopping = asyncio.Event()
        self.flood_control = FloodControl()
        self.in_flight = InFlight(pacing, concurrency, has_files)
        mute_prompts = mute_prompts or MutePrompts()
        self.sender = Sender(gateway, pacing, self.flood_control, mute_prompts, safe_to_repeat, now)
        self.recorder = Recorder(now, lambda: len(self.in_flight.ready), self.stopping)
        self.housekeeping = Housekeeping(
            self.flood_control, put_back=self._put_back, poll_soon=self._poll_soon, now=now
        )
        self._others = (self.recorder, self.housekeeping, Schedule(now))
        self.poll_at = EVER
        self.grace = STOP_GRACE

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight and nothing is left to record."""
        return not self.in_flight.count and not self.recorder.outcomes

    @property
    def free(self) -> bool:
        """Whether a message that is accepted now is sent at once, because nothing is ahead of it."""
        if not self.gateway.online.is_set() or not self._may_send:
            return False
        ahead = self.in_flight.ready or self.in_flight.count >= self.concurrency
        return not ahead and wakeups.nothing_due()

    @property
    def _may_send(self) -> bool:
        return not self.stopping.is_set() and self.flood_control.open and self.gateway.may_call

    async def run(self) -> None:
        """Delivers until `stop`. Then lets the sends in progress end, and records their outcomes. Raises the
        error of a part that has failed: a worker without it would look alive and deliver nothing."""
        await self._until_db_answers(self._begin)
        others = [asyncio.create_task(other.run()) for other in self._others]
        senders = [
            *(asyncio.create_task(self._send_each(self.in_flight.next)) for _ in range(self.concurrency)),
            *(
                asyncio.create_task(self._send_each(self.in_flight.next_with_files))
                for _ in range(WITH_FILES)
            ),
        ]
        parts = (*others, *senders)
        for part in parts:
            part.add_done_callback(self._stop_after_error)
        register_worker(self)
        try:
            while not self.stopping.is_set():
                await self._until_db_answers(self._step)
        finally:
            register_worker(None)
            await self._finish(senders)
            await _end(others)
            await self.recorder.flush()
        for part in parts:
            if not part.cancelled():
                part.result()

    def _stop_after_error(self, part: asyncio.Task[None]) -> None:
        if not part.cancelled() and part.exception() is not None:
            self.stopping.set()

    def stop(self, *, at_once: bool = False) -> None:
        """Claims nothing more and starts no further send. With `at_once`, sends in progress are cancelled
        too; the next leader repeats them under the same random_ids."""
        self.grace = 0 if at_once else STOP_GRACE
        self.stopping.set()

    def add_claimed(self, claimed: Sequence[Claimed]) -> None:
        """Puts claimed messages in flight."""
        self.in_flight.add(claimed)

    def fix(self, message: Claimed) -> str | None:
        """Renders what is sent of a message that is being claimed. Returns None when that fails."""
        return self.sender.fix(message)

    async def apply_recall(self) -> None:
        """Applies a pause and a recall before it returns."""
        await self.housekeeping.apply_recall()

    async def _until_db_answers(self, step: Callable[[], Awaitable[None]]) -> None:
        """Does one step. If the database does not answer, tries again until it does or until `stop`."""
        backoff = Backoff()
        while not self.stopping.is_set():
            try:
                await step()
            except DatabaseUnavailable as exc:
                log.error("database not available to delivery", reason=str(exc.__cause__ or exc))
                await self._nap(backoff.next_pause())
            else:
                return

    async def _begin(self) -> None:
        await self.housekeeping.begin()
        reclaimed = await claims.reclaim(self.now())
        if reclaimed:
            log.info("messages in flight at the last stop taken up again", count=reclaimed)

    async def _step(self) -> None:
        """Claims what may be sent now, or waits until something may be sent."""
        if not self.gateway.online.is_set():
            await self._unless_stopping(self.gateway.online.wait())
        elif not self.gateway.may_call:
            self._put_back()
            await self._nap(MAY_CALL_PAUSE)
        elif not self.flood_control.open:
            self._put_back()
            await self._unless_stopping(self.flood_control.opened.wait())
        else:
            await self._claim()

    async def _claim(self) -> None:
        """Claims what wakeups name, polls for due messages when it is time to, or waits for a wakeup."""
        if urgent := wakeups.pop_urgent(URGENT):
            for chat_id in urgent:
                self.in_flight.promote(chat_id)
            await self._claim_in(urgent, limit=URGENT)
        elif not self.in_flight.runs_low:
            self.in_flight.changed.clear()
            await self._unless_stopping(self.in_flight.changed.wait(), wakeups.wait_for_urgent())
        elif self.now() >= self.poll_at:
            await self._poll()
        elif due := wakeups.pop_due(self.in_flight.capacity):
            await self._claim_in(due, limit=len(due))
        else:
            nap = min(LONGEST_NAP, (self.poll_at - self.now()).total_seconds())
            await self._unless_stopping(wakeups.wait_for_due(max(nap, 0)))

    async def _claim_in(self, chats: Sequence[int], *, limit: int) -> None:
        self.add_claimed(await claims.claim(self.now(), limit=limit, chats=chats, fix=self.fix))

    async def _poll(self) -> None:
        """Notifies all chats that have something due. Called once at the start, and whenever a postponed
        message falls due."""
        self.poll_at = NEVER
        due = await outbox.poll(self.now())
        self.poll_at = min(due or NEVER, self.poll_at, self.now() + timedelta(seconds=LONGEST_NAP))

    def _poll_soon(self) -> None:
        self.poll_at = EVER

    async def _send_each(self, next_message: Callable[[], Awaitable[Claimed]]) -> None:
        """Sends one message after another. Each attempt ends as sent, failed, uncertain or postponed."""
        while True:
            message = await next_message()
            if not self._may_send:
                self._ended(self.sender.put_back(message))
                continue
            try:
                outcome = await self.sender.send(message)
            except asyncio.CancelledError:
                self._ended(Postponed(message, self.now(), "interrupted"))
                raise
            self._ended(outcome)

    def _put_back(self) -> None:
        """Puts back the claimed messages whose sending has not begun."""
        for message in self.in_flight.withdraw():
            self._ended(self.sender.put_back(message))

    def _ended(self, outcome: Settled) -> None:
        self.recorder.add(outcome)
        self.in_flight.ended()
        if isinstance(outcome, Postponed):
            self.poll_at = min(self.poll_at, outcome.until)

    async def _finish(self, senders: Sequence[asyncio.Task[None]]) -> None:
        """Puts back what was not begun. Sends in progress get STOP_GRACE to end."""
        self._put_back()
        try:
            async with asyncio.timeout(self.grace):
                await self.in_flight.wait_until_empty()
        except TimeoutError:
            log.warning("sends interrupted by the stop", count=self.in_flight.count)
        await _end(senders)

    async def _unless_stopping(self, *awaited: Coroutine[None, None, object]) -> None:
        """Waits for the first of these, or for `stop` if that comes first."""
        waiting = {asyncio.ensure_future(one) for one in (*awaited, self.stopping.wait())}
        _, late = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()

    async def _nap(self, seconds: float) -> None:
        """Waits for so many seconds, or for `stop` if that comes first."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

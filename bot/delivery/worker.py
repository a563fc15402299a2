"""Worker: claims messages from the outbox, sends them and records the outcomes.

The random_id is in the row before the first attempt, and every repeat uses it. So a message is in the chat
once, even if the process dies after Telegram acted and before we recorded it. One chat's messages are sent
one after another; many chats are served at the same time. Telegram's waits apply to the chat that got them.
Urgent messages go first.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from djangobot.bot import backoff
from djangobot.bot.backoff import Backoff
from djangobot.bot.delivery import parts
from djangobot.bot.delivery.flood_control import FloodControl
from djangobot.bot.delivery.mute_prompts import MutePrompts
from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.ready_queue import ReadyQueue
from djangobot.bot.rendering.messages import render_message
from djangobot.bot.telegram.gateway import (
    AnswerLost,
    Blocked,
    Cut,
    FloodWait,
    Gateway,
    Peer,
    Refused,
    Unasked,
    Undone,
    derived_id,
)
from djangobot.bot.telegram.text import Text
from djangobot.db import metrics, state
from djangobot.db.clock import utc_now
from djangobot.db.delivery import claims, outbox, outcomes, recalls, settlement, wakeups
from djangobot.db.delivery.local_worker import register_worker
from djangobot.db.delivery.outcomes import Claimed, Expired, Failed, Held, Postponed, Sent, Settled, Uncertain
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats, digests

log = structlog.get_logger(__name__)

CONCURRENT_SENDS = 50
"""Calls to Telegram in progress at once, by default."""
READY = 8
"""Ready messages per concurrent call: they wait for nothing but a free place."""
FEW = 2
"""More messages are claimed when fewer ready ones than this are left per concurrent call. So claims are
large, and the senders do not run out of messages."""
URGENT = 100
"""Chats with urgent messages that are claimed at once, however many others are ready."""
IN_HAND = 5000
"""The most messages in flight: the ready ones, and those that wait for their chat's pacing."""
GATHER = 0.02
"""Under load, outcomes wait this many seconds for others, to be committed together."""
LEASE = timedelta(minutes=5)
LOSS_PAUSE = 1.0
"""Seconds of the first pause, at most, after an attempt that Telegram did not answer."""
LOSSES_KEPT = 10_000
"""Messages whose failed attempts are counted."""
DUTY_PAUSE = 0.1
"""Seconds between checks whether this process is certainly the leader."""
LONGEST_NAP = 30.0
"""Seconds after which the outbox is read even without a wakeup."""
SAFE_TO_REPEAT = timedelta(hours=24)
"""How long we trust Telegram to remember a random_id. Telegram publishes no figure. A message whose first
attempt is older is uncertain."""
STALE = timedelta(seconds=5)
"""Parts that were rendered with the claim are rendered again before the first attempt when they are older
than this."""
EVER = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
WATCH = 0.5
"""Seconds between checks of what sends no wakeup."""
CLOCK_STEP = timedelta(seconds=2)
"""The clock stepped back if it moved less than expected by more than this."""
STOP_GRACE = 10.0
"""Seconds that sends in progress get to end when the process stops."""

Now = Callable[[], datetime]


class PartlySent(FloodWait):
    """Telegram took the first part and wants us to wait before the next. A repeat begins with the first part,
    which Telegram recognises by its random_id."""

    def __init__(self, wait: FloodWait) -> None:
        super().__init__(wait.seconds, whole_bot=wait.whole_bot)


class Worker:
    """Delivers for one bot; there is one worker per bot. Call `run`; it works until `stop`."""

    def __init__(
        self,
        gateway: Gateway,
        pacing: Pacing,
        *,
        concurrency: int = CONCURRENT_SENDS,
        safe_to_repeat: timedelta = SAFE_TO_REPEAT,
        now: Now = utc_now,
    ) -> None:
        self.gateway = gateway
        self.pacing = pacing
        self.gate = FloodControl()
        self.offers = MutePrompts()
        self.concurrency = concurrency
        self.safe_to_repeat = safe_to_repeat
        self.now = now
        self.in_flight = 0
        """Messages that are claimed and have no outcome yet: held back by pacing, ready, or being sent."""
        self.held: dict[int, tuple[Claimed, asyncio.TimerHandle]] = {}
        """Messages that wait for their chat's pacing, by their id."""
        self.ready = ReadyQueue()
        self.choosing = asyncio.Lock()
        """Locked by the sender that waits for the next place."""
        self.losses: dict[int, int] = {}
        """By message id: how often Telegram could be reached but did not answer, or had an internal error."""
        self.outcomes: list[Settled] = []
        self.runs_low = asyncio.Event()
        """Set when more can be claimed, or when nothing is in flight."""
        self.something_to_record = asyncio.Event()
        self.poll_at = EVER
        self.recalled: object = None
        self.stopping = asyncio.Event()
        self.grace = STOP_GRACE
        self.lease = LEASE

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight and nothing is left to record."""
        return not self.in_flight and not self.outcomes

    async def run(self) -> None:
        """Delivers until `stop`. Then lets the sends in progress end, and records their outcomes."""
        await self._until_db_answers(self._take_over)
        recorder = asyncio.create_task(self._record())
        watch = asyncio.create_task(self._watch())
        workers = [asyncio.create_task(self._work()) for _ in range(self.concurrency)]
        register_worker(self)
        try:
            while not self.stopping.is_set():
                await self._until_db_answers(self._step)
        finally:
            register_worker(None)
            await self._finish(workers)
            await _end([recorder, watch])
            await self._record_now()

    def stop(self, *, at_once: bool = False) -> None:
        """Claims nothing more and starts no further send. With `at_once`, sends in progress are cancelled
        too; the next leader repeats them under the same random_ids."""
        self.grace = 0 if at_once else STOP_GRACE
        self.stopping.set()

    async def _until_db_answers(self, step: Callable[[], Awaitable[None]]) -> None:
        """Does one step. If the database does not answer, tries again until it does or until `stop`."""
        pauses = Backoff()
        while not self.stopping.is_set():
            try:
                await step()
            except DatabaseUnavailable as exc:
                log.error("database not available to delivery", reason=str(exc.__cause__ or exc))
                await _nap(self.stopping, pauses.next_pause())
            else:
                return

    async def _take_over(self) -> None:
        await self.gate.remember(self.now())
        self.recalled = await recalls.last()
        before = await state.last_clock()
        if before is not None and self.now() < before:
            await self._clock_stepped_back()
        reclaimed = await claims.reclaim(self.now())
        if reclaimed:
            log.info("messages in flight at the last stop taken up again", count=reclaimed)

    async def _step(self) -> None:
        """Claims what wakeups name, polls for due messages when it is time to, or waits."""
        if not self.gateway.online.is_set():
            await self._unless_stopping(self.gateway.online.wait())
            return
        if not self.gateway.may_call:
            self._put_back()
            await _nap(self.stopping, DUTY_PAUSE)
            return
        if not self.gate.open:
            self._put_back()
            await self._unless_stopping(self.gate.opened.wait())
            return
        if hurrying := wakeups.take_urgent(URGENT):
            for chat_id in hurrying:
                self.ready.promote(chat_id)
            self.take(await claims.claim(self.now(), limit=URGENT, lease=LEASE, chats=hurrying, fix=self.fix))
        elif not self._runs_low:
            self.runs_low.clear()
            await self._unless_stopping(self.runs_low.wait(), wakeups.wait_for_urgent())
        elif self.now() >= self.poll_at:
            await self._poll()
        elif rung := wakeups.take_due(self._capacity):
            self.take(await claims.claim(self.now(), limit=len(rung), lease=LEASE, chats=rung, fix=self.fix))
        else:
            nap = min(LONGEST_NAP, (self.poll_at - self.now()).total_seconds())
            await self._unless_stopping(wakeups.wait_for_due(max(nap, 0)))

    @property
    def _capacity(self) -> int:
        """How many more messages may be claimed."""
        return min(READY * self.concurrency - len(self.ready), IN_HAND - self.in_flight)

    @property
    def _runs_low(self) -> bool:
        return self._capacity >= (READY - FEW) * self.concurrency

    async def _poll(self) -> None:
        """Notifies all chats that have something due. Called once at the start, and whenever a postponed
        message falls due."""
        self.poll_at = NEVER
        due = await outbox.poll(self.now())
        self.poll_at = min(due or NEVER, self.poll_at, self.now() + timedelta(seconds=LONGEST_NAP))

    @property
    def free(self) -> bool:
        """Whether a message that is accepted now is sent at once, because nothing is ahead of it."""
        can_send = self.gateway.online.is_set() and self.gate.open and not self.stopping.is_set()
        can_send = can_send and self.gateway.may_call
        return can_send and not self.ready and self.in_flight < self.concurrency and wakeups.nothing_due()

    def take(self, claimed: Sequence[Claimed]) -> None:
        """Puts claimed messages in flight. Each of them ends in an outcome, whatever happens."""
        now = time.monotonic()
        for message in claimed:
            log.debug("message claimed", id=message.public_id, chat=message.chat_id, attempt=message.attempts)
            self.in_flight += 1
            turn = self.pacing.reserve_chat(message.chat_id, now)
            if turn <= now:
                self.ready.put(message)
            else:
                later = asyncio.get_running_loop().call_later(turn - now, self._on_chat_turn, message)
                self.held[message.id] = (message, later)

    def _on_chat_turn(self, message: Claimed) -> None:
        del self.held[message.id]
        self.ready.put(message)

    async def _watch(self) -> None:
        """Every WATCH seconds: checks for expired messages, for a pause or a recall, for digests, and for a
        step of the clock."""
        ticks, wall = time.monotonic(), self.now()
        noted = -LONGEST_NAP
        while True:
            try:
                await self.gate.poll()
                await self._poll_recall()
                while await outbox.expire(self.now()):
                    pass
                while await digests.send_digests(self.now()):
                    pass
                passed = timedelta(seconds=time.monotonic() - ticks)
                if self.now() < wall + passed - CLOCK_STEP:
                    await self._clock_stepped_back()
                ticks, wall = time.monotonic(), self.now()
                if ticks - noted >= LONGEST_NAP:
                    await state.note_clock(wall)
                    noted = ticks
            except DatabaseUnavailable:
                pass  # _until_db_answers logs it
            await asyncio.sleep(WATCH)

    async def apply_recall(self) -> None:
        """Applies a pause and a recall before it returns."""
        await self.gate.poll()
        await self._poll_recall()

    async def _poll_recall(self) -> None:
        """After a ban, puts back all messages that are not being sent. They are claimed again if they may
        still be sent."""
        recalled = await recalls.last()
        if recalled != self.recalled:
            self.recalled = recalled
            self._put_back()

    async def _clock_stepped_back(self) -> None:
        """Makes all postponed messages due now; else they would come much later than meant. Waits that
        Telegram asked for are kept on the monotonic clock, too."""
        count = await outbox.due_now(self.now())
        log.warning("the clock stepped back", messages_due_now=count)
        self.poll_at = EVER

    def _put_back(self) -> None:
        """Puts back the claimed messages whose sending has not begun."""
        for message, turn in self.held.values():
            turn.cancel()
            self._ended(self._untried(message))
        self.held.clear()
        while (ready := self.ready.take()) is not None:
            self._ended(self._untried(ready))

    async def _unless_stopping(self, *awaited: Coroutine[None, None, object]) -> None:
        """Waits for the first of these, or for `stop` if that comes first."""
        waiting = {asyncio.ensure_future(one) for one in (*awaited, self.stopping.wait())}
        _, late = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()

    async def _work(self) -> None:
        """Sends one message after another. Each attempt ends as sent, failed, uncertain or postponed."""
        while True:
            message = await self._next()
            try:
                outcome = await self._outcome(message)
            except asyncio.CancelledError:
                self._ended(Postponed(message, self.now(), "interrupted"))
                raise
            except Exception as exc:  # whatever the error is, the message must not stay 'sending'
                _log_fault(message, exc)
                outcome = self._put_off(message, f"internal: {type(exc).__name__}")
            self._ended(outcome)

    async def _next(self) -> Claimed:
        """Returns the best ready message once a place among all chats is free. It chooses only then, because
        a better one may come. One sender waits at a time, so nobody reserves a later place."""
        if (message := self._chosen()) is not None:
            return message
        async with self.choosing:
            while (message := self._chosen()) is None:
                await self.ready.some()
                now = time.monotonic()
                await asyncio.sleep(self.pacing.next_total(now) - now)
            return message

    def _chosen(self) -> Claimed | None:
        now = time.monotonic()
        if self.pacing.next_total(now) > now:
            return None
        message = self.ready.take()
        if message is not None:
            self.pacing.reserve_total(now)
        return message

    def _ended(self, outcome: Settled) -> None:
        self.in_flight -= 1
        self.outcomes.append(outcome)
        self.something_to_record.set()
        if not self.in_flight or self._runs_low:
            self.runs_low.set()
        if not isinstance(outcome, Postponed):
            self.losses.pop(outcome.message.id, None)
        else:
            self.poll_at = min(self.poll_at, outcome.until)

    async def _outcome(self, message: Claimed) -> Settled:
        if self.stopping.is_set() or not self.gate.open or not self.gateway.may_call:
            return self._untried(message)
        now = self.now()
        if message.first_attempt and now - message.first_attempt > self.safe_to_repeat:
            return Uncertain(message, "its first attempt is too long ago to repeat it safely")
        if message.expired(now):
            if message.first_attempt:
                return Uncertain(message, outcomes.EXPIRED_IN_DOUBT)
            return Expired(message)
        if (until := digests.held_until(message, now)) is not None:
            return Held(message, until)
        try:
            fixed = await self._fixed(message, now)
        except DatabaseUnavailable:
            fixed = None
        if fixed is None:
            return self._untried(message)
        try:
            return Sent(message, await self._send_parts(message, fixed))
        except Unasked:
            return self._untried(message)
        except Cut as exc:
            return self._again(message, f"no answer: {exc}", not_done=isinstance(exc, Undone))
        except AnswerLost as exc:
            return self._put_off(message, f"no answer: {exc}")
        except FloodWait as exc:
            return await self._on_flood_wait(message, exc)
        except Blocked as exc:
            await chats.block(message.chat_id, self.now())
            return Failed(message, exc.reason)
        except Refused as exc:
            return Failed(message, exc.reason)

    def _untried(self, message: Claimed) -> Postponed:
        log.debug("message put back", id=message.public_id, chat=message.chat_id)
        return outcomes.put_back(message, self.now())

    def fix(self, message: Claimed) -> str | None:
        """Renders what is sent of this message; later changes do not alter it. Returns None when rendering
        fails."""
        try:
            return self._rendered(message, self.now())
        except Exception as exc:  # rendering is tried again before the send
            _log_fault(message, exc)
            return None

    def _rendered(self, message: Claimed, now: datetime) -> str:
        shown: Sequence[Text] = render_message(message, now, offer_mute=self.offers.fits(message, now))
        if digests.silently(message, now):
            shown = [msgspec.structs.replace(part, silent=True) for part in shown]
        return parts.encode(shown)

    async def _fixed(self, message: Claimed, now: datetime) -> list[Text] | None:
        """Returns what is sent of the message, the same at each attempt. Before the first attempt, parts
        that are STALE are rendered again, with the present delay. Returns None if the message is no longer
        ours."""
        fixed = message.parts
        if fixed is None or (message.fixed is not None and now - message.fixed > STALE):
            rendered = self._rendered(message, now)
            if rendered != fixed and not await claims.fix(message, rendered):
                return None
            fixed = rendered
        return parts.decode(fixed)

    async def _send_parts(self, message: Claimed, texts: Sequence[Text]) -> int:
        """Sends each part under its own random_id, the first under the message's. Returns the first part's
        id."""
        peer = Peer(message.chat_id, message.access_hash)
        first = await self.gateway.send(peer, texts[0], message.random_id)
        for number, part in enumerate(texts[1:], start=1):
            try:
                await self.gateway.send(peer, part, derived_id(message.random_id, number))
            except FloodWait as exc:
                raise PartlySent(exc) from exc
            except Undone as exc:
                raise Cut(str(exc)) from exc
        self.offers.note(message, self.now(), offered=bool(texts[-1].buttons))
        return first

    def _put_off(self, message: Claimed, reason: str) -> Postponed:
        """Repeats later, and later each time."""
        losses = self.losses[message.id] = self.losses.pop(message.id, 0) + 1
        if len(self.losses) > LOSSES_KEPT:
            del self.losses[next(iter(self.losses))]
        return self._later(message, backoff.pause(losses, LOSS_PAUSE), reason)

    def _again(self, message: Claimed, reason: str, *, not_done: bool) -> Postponed:
        """Repeats as soon as there is a connection, because the answer was lost with the last one."""
        return self._later(message, 0, reason, not_done=not_done)

    def _later(self, message: Claimed, pause: float, reason: str, *, not_done: bool = False) -> Postponed:
        metrics.retries.inc()
        log.warning(
            "message put off",
            id=message.public_id,
            chat=message.chat_id,
            attempt=message.attempts,
            seconds=round(pause, 3),
            reason=reason,
        )
        return Postponed(message, self.now() + timedelta(seconds=pause), reason, not_done)

    async def _on_flood_wait(self, message: Claimed, wait: FloodWait) -> Postponed:
        """After a FLOOD_WAIT, this chat waits exactly as long as Telegram says. Flood control decides whether
        others wait too."""
        seconds, now = wait.seconds, self.now()
        metrics.flood_waits.inc()
        log.warning("flood wait", id=message.public_id, chat=message.chat_id, seconds=seconds)
        self.pacing.hold_chat(message.chat_id, time.monotonic() + seconds)
        await self.gate.on_flood_wait(message.chat_id, seconds, now, whole_bot=wait.whole_bot)
        return Postponed(
            message,
            now + timedelta(seconds=seconds),
            f"flood wait {seconds} s",
            not_done=not isinstance(wait, PartlySent),
        )

    async def _record(self) -> None:
        """Records outcomes in batches. While one batch is committed, the next is collected."""
        while True:
            await self.something_to_record.wait()
            if len(self.ready) > CONCURRENT_SENDS:
                await asyncio.sleep(GATHER)
            self.something_to_record.clear()
            await self._record_now()

    async def _record_now(self) -> None:
        """Repeats until the database has the outcomes. No outcome is dropped while the process lives."""
        pauses = Backoff()
        while self.outcomes:
            batch = self.outcomes[:]
            try:
                await settlement.settle(batch, self.now())
            except DatabaseUnavailable as exc:
                log.error("outcomes not recorded yet", count=len(batch), reason=str(exc.__cause__ or exc))
                if self.stopping.is_set():
                    return  # they stay 'sending'; the next start repeats them under the same random_id
                await asyncio.sleep(pauses.next_pause())
            else:
                del self.outcomes[: len(batch)]
                _log_settled(batch)

    async def _finish(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Puts back what was not begun. Sends in progress get STOP_GRACE to end."""
        self._put_back()
        try:
            async with asyncio.timeout(self.grace):
                while self.in_flight:
                    self.runs_low.clear()
                    await self.runs_low.wait()
        except TimeoutError:
            log.warning("sends interrupted by the stop", count=self.in_flight)
        await _end(workers)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _log_fault(message: Claimed, exc: Exception) -> None:
    """Logs only the place of the error. A full traceback may show local values, and so the message's text."""
    frames = traceback.extract_tb(exc.__traceback__)[-8:]
    at = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("delivery failed unexpectedly", id=message.public_id, error=type(exc).__name__, at=at)


def _log_settled(batch: Sequence[Settled]) -> None:
    """Logs outcomes. Called after they are committed."""
    for outcome in batch:
        message = outcome.message
        where = {"id": message.public_id, "chat": message.chat_id, "attempt": message.attempts}
        match outcome:
            case Sent():
                log.debug("message sent", **where)
            case Held():
                log.debug("message held", **where)
            case Failed():
                log.warning("message failed", **where, reason=outcome.reason)
            case Uncertain():
                log.warning("message uncertain", **where, reason=outcome.reason)
            case Expired():
                log.warning("message expired", **where)
            case Postponed():
                pass  # logged when it was postponed


async def _nap(interrupt: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await interrupt.wait()
    except TimeoutError:
        return

"""Updates: passes on everything that people did, each update once, also what they did while we were offline.

Telegram numbers the messages in a bot's box (pts), ours too, and the events of people who stop or start the
bot (qts). We store the position up to which all updates have been handled. After each start and each cut we
ask for the updates since then (updates.getDifference). We also ask when a number is missing
(core.telegram.org/api/updates).
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from cachetools import LRUCache
from pyrogram import raw
from pyrogram.errors import PersistentTimestampEmpty, PersistentTimestampInvalid, RPCError
from pyrogram.raw.core import TLObject

from djangobot.bot.telegram import incoming
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.incoming import Incoming
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.tasks import Tasks
from djangobot.db.telegram import update_state
from djangobot.db.telegram.update_state import UpdateState

log = structlog.get_logger(__name__)

GAP_PATIENCE = 1.0
"""Seconds that a missing number may be late before we ask for it. Telegram's documentation waits half a
second."""
SAVE_EVERY = 0.5
"""Seconds between two writes of a position that only our own messages moved. An update that was handled but
not written before a crash comes again. It has the same effect then and gets the same answers, which Telegram
recognises."""
CATCH_UP_PATIENCE = 10.0
"""Seconds that the start waits until the missed updates are handled. After that it goes on."""
REMEMBERED = 10_000
"""Handled updates that are remembered, in case they come again by another way."""

OF_CHANNELS = (
    raw.types.UpdateNewChannelMessage,
    raw.types.UpdateEditChannelMessage,
    raw.types.UpdateDeleteChannelMessages,
    raw.types.UpdatePinnedChannelMessages,
    raw.types.UpdateChannelWebPage,
    raw.types.UpdateReadChannelInbox,
)
"""Updates whose pts belongs to a channel, not to our box."""

Handle = Callable[[Incoming], asyncio.Future[None] | None]


class Inbox:
    """Passes live and fetched updates to `handle`, each once: to `receive` of the Dispatcher."""

    def __init__(self, client: TelegramClient, handle: Handle) -> None:
        self.client = client
        self.handle = handle
        self.bot_id = 0
        self.pts = self.qts = self.date = 0
        self.ahead: dict[int, int] = {}
        """Updates received beyond a gap: the number before each one → its own number."""
        self.unfinished: dict[object, tuple[int, asyncio.Future[None]]] = {}
        """Updates in progress: the identity of each one → the position before it, and the end of its
        handling."""
        self.seen: LRUCache[object, None] = LRUCache(REMEMBERED)
        self.fetching = asyncio.Lock()
        self.changed = asyncio.Event()
        self.save_now = asyncio.Event()
        """Set when the position should be written at once."""
        self.gap: asyncio.TimerHandle | None = None
        self.gap_at = 0
        self.fetches = Tasks()
        client.on_update, client.on_back, client.on_pts = self.on_update, self.catch_up, self.advance

    async def open(self, bot_id: int) -> None:
        """Continues at the stored position. A bot without one starts with the present position."""
        while True:
            if await self._try_open(bot_id):
                return
            await asyncio.sleep(GAP_PATIENCE)

    async def _try_open(self, bot_id: int) -> bool:
        try:
            known = await update_state.load(bot_id)
            if known is None:
                await self._start_at_present()
            else:
                self.pts, self.qts, self.date = known.pts, known.qts, known.date
                await self.catch_up()
        except (OSError, RPCError, DatabaseUnavailable) as exc:
            log.warning("the missed updates are not fetched yet", reason=str(exc))
            return False
        self.bot_id = bot_id
        if self.unfinished:
            await asyncio.wait(
                [handling for _, handling in self.unfinished.values()], timeout=CATCH_UP_PATIENCE
            )
        self.client.caught_up.set()
        return True

    async def catch_up(self) -> None:
        """Fetches and passes on all updates since our position. Lost answers are asked for again later."""
        async with self.fetching:
            self.ahead.clear()
            try:
                while await self._fetch():
                    pass
            except (OSError, RPCError) as exc:  # the next cut, gap or start asks again
                log.warning("the missed updates are not fetched yet", reason=str(exc))

    async def on_update(self, update: TLObject, users: dict[int, Any]) -> None:
        """Handles a live update. A process that may no longer lead ignores it; the leader fetches it."""
        if not self.client.may_call():
            return
        pts = None if isinstance(update, OF_CHANNELS) else getattr(update, "pts", None)
        count = getattr(update, "pts_count", 0)
        before = self.pts if pts is None else min(self.pts, pts - count)
        self._dispatch(update, users, before)
        if isinstance(update, raw.types.UpdateBotStopped):
            self.qts = max(self.qts, update.qts)
        if pts is not None:
            self.advance(pts, count)

    def advance(self, pts: int, count: int) -> None:
        """Advances the position past these numbers, which an update or our own message used."""
        if pts > self.pts and count:
            self.ahead[pts - count] = pts
            while self.pts in self.ahead:
                self.pts = self.ahead.pop(self.pts)
            self.changed.set()
        if self.ahead and self.gap is None:
            self.gap_at = self.pts
            self.gap = asyncio.get_running_loop().call_later(GAP_PATIENCE, self._on_gap_timeout)

    async def keep_saved(self) -> None:
        """Writes the position: at once when an update was handled, otherwise at most every SAVE_EVERY
        seconds."""
        while True:
            await self.changed.wait()
            self.save_now.clear()
            await self.save()
            try:
                async with asyncio.timeout(SAVE_EVERY):
                    await self.save_now.wait()
            except TimeoutError:
                continue

    async def save(self) -> None:
        """Writes the position, never past an update that is still in progress."""
        if not self.bot_id or not self.changed.is_set() or not self.client.may_call():
            return
        self.changed.clear()
        handled = min((before for before, _ in self.unfinished.values()), default=self.pts)
        try:
            await update_state.save(self.bot_id, UpdateState(min(handled, self.pts), self.qts, self.date))
        except DatabaseUnavailable as exc:
            log.error("update state not saved", reason=str(exc.__cause__ or exc))
            self.changed.set()

    def _on_gap_timeout(self) -> None:
        self.gap = None
        self.ahead = {before: pts for before, pts in self.ahead.items() if pts > self.pts}
        still_there = self.ahead and self.pts == self.gap_at
        if still_there and self.client.online.is_set():
            self.fetches.start(self.catch_up())

    async def _start_at_present(self) -> None:
        state = await self.client.ask(raw.functions.updates.GetState())
        self.pts = 0
        self._move_to(state)

    async def _fetch(self) -> bool:
        """Fetches one answer. Returns whether there is more."""
        try:
            answer = await self.client.ask(
                raw.functions.updates.GetDifference(pts=self.pts, qts=self.qts, date=self.date)
            )
        except (PersistentTimestampInvalid, PersistentTimestampEmpty):
            log.error("telegram does not know our update state; continuing with its own", pts=self.pts)
            await self._start_at_present()
            return False
        if isinstance(answer, raw.types.updates.DifferenceTooLong):
            log.error("too many missed updates; telegram left some out", pts=answer.pts)
            self.pts = answer.pts
            return True
        if isinstance(answer, raw.types.updates.Difference | raw.types.updates.DifferenceSlice):
            self._dispatch_all(answer)
        if isinstance(answer, raw.types.updates.Difference):
            self._move_to(answer.state)
        if isinstance(answer, raw.types.updates.DifferenceSlice):
            self._move_to(answer.intermediate_state)
            return True
        return False

    def _dispatch_all(self, difference: Any) -> None:
        users = {user.id: user for user in difference.users}
        for message in difference.new_messages:
            self._dispatch(raw.types.UpdateNewMessage(message=message, pts=0, pts_count=0), users, self.pts)
        for update in difference.other_updates:
            self._dispatch(update, users, self.pts)

    def _move_to(self, state: Any) -> None:
        self.pts, self.qts, self.date = max(self.pts, state.pts), state.qts, state.date
        self.changed.set()

    def _dispatch(self, update: TLObject, users: dict[int, Any], before: int) -> None:
        what = _identity(update)
        if what in self.seen:
            return
        self.seen[what] = None
        read = incoming.read(update, users)
        handling = self.handle(read) if read is not None else None
        if handling is not None:
            self.unfinished[what] = (before, handling)
            handling.add_done_callback(partial(self._on_handled, what))

    def _on_handled(self, what: object, _: asyncio.Future[None]) -> None:
        self.unfinished.pop(what, None)
        self.changed.set()
        self.save_now.set()


def _identity(update: Any) -> object:
    """The same value for the same update, however it arrives."""
    if isinstance(update, raw.types.UpdateNewMessage):
        message: Any = update.message
        return "message", message.id
    if isinstance(update, raw.types.UpdateBotCallbackQuery):
        return "press", update.query_id
    if isinstance(update, raw.types.UpdateBotStopped):
        return "stopped", update.qts
    return object()

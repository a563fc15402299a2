"""Alerts: tell admins when something is wrong, once for each cause, and when it is over.

They are sent at once and not through the outbox, because the outbox may be what has stopped. The service's
state keeps what has been told, so a restart repeats nothing.
"""

import asyncio
import contextlib
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import structlog

from djangobot import __version__
from djangobot.bot.rendering.replies import formatted
from djangobot.bot.settings import Settings
from djangobot.bot.telegram import error_meanings
from djangobot.bot.telegram.errors import GatewayError
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.text import Text
from djangobot.db import metrics, state
from djangobot.db.admin import admins
from djangobot.db.delivery import outbox, pause
from djangobot.db.delivery.random_ids import derived_id
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats, guesses
from djangobot.db.people.chat_settings import language_of

log = structlog.get_logger(__name__)

Cause = Literal["stuck", "database", "attack", "codes", "disk", "version", "session"]

CHECK_EVERY = 2.0
"""Seconds between checks."""
COOL_DOWN = timedelta(hours=1)
"""A cause that comes back within this time is not reported again."""
STUCK_AFTER = timedelta(minutes=5)
"""Delivery is stuck when the oldest due message has waited this long."""
ATTACK, ATTACK_WITHIN = 20, timedelta(minutes=5)
"""Refused attempts to sign in or to redeem a code, refused as too many, that make an attack."""
ROOM_LEAST, ROOM_PART = 1 << 30, 0.05
"""The disk of the data folder is nearly full with less free than both: these bytes, and this part of it."""
FAILURES = 2
"""Checks in a row that fail before the database counts as down."""
PREFIX = "alert "
"""Prefix of the names in the service's state."""


class Admin(msgspec.Struct, frozen=True):
    """An admin's address and language."""

    peer: Peer
    language: str


class Report(msgspec.Struct, frozen=True):
    """The last report of a cause: whether it held then, and when it was last reported that it holds."""

    holds: bool
    at: datetime


class Memory:
    """The last report of each cause, and who the admins are. The process keeps them while the database is
    unavailable."""

    def __init__(self) -> None:
        self.last: dict[Cause, Report] = {}
        self.unsaved: set[Cause] = set()
        self.known: list[Admin] = []
        """The admins when the database last answered."""

    def is_due(self, cause: Cause, holds: bool, now: datetime) -> bool:
        """Whether admins have to be told that the cause holds, or that it is over: once for each change, and
        not again within the cool-down."""
        last = self.last.get(cause)
        if (last is not None and last.holds) == holds:
            return False
        return not (holds and self.is_recent(cause, now))

    def is_recent(self, cause: Cause, now: datetime) -> bool:
        """Whether the cause was reported within the cool-down."""
        last = self.last.get(cause)
        return last is not None and now - last.at < COOL_DOWN

    def note(self, cause: Cause, holds: bool, now: datetime) -> None:
        """Records that admins were told. `save` stores it."""
        last = self.last.get(cause)
        self.last[cause] = Report(holds, now if holds or last is None else last.at)
        self.unsaved.add(cause)

    async def save(self, now: datetime) -> None:
        """Stores what was reported, because another process may have to say that it is over. Raises
        DatabaseUnavailable."""
        for cause in list(self.unsaved):
            await state.put(f"{PREFIX}{cause}", self.last[cause], now)
            self.unsaved.discard(cause)

    async def recall(self) -> None:
        """Reads what this process or another one has reported. Raises DatabaseUnavailable."""
        for name, value in (await state.beginning_with(PREFIX)).items():
            self.last[name.removeprefix(PREFIX)] = msgspec.convert(value, Report)  # type: ignore[index]


class Alerts:
    """Checks and reports until it is cancelled."""

    def __init__(
        self,
        gateway: Gateway,
        settings: Settings,
        now: Callable[[], datetime],
        memory: Memory | None = None,
    ) -> None:
        self.gateway = gateway
        self.settings = settings
        self.now = now
        self.memory = memory or Memory()
        self.failures = 0
        self.refusals: list[str] = []
        self.untold: dict[Cause, bool] = {}
        """What nobody could be told yet, which the log has: the cause, and whether it holds."""
        self.refused = deque([(now(), metrics.refused_attempts())])

    async def run(self) -> None:
        """Checks every CHECK_EVERY seconds."""
        while True:
            await self.gateway.online.wait()
            await self.poll()
            await asyncio.sleep(CHECK_EVERY)

    async def poll(self) -> None:
        """Reports what has changed, and what could not be reported before."""
        now = self.now()
        try:
            await self._read_admins()
            await self.memory.save(now)
            await self.memory.recall()
            await self._check("stuck", await _is_stuck(now), now)
            await self._check("codes", await guesses.too_many(now), now)
            await self._check_version(now)
            self.failures = 0
        except DatabaseUnavailable:
            self.failures += 1
        await self._check("database", self.failures >= FAILURES, now)
        await self._check("attack", self._is_attacked(now), now)
        await self._check("disk", self._is_full(), now)
        await self._check_session(now)

    async def last_check(self) -> None:
        """Checks once more after this process has stopped leading. If the database is down, no other process
        leads, and nobody else can report it."""
        for _ in range(FAILURES):
            await self.poll()
            if not self.failures:
                return
            await asyncio.sleep(CHECK_EVERY)

    async def _read_admins(self) -> None:
        known = []
        for number in await admins.every(self.settings.admins):
            chat = await chats.get(number)
            if chat is not None and not chat.blocked:
                peer = Peer(chat.id, chat.access_hash)
                known.append(Admin(peer, language_of(chat.language_tag)))
        self.memory.known = known

    def _is_attacked(self, now: datetime) -> bool:
        self.refused.append((now, metrics.refused_attempts()))
        while self.refused[0][0] < now - ATTACK_WITHIN:
            self.refused.popleft()
        return self.refused[-1][1] - self.refused[0][1] >= ATTACK

    def _is_full(self) -> bool:
        try:
            disk = shutil.disk_usage(self.settings.data)
        except OSError:
            return False
        return disk.free < min(ROOM_LEAST, disk.total * ROOM_PART)

    async def _check_version(self, now: datetime) -> None:
        """Reports a new version at its first check. Its migrations are done by then."""
        before = await state.get("version")
        if before == __version__:
            return
        if before is None or await self._report("version", True, now, version=__version__, before=before):
            await state.put("version", __version__, now)

    async def _check_session(self, now: datetime) -> None:
        """Reports that Telegram ended our session. By then there is a new session, so this cause does not
        last."""
        self.refusals += error_meanings.ended_sessions()
        if self.memory.is_recent("session", now):
            self.refusals.clear()
        elif self.refusals and await self._report("session", True, now, reason=self.refusals[-1]):
            self.memory.last["session"] = Report(False, now)
            self.refusals.clear()

    async def _check(self, cause: Cause, holds: bool, now: datetime) -> None:
        if not self.memory.is_due(cause, holds, now):
            self.untold.pop(cause, None)
            return
        if not await self._report(cause, holds, now):
            return
        self.memory.note(cause, holds, now)
        with contextlib.suppress(DatabaseUnavailable):  # this process remembers it anyway
            await self.memory.save(now)

    async def _report(self, cause: Cause, holds: bool, now: datetime, **words: str) -> bool:
        """Returns whether anybody was told. Without admins nobody is; a later admin is told then."""
        if self.untold.get(cause) != holds:
            log.warning("alert" if holds else "alert is over", cause=cause)
        reached = await asyncio.gather(
            *(
                self._send(admin, _text(admin.language, cause, holds, words), cause, now)
                for admin in self.memory.known
            )
        )
        if any(reached):
            self.untold.pop(cause, None)
        else:
            self.untold[cause] = holds
        return any(reached)

    async def _send(self, admin: Admin, text: Text, cause: Cause, now: datetime) -> bool:
        try:
            await self.gateway.send(
                admin.peer, text, derived_id("alert", cause, text.text, admin.peer.id, _hour(now))
            )
        except GatewayError as exc:
            log.info("alert not sent", admin=admin.peer.id, reason=str(exc))
            return False
        return True


async def _is_stuck(now: datetime) -> bool:
    """Whether delivery is stuck. A paused one is not."""
    due = await outbox.oldest_due(now)
    return due is not None and now - due > STUCK_AFTER and not await pause.is_paused()


def _hour(now: datetime) -> int:
    return int(now.timestamp() // 3600)


TEXTS: dict[Cause, Sequence[str]] = {
    "stuck": ("alert-stuck", "alert-stuck-over"),
    "database": ("alert-database", "alert-database-over"),
    "attack": ("alert-attack", "alert-attack-over"),
    "codes": ("alert-codes", "alert-codes-over"),
    "disk": ("alert-disk", "alert-disk-over"),
    "version": ("alert-version", "alert-version"),
    "session": ("alert-session", "alert-session"),
}


def _text(language: str, cause: Cause, holds: bool, words: dict[str, str]) -> Text:
    begun, over = TEXTS[cause]
    return formatted(language, begun if holds else over, **words)

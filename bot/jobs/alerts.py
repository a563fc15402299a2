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
from djangobot.bot.telegram import refusals
from djangobot.bot.telegram.gateway import Gateway, GatewayError, Peer, derived_id
from djangobot.bot.telegram.text import Text
from djangobot.db import metrics, state
from djangobot.db.admin import admins
from djangobot.db.delivery import outbox, pause
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats, guesses
from djangobot.db.people.chat_settings import language_of

log = structlog.get_logger(__name__)

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
PREFIX = "alarm "
"""Prefix of the names in the service's state."""
Cause = Literal["stuck", "database", "attack", "codes", "disk", "version", "session"]


class Told(msgspec.Struct, frozen=True):
    """What the service's state says of a cause: whether it holds, and when admins were last told."""

    holds: bool
    at: datetime


class Admin(msgspec.Struct, frozen=True):
    """An admin's address and language."""

    peer: Peer
    language: str


class Memory:
    """The admins, and what they were told. This process keeps it while the database is unavailable."""

    def __init__(self) -> None:
        self.known: list[Admin] = []
        """The admins when the database last answered."""
        self.told: dict[Cause, Told] = {}
        self.unsaved: set[Cause] = set()

    async def save(self, now: datetime) -> None:
        """Stores what was told while the database was unavailable, because another process may have to say
        that it is over. Raises DatabaseUnavailable."""
        for cause in list(self.unsaved):
            await state.put(f"{PREFIX}{cause}", self.told[cause], now)
            self.unsaved.discard(cause)

    async def recall(self) -> None:
        """Reads what this process or another one has told. Raises DatabaseUnavailable."""
        for name, value in (await state.beginning_with(PREFIX)).items():
            self.told[name.removeprefix(PREFIX)] = msgspec.convert(value, Told)  # type: ignore[index]


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
            await self._learn()
            await self.memory.save(now)
            await self.memory.recall()
            await self._check("stuck", await self._is_stuck(now), now)
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

    async def _learn(self) -> None:
        known = []
        for number in await admins.every(self.settings.admins):
            chat = await chats.get(number)
            if chat is not None and not chat.blocked:
                peer = Peer(chat.id, chat.access_hash)
                known.append(Admin(peer, language_of(chat.language_tag)))
        self.memory.known = known

    async def _is_stuck(self, now: datetime) -> bool:
        due = await outbox.oldest_due(now)
        return due is not None and now - due > STUCK_AFTER and not await pause.is_paused()

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
        if before is None or await self._tell("version", True, now, version=__version__, before=before):
            await state.put("version", __version__, now)

    async def _check_session(self, now: datetime) -> None:
        """Reports that Telegram ended our session. By then there is a new session, so this cause does not
        last."""
        self.refusals += refusals.ended_sessions()
        told = self.memory.told.get("session")
        if told is not None and now - told.at < COOL_DOWN:
            self.refusals.clear()
        elif self.refusals and await self._tell("session", True, now, reason=self.refusals[-1]):
            self.memory.told["session"] = Told(False, now)
            self.refusals.clear()

    async def _check(self, cause: Cause, holds: bool, now: datetime) -> None:
        told = self.memory.told.get(cause)
        if (told is not None and told.holds) == holds:
            return
        if holds and told is not None and now - told.at < COOL_DOWN:
            return
        if not await self._tell(cause, holds, now):
            return
        self.memory.told[cause] = Told(holds, now if holds or told is None else told.at)
        self.memory.unsaved.add(cause)
        with contextlib.suppress(DatabaseUnavailable):  # this process remembers it anyway
            await self.memory.save(now)

    async def _tell(self, cause: Cause, holds: bool, now: datetime, **words: str) -> bool:
        """Returns whether anybody was told. Without admins nobody is; a later admin is told then."""
        log.warning("alarm" if holds else "alarm is over", cause=cause)
        reached = await asyncio.gather(
            *(
                self._send(admin, _text(admin.language, cause, holds, words), cause, now)
                for admin in self.memory.known
            )
        )
        return any(reached)

    async def _send(self, admin: Admin, text: Text, cause: Cause, now: datetime) -> bool:
        try:
            await self.gateway.send(
                admin.peer, text, derived_id("alarm", cause, text.text, admin.peer.id, _hour(now))
            )
        except GatewayError as exc:
            log.info("alarm not sent", admin=admin.peer.id, reason=str(exc))
            return False
        return True


def _hour(now: datetime) -> int:
    return int(now.timestamp() // 3600)


TEXTS: dict[Cause, Sequence[str]] = {
    "stuck": ("alarm-stuck", "alarm-stuck-over"),
    "database": ("alarm-database", "alarm-database-over"),
    "attack": ("alarm-attack", "alarm-attack-over"),
    "codes": ("alarm-codes", "alarm-codes-over"),
    "disk": ("alarm-disk", "alarm-disk-over"),
    "version": ("alarm-version", "alarm-version"),
    "session": ("alarm-session", "alarm-session"),
}


def _text(language: str, cause: Cause, holds: bool, words: dict[str, str]) -> Text:
    begun, over = TEXTS[cause]
    return formatted(language, begun if holds else over, **words)

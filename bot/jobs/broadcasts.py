"""Broadcasts: adds recipients as the outbox has capacity, and shows the author the progress. Only the leader
does this. The next leader continues where it stopped (db/admin/broadcasts.py)."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from djangobot.bot.rendering.broadcasts import progress_card
from djangobot.bot.telegram.errors import FloodWait, GatewayError
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.db.admin import broadcasts
from djangobot.db.admin.broadcasts import BroadcastView
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats
from djangobot.db.people.chat_settings import language_of

log = structlog.get_logger(__name__)

STEP = 0.2
"""Seconds between two checks of the outbox's capacity."""
SHOW_EVERY = 3.0
"""Seconds between two edits of the card. Telegram allows a bot about twenty a minute in one chat."""
LONGEST_WAIT = 2.0


class Broadcasts:
    """Runs the broadcasts until it is cancelled."""

    def __init__(self, gateway: Gateway, now: Callable[[], datetime]) -> None:
        self.gateway = gateway
        self.now = now
        self.shown_at = 0.0
        self.shown: object = None
        self.ending: set[int] = set()
        """Broadcasts seen in progress, whose card still has to show how they ended."""

    async def run(self) -> None:
        """Runs whatever is in progress, then waits for more."""
        while True:
            await self.gateway.online.wait()
            broadcasts.work.clear()
            pause = LONGEST_WAIT
            try:
                if await self.poll():
                    pause = STEP
            except DatabaseUnavailable as exc:
                log.error("database not available to broadcasts", reason=str(exc.__cause__ or exc))
            if pause == STEP:
                await asyncio.sleep(STEP)
            else:
                await broadcasts.work.wait_at_most(pause)

    async def poll(self) -> bool:
        """Does one step of each running broadcast. Returns whether there is more to do at once."""
        live = await broadcasts.live()
        more = False
        for broadcast in live:
            if broadcast.status == "running":
                more = await broadcasts.step(broadcast.id, self.now()) or more
        self.ending |= {broadcast.id for broadcast in live}
        for number in sorted(self.ending):
            found = await broadcasts.get(number)
            if found is not None:
                await self._show(found)
            if found is None or not found.live:
                self.ending.discard(number)
        return more

    async def _show(self, broadcast: BroadcastView) -> None:
        """Edits the card from time to time, and at once at the end. A card that cannot be edited stops
        nothing."""
        if broadcast.live and time.monotonic() - self.shown_at < SHOW_EVERY:
            return
        author = await chats.get(broadcast.author)
        if author is None or not broadcast.progress_message:
            return
        done = await broadcasts.progress(broadcast.id)
        content = (broadcast.id, broadcast.status, done)
        if content == self.shown:
            return
        text = progress_card(language_of(author.language_tag), broadcast, done, self.now())
        self.shown_at, self.shown = time.monotonic(), content
        try:
            await self.gateway.edit(Peer(author.id, author.access_hash), broadcast.progress_message, text)
        except FloodWait as exc:
            self.shown_at += exc.seconds
        except GatewayError as exc:
            log.info("card of a broadcast not shown", broadcast=broadcast.id, reason=str(exc))

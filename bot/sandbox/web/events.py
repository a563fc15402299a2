"""GET /events: server-sent events about everything that happens."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar.response import ServerSentEventMessage

from djangobot.bot.sandbox.api.messages.actions import action_name
from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.web.people import People
from djangobot.bot.sandbox.web.views import message_view
from djangobot.bot.sandbox.world import Event, Message

# Seconds between two checks of who is connected, while a page is open.
BOTS_CHECK = 2.0
# Milliseconds until the browser comes back after a cut.
RETRY = 500


class EventStream:
    """Sends each event to everyone who listens."""

    def __init__(self, telegram: TelegramServer, people: People) -> None:
        self._world = telegram.world
        self._people = people
        self._listeners: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._world.changed = self._message_changed
        telegram.on_typing = self._typing

    def stop(self) -> None:
        """Ends every stream, so that the port can close."""
        for queue in self._listeners:
            queue.put_nowait(None)

    def publish(self, event: dict[str, Any]) -> None:
        """Sends an event to everyone who listens."""
        for queue in self._listeners:
            queue.put_nowait(event)

    async def listen(self) -> AsyncIterator[ServerSentEventMessage]:
        """The events from now on."""
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield ServerSentEventMessage(data='{"kind": "hello"}', retry=RETRY)
            bots = self._people.bots()
            while True:
                try:
                    async with asyncio.timeout(BOTS_CHECK):
                        event = await queue.get()
                except TimeoutError:
                    if self._people.bots() == bots:
                        continue
                    bots = self._people.bots()
                    event = {"kind": "bots", "bots": bots}
                if event is None:
                    return
                yield ServerSentEventMessage(data=msgspec.json.encode(event).decode())
        finally:
            self._listeners.discard(queue)

    def _message_changed(self, what: str, message: Message) -> None:
        if self._listeners:
            shown = message_view(self._world, message)
            self.publish({"kind": what, "bot": message.bot, "chat": message.person, "message": shown})

    def _typing(self, bot: int, person: int, event: Event) -> None:
        shown = {
            "typing": event.action != "sendMessageCancelAction",
            "action": action_name(event.action),
            "progress": event.progress,
        }
        self.publish({"kind": "typing", "bot": bot, "chat": person, **shown})

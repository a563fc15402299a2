"""Ready queue: the claimed messages that their chat's pacing lets go now, in the order of sending."""

import asyncio

import msgspec

from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.delivery.urgent import URGENT, rank


class ReadyQueue:
    """Sends rank by rank. Within a rank the first to come is the first to go. It holds at most one message of
    a chat."""

    def __init__(self) -> None:
        self._ranks: tuple[dict[int, Claimed], ...] = ({}, {}, {}, {})
        self._some = asyncio.Event()

    def put(self, message: Claimed) -> None:
        self._ranks[rank(message)][message.chat_id] = message
        self._some.set()

    async def wait(self) -> None:
        """Waits until there is a message. The message stays in the queue."""
        await self._some.wait()

    def pop(self) -> Claimed | None:
        """Removes and returns the best message at this moment, or None."""
        for messages in self._ranks:
            if messages:
                message = messages.pop(next(iter(messages)))
                if not any(self._ranks):
                    self._some.clear()
                return message
        return None

    def __len__(self) -> int:
        return sum(map(len, self._ranks))

    def promote(self, chat_id: int) -> None:
        """Moves this chat's message to the first rank, because something urgent waits behind it. Does nothing
        if there is no such message."""
        for messages in self._ranks[URGENT + 1 :]:
            message = messages.pop(chat_id, None)
            if message is not None:
                self.put(msgspec.structs.replace(message, has_urgent=True))

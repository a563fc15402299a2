"""Ready: the messages in hand whose chat's turn has come, in the order they will be sent."""

import asyncio

import msgspec

from djangobot.db.delivery.outbox import Claimed

HURRIED, OTHERS, BROADCAST = range(3)
"""The ranks: all of one go before any of the next."""


def rank(message: Claimed) -> int:
    """What goes first."""
    if message.has_urgent:
        return HURRIED
    return BROADCAST if message.broadcast else OTHERS


class ReadyQueue:
    """Rank by rank; within one, first come, first sent. Of a chat there is one at most."""

    def __init__(self) -> None:
        self._ranks: tuple[dict[int, Claimed], ...] = ({}, {}, {})
        self._some = asyncio.Event()

    def put(self, message: Claimed) -> None:
        self._ranks[rank(message)][message.chat_id] = message
        self._some.set()

    async def some(self) -> None:
        """Returns when there is one, which stays."""
        await self._some.wait()

    def take(self) -> Claimed | None:
        """The best at this moment, if there is any."""
        for messages in self._ranks:
            if messages:
                message = messages.pop(next(iter(messages)))
                if not len(self):
                    self._some.clear()
                return message
        return None

    def __len__(self) -> int:
        hurried, others, broadcast = self._ranks
        return len(hurried) + len(others) + len(broadcast)

    def promote(self, chat_id: int) -> None:
        """Something urgent waits behind this chat's message, if there is one here."""
        for messages in self._ranks[HURRIED + 1 :]:
            message = messages.pop(chat_id, None)
            if message is not None:
                self.put(msgspec.structs.replace(message, has_urgent=True))

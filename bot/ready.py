"""Ready: the messages in hand whose chat's turn has come, in the order they will be sent."""

import asyncio
from collections import deque

import msgspec

from djangobot.db.outbox import Claimed


class Ready(asyncio.Queue[Claimed]):
    """First come, first sent; but those whose chat hurries go before all others. Of a chat there is one at
    most."""

    def _init(self, maxsize: int) -> None:
        self._others: dict[int, Claimed] = {}
        self._hurried: deque[Claimed] = deque()

    def _put(self, item: Claimed) -> None:
        if item.hurries:
            self._hurried.append(item)
        else:
            self._others[item.chat_id] = item

    def _get(self) -> Claimed:
        if self._hurried:
            return self._hurried.popleft()
        return self._others.pop(next(iter(self._others)))

    def qsize(self) -> int:
        return len(self._hurried) + len(self._others)

    def empty(self) -> bool:
        return not self._hurried and not self._others

    def hurry(self, chat_id: int) -> None:
        """Something urgent waits behind this chat's message, if there is one here."""
        message = self._others.pop(chat_id, None)
        if message is not None:
            self._hurried.append(msgspec.structs.replace(message, hurries=True))

    def instead_of(self, message: Claimed) -> Claimed:
        """A hurried one that came while `message` waited for its place, which then waits for the next; or
        itself."""
        if message.hurries or not self._hurried:
            return message
        hurried = self._hurried.popleft()
        self._others = {message.chat_id: message, **self._others}
        return hurried

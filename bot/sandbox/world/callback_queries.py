"""Callback queries: pressed buttons that wait for the bot's answer."""

import asyncio
import secrets
import time

from djangobot.bot.sandbox.world.records import TL, Event

# Seconds. A query that is older is forgotten; a minute suffices for a late answer. Our own choice.
MAX_AGE = 75


class CallbackQuery:
    """A pressed button."""

    def __init__(self, number: int, bot: int, person: int, message: int, data: bytes) -> None:
        self.id = number
        self.bot = bot
        self.person = person
        self.message = message
        self.data = data
        self.made = time.monotonic()
        self.answer: asyncio.Future[TL] = asyncio.get_running_loop().create_future()

    def event(self) -> Event:
        """What the bot is sent."""
        return Event(kind="callback", query=self.id, person=self.person, message=self.message, data=self.data)


class CallbackQueries:
    """The queries that may still be answered."""

    def __init__(self) -> None:
        self._queries: dict[int, CallbackQuery] = {}

    def add(self, bot: int, person: int, message: int, data: bytes) -> CallbackQuery:
        """A new query."""
        now = time.monotonic()
        for number, old in list(self._queries.items()):
            if now - old.made > MAX_AGE:
                del self._queries[number]
        query = CallbackQuery(secrets.randbits(62) | 1, bot, person, message, data)
        self._queries[query.id] = query
        return query

    def get(self, number: int) -> CallbackQuery | None:
        """The query with this id."""
        return self._queries.get(number)

    def unanswered(self, bot: int) -> list[CallbackQuery]:
        """The queries that wait for this bot."""
        return [query for query in self._queries.values() if query.bot == bot and not query.answer.done()]

    async def wait_for_answer(self, query: CallbackQuery, seconds: float) -> TL | None:
        """The bot's answer; None when it does not come in time. It may still come a little later."""
        await asyncio.wait([query.answer], timeout=seconds)
        if not query.answer.done():
            return None
        self._queries.pop(query.id, None)
        return query.answer.result()

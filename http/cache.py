"""A cache for one answer: many callers at once cause one computation."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Found = TypeVar("Found")


class Cached(Generic[Found]):
    """An answer that is valid for `seconds`. Callers that come while it is computed wait for the same one."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._until = 0.0
        self._finding: asyncio.Task[Found] | None = None

    async def get(self, find: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        """The cached answer. Calls `find` when there is no fresh one."""
        if self._finding is None or (self._finding.done() and self._clock() >= self._until):
            self._finding = asyncio.create_task(self._find(find))
        return await asyncio.shield(self._finding)

    async def _find(self, find: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        found = await find()
        self._until = self._clock() + self.seconds
        return found

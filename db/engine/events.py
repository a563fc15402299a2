"""An event that belongs to no event loop: modules make theirs at import, before a loop runs."""

import asyncio


class LoopFreeEvent:
    """An event that is not bound to an event loop, unlike asyncio's."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        """Wakes all who wait, and those who wait later, until `clear`."""
        self._is_set = True
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def clear(self) -> None:
        """Lets those who wait later wait."""
        self._is_set = False

    async def wait(self) -> None:
        """Returns when the event is set."""
        if self._is_set:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    async def wait_at_most(self, seconds: float) -> bool:
        """Waits until the event is set, `seconds` at most. Returns whether it is set."""
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            return False
        return True

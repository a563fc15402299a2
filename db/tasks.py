"""Tasks that nobody awaits: asyncio itself holds a task only weakly, so they are kept here until they end."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks(set[asyncio.Task[None]]):
    """The tasks of one kind that run now."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs this in a task of its own, in the running loop."""
        task = asyncio.get_running_loop().create_task(work)
        self.add(task)
        task.add_done_callback(self.discard)

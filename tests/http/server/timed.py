"""A server whose time passes when a test says so: nothing depends on how fast the machine is."""

import asyncio
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from djangobot.bot.app import http_server
from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.http.app import Application, Bounds


class Time:
    """The server's loop, on a clock that can be put forward."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.loop = server.loop
        self.ahead = 0.0
        server.loop = self

    def time(self) -> float:
        return float(self.loop.time()) + self.ahead

    def pass_by(self, seconds: float) -> None:
        """So much later; the server looks at its deadlines."""
        self.ahead += seconds
        self.server._check_deadlines()

    @property
    def deadline(self) -> float:
        """The only connection's; 0 while there is none."""
        return max((float(connection.deadline) for connection in self.server._connections), default=0.0)

    async def until_read(self, body: float) -> None:
        """Until so much of a body was read that it has nearly all its time again."""
        async with asyncio.timeout(PATIENCE):
            while not self.time() + body - PATIENCE < self.deadline < math.inf:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loop, name)


@asynccontextmanager
async def timed(app: Application, bounds: Bounds | None = None) -> AsyncIterator[tuple[str, Time]]:
    """Its address, and its time."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = http_server(app, bounds)
    serving = asyncio.create_task(server.serve([listening]))
    await asyncio.sleep(0)  # it has begun by then
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", Time(server)
    finally:
        server.stop()
        await serving

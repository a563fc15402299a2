"""A signed-in bot of ours in this process, on a sandbox in its own."""

from collections.abc import AsyncIterator

import pytest

from djangobot.bot.client import TelegramClient, talk_to
from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.session import SessionStorage


@pytest.fixture
async def client(sandbox: SandboxProcess) -> AsyncIterator[TelegramClient]:
    """Connected; its session lasts as long as the test."""
    talk_to(sandbox.host, sandbox.port, sandbox.key)
    bot = TelegramClient(SessionStorage(), 1, "hash", "1:sandbox")
    await bot.start()
    yield bot
    await bot.stop()

"""A signed-in bot of ours in this process, on a sandbox in its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from djangobot.bot.client import TelegramClient, talk_to
from djangobot.bot.sandbox.testing import SandboxProcess


@pytest.fixture
async def client(sandbox: SandboxProcess, tmp_path: Path) -> AsyncIterator[TelegramClient]:
    """Connected; its session lies in a folder of the test."""
    talk_to(sandbox.host, sandbox.port, sandbox.key)
    folder = tmp_path / "bot"
    folder.mkdir()
    bot = TelegramClient(folder, 1, "hash", "1:sandbox")
    await bot.start()
    yield bot
    await bot.stop()

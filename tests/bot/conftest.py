"""A signed-in bot of ours in this process, on a sandbox in its own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from djangobot.bot import log as logs
from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import SessionStorage
from djangobot.db import conf
from djangobot.db.admin.log_level import DEFAULT
from djangobot.db.people import chats, codes
from djangobot.db.programs import accounts

NOW = datetime.now(UTC)


@pytest.fixture
def logs_restored() -> Iterator[None]:
    """After the test, logging is set up as before: loggers that later tests use for the first time are not
    bound to the settings of this one."""
    before, libraries = structlog.get_config(), logging.getLogger().level
    yield
    logs.set_level(DEFAULT)
    structlog.configure(**before)
    logging.getLogger().setLevel(libraries)


@pytest.fixture
async def client(sandbox: SandboxProcess) -> AsyncIterator[TelegramClient]:
    """Connected; its session lasts as long as the test."""
    use_server(sandbox.host, sandbox.port, sandbox.key)
    bot = TelegramClient(SessionStorage(), 1, "hash", "1:sandbox")
    await bot.start()
    yield bot
    await bot.stop()


@pytest.fixture
async def token(client: TelegramClient, sandbox: SandboxProcess, tmp_path: Path) -> AsyncIterator[str]:
    """A bot token for a person who has met the bot; the notice about it is delivered."""
    await conf.open_database(f"sqlite:///{tmp_path}/x.sqlite")
    await conf.migrate()
    heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def hear(update: Any, users: dict[int, Any]) -> None:
        for user in users.values():
            if not user.bot and not heard.done():
                heard.set_result(user)

    client.on_update = hear
    await sandbox.say(await sandbox.person(), "/start")
    user = await heard
    chat = await chats.meet(
        user.id,
        access_hash=user.access_hash,
        first_name="A",
        last_name="",
        username="",
        language="en",
        now=NOW,
    )
    account = await accounts.register("Fedor", "fedor", "password1234", NOW)
    _, made = await codes.redeem(account, await codes.issue(chat, NOW), NOW)
    yield made
    await conf.close_database()

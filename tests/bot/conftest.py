"""A signed-in bot of ours in this process, on a sandbox in its own."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from djangobot.bot import log as logs
from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Peer
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import SessionStorage
from djangobot.db import conf
from djangobot.db.admin.log_level import DEFAULT
from djangobot.db.people import chats, codes
from djangobot.db.programs import accounts


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
async def database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[None]:
    """An open, empty, migrated one."""
    await conf.open_database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}")
    yield
    await conf.close_database()


async def met(client: TelegramClient, sandbox: SandboxProcess, first_name: str = "Ann") -> Peer:
    """Somebody who wrote to the bot, as the bot may address them."""
    heard: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()

    async def hear(update: Any, users: dict[int, Any]) -> None:
        for user in users.values():
            if not user.bot and not heard.done():
                heard.set_result(Peer(user.id, user.access_hash))

    client.on_update = hear
    await sandbox.say(await sandbox.person(first_name), "/start")
    return await heard


async def linked(
    client: TelegramClient, sandbox: SandboxProcess, account: accounts.Account
) -> tuple[int, str]:
    """The chat of somebody who has met the bot, and its bot token for this account."""
    peer, now = await met(client, sandbox), datetime.now(UTC)
    chat = await chats.meet(
        peer.id,
        access_hash=peer.access_hash,
        first_name="A",
        last_name="",
        username="",
        language="en",
        now=now,
    )
    _, token = await codes.redeem(account, await codes.issue(chat, now), now)
    return chat.id, token


@pytest.fixture
async def client(sandbox: SandboxProcess) -> AsyncIterator[TelegramClient]:
    """Connected; its session lasts as long as the test."""
    use_server(sandbox.host, sandbox.port, sandbox.key)
    bot = TelegramClient(SessionStorage(), 1, "hash", "1:sandbox")
    await bot.start()
    yield bot
    await bot.stop()


@pytest.fixture
async def token(client: TelegramClient, sandbox: SandboxProcess, database: None) -> str:
    """A bot token of the account `fedor` for a person who has met the bot. The notice about it is due."""
    account = await accounts.register("Fedor", "fedor", "password1234", datetime.now(UTC))
    return (await linked(client, sandbox, account))[1]

"""A worker at work on a sandbox that all tests share, and what a chat shows of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db.delivery import outbox
from djangobot.db.engine import current
from djangobot.db.programs import accounts

from ..conftest import linked


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    """Each test has a database and people of its own."""
    return shared_sandbox


async def chat_of(sandbox: SandboxProcess) -> tuple[int, list[str]]:
    """The chat that `token` links, and what the bot said there."""
    (row,) = await current().fetch("SELECT chat FROM bot_token ORDER BY id LIMIT 1")
    person = int(row["chat"])
    return person, [message["text"] for message in await from_bot(sandbox, person)]


async def from_bot(sandbox: SandboxProcess, person: int) -> list[dict[str, Any]]:
    return [message for message in await sandbox.messages(person) if message["from"] == "bot"]


async def people(client: TelegramClient, sandbox: SandboxProcess, many: int) -> dict[int, str]:
    """So many more persons who have met the bot, each with a bot token; no notice about it is to come."""
    account = await accounts.register("Nora", "nora", "password1234", datetime.now(UTC))
    found = dict([await linked(client, sandbox, account) for _ in range(many)])
    await current().execute("UPDATE message SET status = 'canceled' WHERE kind <> 'message'")
    return found


async def status(public_id: str) -> str:
    (row,) = await current().fetch("SELECT status FROM message WHERE public_id = $1::uuid", public_id)
    return str(row["status"])


async def until(true: Callable[[], bool]) -> None:
    """Waits for what happens in this process and nobody announces."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.01)


async def until_so(true: Callable[[], Awaitable[bool]]) -> None:
    """The same, for what stands in the database."""
    async with asyncio.timeout(PATIENCE):
        while not await true():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.01)


async def drained() -> None:
    """Nothing is to be sent any more."""

    async def empty() -> bool:
        return not await outbox.depth()

    await until_so(empty)


class Running:
    """A delivery at work for the length of a block."""

    def __init__(self, client: TelegramClient, delivery: Worker | None = None) -> None:
        self.delivery = delivery or Worker(Gateway(client), Pacing(0, 0))

    async def __aenter__(self) -> Worker:
        self.task = asyncio.create_task(self.delivery.run())
        return self.delivery

    async def __aexit__(self, *_: object) -> None:
        self.delivery.stop()
        await self.task


class Recording(Gateway):
    """Notes what is sent, in the order in which that began."""

    def __init__(self, client: TelegramClient) -> None:
        super().__init__(client)
        self.begun: list[tuple[int, str]] = []

    async def send(self, peer: Any, text: Any, random_id: int) -> int:
        self.begun.append((peer.id, text.text.partition("\n")[2]))
        return await super().send(peer, text, random_id)


class SteppingClock:
    """A wall clock that can be set back."""

    def __init__(self) -> None:
        self.behind = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.behind

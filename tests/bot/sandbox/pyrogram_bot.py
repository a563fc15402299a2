"""A bot with an unmodified Pyrogram, for tests."""

import asyncio
import importlib
import inspect
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess

# Its generated classes say nothing to type checkers.
pyrogram: Any = importlib.import_module("pyrogram")
errors, raw, types = pyrogram.errors, pyrogram.raw, pyrogram.types

# It asks for its callers' names and, under pytest, would read the sources of a hundred frames each time.
importlib.import_module("pyrogram.storage.sqlite_storage").inspect = SimpleNamespace(  # type: ignore[attr-defined]
    stack=partial(inspect.stack, 0)
)

Factory = Callable[..., SandboxProcess]


def client_of(sandbox: SandboxProcess, bot: int, **options: Any) -> Any:
    """A Pyrogram client that has not started."""
    sandbox.point_pyrogram()
    options = {
        "in_memory": True,
        "sleep_threshold": 0,
        "parse_mode": pyrogram.enums.ParseMode.DISABLED,
    } | options
    return pyrogram.Client(f"bot{bot}", api_id=1, api_hash="x", bot_token=f"{bot}:token", **options)


class Bot:
    """A started bot that puts what it hears into queues, and one person who has started it."""

    def __init__(self, sandbox: SandboxProcess, number: int, person: int) -> None:
        self.sandbox = sandbox
        self.id = number
        self.person = person
        self.client = client_of(sandbox, number)
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.updates: asyncio.Queue[Any] = asyncio.Queue()
        self.reply: dict[str, Any] = {"text": "pressed", "show_alert": True}

    async def start(self) -> None:
        async def on_message(_: Any, message: Any) -> None:
            await self.heard.put(message)

        async def on_press(_: Any, query: Any) -> None:
            await query.answer(**self.reply)

        async def on_update(_: Any, update: Any, __: Any, ___: Any) -> None:
            await self.updates.put(update)

        self.client.add_handler(pyrogram.handlers.MessageHandler(on_message), 0)
        self.client.add_handler(pyrogram.handlers.CallbackQueryHandler(on_press), 0)
        self.client.add_handler(pyrogram.handlers.RawUpdateHandler(on_update), 1)
        await self.client.start()
        await self.sandbox.say(self.person, "/start", self.id)
        await self.hear()

    async def hear(self) -> Any:
        return await asyncio.wait_for(self.heard.get(), PATIENCE)

    async def send(self, text: str, random_id: int, **rest: Any) -> Any:
        request = raw.functions.messages.SendMessage(
            peer=await self.client.resolve_peer(self.person), message=text, random_id=random_id, **rest
        )
        return await self.client.session.send(request)

    async def shown(self) -> list[dict[str, Any]]:
        return await self.sandbox.messages(self.person, bot=self.id)


async def until_used(bot: Bot) -> None:
    """Until no fault is left."""
    async with asyncio.timeout(PATIENCE):
        while await bot.sandbox.faults():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.05)

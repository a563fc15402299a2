"""A bot with an unmodified Pyrogram, for tests."""

import asyncio
import importlib
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess

# Its generated classes say nothing to type checkers.
pyrogram: Any = importlib.import_module("pyrogram")
errors, raw, types = pyrogram.errors, pyrogram.raw, pyrogram.types


def _callers() -> list[SimpleNamespace]:
    """What Pyrogram's storage reads of `inspect.stack()`: the name of who called, at 2."""
    storage = sys._getframe(1)
    accessor = storage.f_back
    attribute = accessor and accessor.f_back
    assert accessor
    assert attribute
    return [SimpleNamespace(function=frame.f_code.co_name) for frame in (storage, accessor, attribute)]


# It asks for its callers' names. inspect.stack would look up the files of a hundred frames each time.
importlib.import_module("pyrogram.storage.sqlite_storage").inspect = SimpleNamespace(  # type: ignore[attr-defined]
    stack=_callers
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

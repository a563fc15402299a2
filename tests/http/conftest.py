"""The door over a real socket, on a fresh database; messages are settled as delivery would."""

import asyncio
import contextlib
import copy
import functools
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from argon2 import PasswordHasher

from djangobot.bot.app import http_server
from djangobot.bot.settings import INLETS
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.messages.files import files
from djangobot.db.people import chats, codes
from djangobot.db.programs import accounts, passwords, revocations, tokens
from djangobot.http.access_tokens import Signer
from djangobot.http.app import App, Application, Bounds, Config, create_app, shared_state
from djangobot.http.limits.limits import Limits

SECRET = "a secret for tests only, as long as HS512 wants it: 64 bytes, at least"
SESSION_KEY = "a key for tests only, of more than 32 bytes"
PASSWORD = "password1234"

Json = dict[str, Any]


class Clock:
    """A monotonic clock that moves when told to, or by `steps` seconds whenever it is asked."""

    def __init__(self, steps: float = 0.0) -> None:
        self.now = 1000.0
        self.steps = steps

    def __call__(self) -> float:
        self.now += self.steps
        return self.now

    def utc(self) -> datetime:
        """The same as a time of day."""
        return datetime.fromtimestamp(self(), UTC)


@dataclass
class Telegram:
    """What the door is told about the bot's connection."""

    state: str = "connected"

    def __call__(self) -> str:
        return self.state


@dataclass
class Api:
    """A client of the door, and the few things that happen on Telegram's side of it."""

    client: httpx.AsyncClient
    clock: Clock
    telegram: Telegram
    signer: Signer = field(default_factory=lambda: Signer(SECRET))
    _chat_ids: "count[int]" = field(default_factory=lambda: count(5_000_000_001))

    async def register(
        self, login: str = "FedXL", name: str = "Fedor", psw: str = PASSWORD
    ) -> httpx.Response:
        return await self.client.post("/api/user/", json={"name": name, "login": login, "psw": psw})

    async def access(self, login: str = "FedXL", psw: str = PASSWORD) -> dict[str, str]:
        """The Authorization header of this account, which is made when there is none."""
        await self.register(login, psw=psw)
        answer = await self.client.post("/api/auth/", json={"login": login, "psw": psw})
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    async def person(self) -> chats.Chat:
        return await chats.meet(
            next(self._chat_ids),
            access_hash=77,
            first_name="Ann",
            last_name="",
            username="",
            language="en",
            now=datetime.now(UTC),
        )

    async def code(self, person: chats.Chat | None = None) -> str:
        return await codes.issue(person or await self.person(), datetime.now(UTC))

    async def bot_token(self, access: dict[str, str], person: chats.Chat | None = None, **more: str) -> str:
        body = {"code": await self.code(person), **more}
        answer = await self.client.post("/api/cabinet/", json=body, headers=access)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["bot_token"]
        return token

    async def revoke(self, person: chats.Chat) -> None:
        """The person revokes every bot token that writes to them."""
        now = datetime.now(UTC)
        for card in await tokens.of_chat(person.id, now):
            await revocations.revoke(person.id, card.id, now)

    async def told(self, access: dict[str, str]) -> list[Json]:
        """The account's messages, the newest first."""
        messages: list[Json] = (await self.client.get("/api/cabinet", headers=access)).json()["messages"]
        return messages

    async def send(
        self, token: str, text: str = "hello", prefer: str = "respond-async", **more: Any
    ) -> httpx.Response:
        body = {"text": text, "type": "Text", "bot_token": token, **more}
        return await self.client.post("/api/send_message", json=body, headers={"prefer": prefer})

    async def deliver(self, refused: str | None = None) -> int:
        """Settles all that is due: as sent, or as failed for this reason. Answers how many were programs'."""
        settled = 0
        while True:
            now = datetime.now(UTC)
            claimed: Sequence[outcomes.Claimed] = await claims.claim(now, limit=100)
            if not claimed:
                return settled
            settled += sum(message.kind == "message" for message in claimed)
            refusing = [message for message in claimed if refused and message.kind == "message"]
            await settlement.settle(
                [
                    outcomes.Failed(message, refused or "")
                    if message in refusing
                    else outcomes.Sent(message, 7)
                    for message in claimed
                ],
                now,
            )

    async def deliver_next(self, refused: str | None = None) -> None:
        """Asks the outbox until a message has come in, and settles it."""
        while not await self.deliver(refused):
            pass


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop the process runs on."""
    return {"uvloop": uvloop.new_event_loop}


def an_app(
    *,
    limits: Limits | None = None,
    telegram: Telegram | None = None,
    send_wait: float = 5.0,
    registration: accounts.Registration = "open",
    inlets: tuple[str, ...] = INLETS,
) -> App:
    config = Config(
        jwt_secret=SECRET,
        version="0.0.test",
        telegram=telegram or Telegram(),
        send_wait=send_wait,
        limit_send=0,
        registration=registration,
        inlets=inlets,
        session_key=SESSION_KEY,
    )
    app = copy.copy(_routed(inlets))
    app.shared = shared_state(config, limits)
    return app


@functools.cache
def _routed(inlets: tuple[str, ...]) -> App:
    """The application without its state. Reading its handlers takes longer than most tests."""
    return create_app(Config(jwt_secret=SECRET, version="", telegram=Telegram(), inlets=inlets))


@contextlib.asynccontextmanager
async def served(
    app: Application, bounds: Bounds | None = None, trusted: Sequence[str] = ()
) -> AsyncIterator[str]:
    """The application on the server the process runs; its address."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = http_server(app, bounds, trusted)
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.stop()
        await serving


def a_client(address: str) -> httpx.AsyncClient:
    # There is no TLS here, and reading the certificates takes longer than most tests.
    return httpx.AsyncClient(base_url=address, timeout=30, limits=httpx.Limits(), verify=False)  # noqa: S501


@pytest.fixture
def dear_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take a while, if a fifth of those in earnest, so that fifty of them are no long wait."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(memory_cost=16_384))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the files, on a disk with room."""
    path = tmp_path / "files"
    files.configure(files.Rules(path))
    return path


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path, folder: Path) -> AsyncIterator[None]:
    await open_database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}")
    yield
    await close_database()


@pytest.fixture
async def api(database: None) -> AsyncIterator[Api]:
    clock, telegram = Clock(), Telegram()
    app = an_app(limits=Limits(clock=clock, now=clock.utc), telegram=telegram)
    async with (
        served(app) as address,
        a_client(address) as client,
    ):
        yield Api(client, clock, telegram)

"""One sandbox for all tests that leave it as they found it: starting one takes a second or two."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count

import pytest

from djangobot.bot.sandbox.mtproto import rsa_key
from djangobot.bot.sandbox.testing import SandboxProcess

from .pyrogram_bot import Bot

_numbers = count(5000, 1000)  # the sandbox itself goes on from the highest id of a person


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory, sandbox_key: str) -> Iterator[SandboxProcess]:
    """The process itself."""
    folder = tmp_path_factory.mktemp("shared-sandbox")
    (folder / rsa_key.SECRET).write_text(sandbox_key)
    process = SandboxProcess(folder)
    yield process
    process.stop()


@pytest.fixture
def shared(running_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    """The shared sandbox, without faults and with its first settings."""
    before = running_sandbox.request_now("GET", "/settings")
    yield running_sandbox
    running_sandbox.request_now("DELETE", "/faults")
    running_sandbox.request_now("POST", "/settings", before)


@pytest.fixture
def new_id() -> Callable[[], int]:
    """Ids of bots and people that no other test uses."""
    return lambda: next(_numbers)


@pytest.fixture
async def bot(shared: SandboxProcess, new_id: Callable[[], int]) -> AsyncIterator[Bot]:
    """A bot of its own on the shared sandbox."""
    made = Bot(shared, new_id(), await shared.person("Ann", id=new_id(), language="en"))
    await made.start()
    yield made
    if made.client.is_connected:
        await made.client.stop()

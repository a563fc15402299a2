"""Bots of tests, each with an id of its own, on the sandbox that all tests share."""

from collections.abc import AsyncIterator, Callable
from itertools import count

import pytest

from djangobot.bot.sandbox.testing import SandboxProcess

from .probe import Probe
from .pyrogram_bot import Bot

_numbers = count(5000, 1000)  # the sandbox itself goes on from the highest id of a person


@pytest.fixture
def new_id() -> Callable[[], int]:
    """Ids of bots and people that no other test uses."""
    return lambda: next(_numbers)


@pytest.fixture
async def bot(shared_sandbox: SandboxProcess, new_id: Callable[[], int]) -> AsyncIterator[Bot]:
    """A bot of its own on the shared sandbox."""
    made = Bot(shared_sandbox, new_id(), await shared_sandbox.person("Ann", id=new_id(), language="en"))
    await made.start()
    yield made
    if made.client.is_connected:
        await made.client.stop()


@pytest.fixture
async def probe(shared_sandbox: SandboxProcess, new_id: Callable[[], int]) -> AsyncIterator[Probe]:
    """A connection that has signed in as a bot of its own."""
    async with Probe(shared_sandbox) as made:
        await made.sign_in(new_id())
        yield made

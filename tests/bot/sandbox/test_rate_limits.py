"""Telegram's sending rates."""

import asyncio
from collections.abc import Callable

import pytest

from djangobot.bot.sandbox.rate_limits import RateLimits

from .pyrogram_bot import Bot, Factory, errors, raw


def test_strict_limits_let_a_burst_pass_then_ask_to_wait() -> None:
    """One a second in a chat after five at once; thirty a second in all."""
    now = 0.0
    limits = RateLimits(True, clock=lambda: now)
    assert [limits.check(1, 5) for _ in range(5)] == [None] * 5
    assert limits.check(1, 5) == ("per_chat", 1)
    now = 1.0
    assert limits.check(1, 5) is None
    now = 100.0
    assert [limits.check(1, chat) for chat in range(100, 130)] == [None] * 30
    assert limits.check(1, 200) == ("total", 1)
    assert limits.check(2, 200) is None


def test_an_album_counts_as_its_files() -> None:
    """It passes while one message would, and what it is too large is waited for afterwards."""
    now = 0.0
    limits = RateLimits(True, clock=lambda: now)
    assert limits.check(1, 5, 10) is None
    assert limits.check(1, 5) == ("per_chat", 6)
    now = 6.0
    assert limits.check(1, 5) is None


async def test_edits_share_the_limit_of_messages(sandbox_factory: Factory) -> None:
    """FLOOD_WAIT for the sixth of one moment; an edit that changes nothing is not counted."""
    sandbox = sandbox_factory("--strict-limits")
    bot = Bot(sandbox, 1, await sandbox.person())
    await bot.start()
    number = (await bot.send("0", 1)).id

    async def edit(text: str) -> None:
        peer = await bot.client.resolve_peer(bot.person)
        request = raw.functions.messages.EditMessage(peer=peer, id=number, message=text)
        await bot.client.session.send(request)

    with pytest.raises(errors.MessageNotModified):
        await edit("0")
    every = [asyncio.ensure_future(edit(str(place))) for place in range(1, 8)]
    with pytest.raises(errors.FloodWait):
        await asyncio.gather(*every)
    await bot.client.stop()


async def test_strict_limits_answer_flood_waits(sandbox_factory: Factory, new_id: Callable[[], int]) -> None:
    """A burst passes, then FLOOD_WAIT; the journal counts it."""
    sandbox = sandbox_factory("--strict-limits")
    bot = Bot(sandbox, 1, await sandbox.person())
    await bot.start()
    every = [asyncio.ensure_future(bot.send("fast", number)) for number in range(1, 7)]
    with pytest.raises(errors.FloodWait) as caught:
        await asyncio.gather(*every)
    assert caught.value.value >= 1
    assert (await sandbox.journal())["limits_broken"] == {"per_chat": 1}
    await bot.client.stop()

"""Telegram's sending rates."""

import asyncio
from collections.abc import Callable

import pytest

from djangobot.bot.sandbox.rate_limits import RateLimits

from .pyrogram_bot import Bot, Factory, errors


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

"""Blocking bots."""

import asyncio

import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from ..pyrogram_bot import Bot, errors, raw


async def test_blocking_is_told_to_the_bot_and_stops_its_messages(bot: Bot) -> None:
    """updateBotStopped both ways."""
    await bot.sandbox.block(bot.person, bot.id)
    while not isinstance(
        update := await asyncio.wait_for(bot.updates.get(), PATIENCE), raw.types.UpdateBotStopped
    ):
        pass
    assert (update.user_id, update.stopped) == (bot.person, True)
    with pytest.raises(errors.UserIsBlocked):
        await bot.client.send_message(bot.person, "no")
    with pytest.raises(Exception, match="409"):
        await bot.sandbox.say(bot.person, "hello", bot.id)
    await bot.sandbox.unblock(bot.person, bot.id)
    assert await bot.client.send_message(bot.person, "yes")

"""Signing in and out."""

from collections.abc import Callable

import pytest

from djangobot.bot.sandbox.testing import SandboxProcess

from ..pyrogram_bot import Bot, client_of, errors, raw


async def test_a_bot_signs_in_with_any_token_but_an_invalid_one(
    shared_sandbox: SandboxProcess, bot: Bot
) -> None:
    """ACCESS_TOKEN_INVALID as the real server says it."""
    assert bot.client.me.id == bot.id
    assert bot.client.me.is_bot
    for token in (f"{bot.id}:invalid", "no-number"):
        sandbox = client_of(shared_sandbox, 1)
        sandbox.bot_token = token
        with pytest.raises(errors.AccessTokenInvalid):
            await sandbox.start()


async def test_two_bots_talk_to_one_person_apart(
    shared_sandbox: SandboxProcess, new_id: Callable[[], int]
) -> None:
    """Each has its own chat, ids and journal."""
    person = await shared_sandbox.person("Two", id=new_id())
    bots = [Bot(shared_sandbox, new_id(), person) for _ in range(2)]
    for one in bots:
        await one.start()
        await one.send(f"from {one.id}", 1)
    for one in bots:
        assert [m["text"] for m in await one.shown()] == ["/start", f"from {one.id}"]
        assert (await shared_sandbox.journal(one.id))["accepted"] == 1
        await one.client.stop()


async def test_a_log_out_ends_the_authorisation(bot: Bot) -> None:
    """The key is no longer anyone's."""
    await bot.client.invoke(raw.functions.auth.LogOut())
    with pytest.raises(errors.AuthKeyUnregistered):
        await bot.client.invoke(raw.functions.updates.GetState())

"""What bots say about themselves."""

from collections.abc import Callable

import pytest

from ..pyrogram_bot import Bot, errors, types


async def test_commands_are_shown_by_scope_and_language(bot: Bot, new_id: Callable[[], int]) -> None:
    """The narrowest scope wins, then the person's language."""
    ivan = await bot.sandbox.person("Иван", id=new_id(), language="ru")
    await bot.sandbox.say(ivan, "/start", bot.id)
    await bot.hear()

    async def names(person: int) -> list[str]:
        return [c["description"] for c in await bot.sandbox.commands(person, bot.id)]

    await bot.client.set_bot_commands([types.BotCommand("start", "begin")])
    await bot.client.set_bot_commands([types.BotCommand("start", "начать")], language_code="ru")
    assert (await names(bot.person), await names(ivan)) == (["begin"], ["начать"])
    scope = types.BotCommandScopeChat(ivan)
    await bot.client.set_bot_commands([types.BotCommand("admin", "admin only")], scope=scope)
    assert (await names(bot.person), await names(ivan)) == (["begin"], ["admin only"])
    await bot.client.delete_bot_commands(scope=scope)
    assert await names(ivan) == ["начать"]
    with pytest.raises(errors.BotCommandDescriptionInvalid):
        await bot.client.set_bot_commands([types.BotCommand("long", "x" * 257)])

"""Pressed buttons."""

import pytest

from ...pyrogram_bot import Bot, types


async def test_a_press_waits_for_the_bots_answer(bot: Bot) -> None:
    """Its text and whether it is an alert; an unknown button is refused; silence is told after the time."""
    keyboard = types.InlineKeyboardMarkup(
        [[types.InlineKeyboardButton("A", "a"), types.InlineKeyboardButton("U", url="https://example.org")]]
    )
    sent = await bot.client.send_message(bot.person, "press", reply_markup=keyboard)
    shown = (await bot.shown())[-1]["buttons"]
    assert shown == [
        [
            {"text": "A", "data": "a", "kind": "callback"},
            {"text": "U", "url": "https://example.org", "kind": "url"},
        ]
    ]
    answer = await bot.sandbox.press(bot.person, sent.id, "a", bot.id)
    assert (answer["answer"], answer["alert"], answer["timeout"]) == ("pressed", True, False)
    with pytest.raises(Exception, match="no button with this data"):
        await bot.sandbox.press(bot.person, sent.id, "zzz", bot.id)
    await bot.sandbox.settings(press_timeout=0.2)
    await bot.client.stop()
    answer = await bot.sandbox.press(bot.person, sent.id, "a", bot.id)
    assert (answer["answer"], answer["timeout"]) == (None, True)

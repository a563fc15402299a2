"""Presses: the buttons that a program put under its message."""

from djangobot.bot.callback_data.buttons import PressButton, ShowPressed
from djangobot.bot.context import Context
from djangobot.bot.rendering.program_buttons import chosen, pressed_rows
from djangobot.bot.rendering.replies import say
from djangobot.db.messages import presses


async def press(context: Context, data: PressButton) -> None:
    """Records what was chosen, says so, and leaves it in the place of the buttons. Whatever becomes of the
    buttons, the press is recorded first."""
    press = await presses.press(context.chat.id, data.message, data.number, context.now)
    if press is None:
        return await context.answer(say(context.language, "press-too-late"))
    what = chosen(press.pressed, context.zone)
    await context.answer(what if press.first else say(context.language, "press-before", what=what))
    rows = pressed_rows(context.language, press.message, press.pressed, context.zone, data.below)
    await context.replace_buttons(rows)


async def show(context: Context, data: ShowPressed) -> None:
    """Says what was chosen."""
    message = await presses.find(context.chat.id, data.message)
    if message is None or message.pressed is None:
        return await context.answer(say(context.language, "press-too-late"))
    what = chosen(message.pressed, context.zone)
    await context.answer(say(context.language, "press-before", what=what))

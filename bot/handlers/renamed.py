"""Tells a chat that an account has a new name. A pause follows. At its end the chat is told again, if
the account has another name by then."""

from datetime import timedelta

from djangobot.bot.callback_data.buttons import ListTokens
from djangobot.bot.callback_data.jobs import TellNewName
from djangobot.bot.context import Context
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button
from djangobot.db.delivery import scheduled
from djangobot.db.programs import tokens

AGAIN_AFTER = timedelta(minutes=5)
"""A chat is told at most once in this time, however often an account is renamed."""


async def notify(context: Context, data: TellNewName) -> None:
    """Tells the chat, if the name differs from the known one. The message of the job is the account's id."""
    account_id = context.message_id
    name = await tokens.name_in_chat(context.chat.id, account_id, context.now)
    if name is None or name == data.known:
        return
    context.key = f"{context.key} {data.told}"  # the same words may be due again later
    rows = [[Button(say(context.language, "tokens-all"), ListTokens().pack())]]
    await context.reply(formatted(context.language, "renamed", rows, before=data.known, who=name))
    again = TellNewName(data.told + 1, name).argument
    await scheduled.put(context.chat.id, "renamed", account_id, again, context.now + AGAIN_AFTER)

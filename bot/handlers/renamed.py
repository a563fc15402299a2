"""Who was let in under one name and has another now: the chat is told, and soon after another change not at
once again, but of what has come of it by then."""

from datetime import timedelta

from djangobot.bot.dispatch.dispatcher import Context, number_in
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button
from djangobot.db.delivery import scheduled
from djangobot.db.programs import tokens

AGAIN_AFTER = timedelta(minutes=5)
"""However often an account is renamed, its chats are told once in that time at the most."""


async def tell(visit: Context) -> None:
    """The chore: `message` is the account's number, the argument how often it was told and the name the chat
    knows it by."""
    number, _, known = visit.argument.partition(":")
    account_id, told = visit.message_id, number_in(number)
    name = await tokens.name_in_chat(visit.chat.id, account_id, visit.now)
    if name is None or name == known:
        return
    visit.key = f"{visit.key} {told}"  # the same words may be due again later
    rows = [[Button(say(visit.language, "tokens-all"), "tokens:0")]]
    await visit.reply(formatted(visit.language, "renamed", rows, before=known, who=name))
    await scheduled.put(visit.chat.id, "renamed", account_id, f"{told + 1}:{name}", visit.now + AGAIN_AFTER)

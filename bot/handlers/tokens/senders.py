"""How to send: what to write into a program, filled in.

The value of a token is known only while it is shown, for a minute. Later a placeholder stands for it.
"""

from djangobot.bot.callback_data.buttons import AskRotateToken, ListSenders, OpenToken, ShowSender
from djangobot.bot.context import Context
from djangobot.bot.handlers.tokens.token_cards import called
from djangobot.bot.handlers.tokens.tokens import find, hide_later
from djangobot.bot.rendering.entries import in_pairs
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.rendering.snippets import BY_KEY, SENDERS, snippet
from djangobot.bot.telegram.text import Button
from djangobot.db.programs import own_tokens


async def choose(context: Context, data: ListSenders) -> None:
    """Asks which program shall send."""
    card = await find(context, data.token)
    if card is None:
        return
    buttons = [Button(sender.name, ShowSender(card.id, sender.key).pack()) for sender in SENDERS]
    rows = in_pairs(buttons)
    rows.append([Button(say(context.language, "back"), OpenToken(card.id).pack())])
    await context.replace(formatted(context.language, "senders-title", rows, who=called(card)))
    await context.answer()


async def show(context: Context, data: ShowSender) -> None:
    """Shows the snippet of a program: with the token for a minute, if its value is still shown."""
    card, sender = await find(context, data.token), BY_KEY.get(data.sender)
    if card is None or sender is None:
        return
    value = await own_tokens.shown_value(context.chat.id, card.id, context.settings.session_key)
    if value is not None:
        await hide_later(context, context.message_id, card.id)
    rows = [
        [Button(say(context.language, "senders-others"), ListSenders(card.id).pack())],
        [Button(say(context.language, "back"), OpenToken(card.id).pack())],
    ]
    if value is None:
        rows.insert(0, [Button(say(context.language, "token-rotate"), AskRotateToken(card.id).pack())])
    text = formatted(
        context.language,
        "sender-unfilled" if value is None else "sender-filled",
        rows,
        name=sender.name,
        where=sender.where,
        snippet=snippet(sender, context.settings.address, value),
        signed="yes" if sender.signed else "no",
    )
    await context.replace(text)
    await context.answer()

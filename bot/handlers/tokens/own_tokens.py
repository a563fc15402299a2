"""/token: a bot token for a person's own program, made in the chat. It belongs to no account.

Its value is shown for a minute. The job that hides it is stored as soon as the value is shown. A message that
is handled again after a crash is answered with the same value.
"""

import json

from djangobot.bot.callback_data.buttons import AskOwnToken
from djangobot.bot.callback_data.questions import OwnTokenName
from djangobot.bot.context import Context, stripped
from djangobot.bot.handlers.tokens import tokens as cards
from djangobot.bot.handlers.tokens.token_cards import under_value
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Text
from djangobot.db.credentials import gotify_token
from djangobot.db.errors import FieldsInvalid, TokensTooMany
from djangobot.db.programs import own_tokens, tokens


async def make(context: Context) -> None:
    """/token NAME; /token alone asks for the name."""
    if context.argument:
        return await _make(context, context.argument)
    await _ask(context)


async def ask(context: Context, _: AskOwnToken) -> None:
    """The button under /start."""
    await context.answer()
    await _ask(context)


async def on_name(context: Context, _: OwnTokenName) -> None:
    """Makes a token with the name that was asked for."""
    await _make(context, stripped(context.text))


async def _ask(context: Context, words: str = "own-ask") -> None:
    await context.ask(OwnTokenName(), formatted(context.language, words))


async def _make(context: Context, name: str) -> None:
    secret = context.settings.session_key
    try:
        token_id, value = await own_tokens.issue(
            context.chat.id, name, context.now, origin=context.number, secret=secret
        )
    except FieldsInvalid:
        return await _ask(context, "token-name-wrong")
    except TokensTooMany:
        await context.reply(formatted(context.language, "own-too-many", most=own_tokens.MOST))
        return
    if value is not None:
        await _show(context, token_id, name, value)
    else:
        await context.reply(await cards.shown_card(context, token_id))


async def _show(context: Context, token_id: int, name: str, value: str) -> None:
    """Shows the value for a minute. After a crash, Telegram may say that it has this answer and not which
    message it is. That message can't be changed. So the token gets another value, unless its program has
    used it already."""
    message_id = await context.reply(_made(context, token_id, name, value))
    if message_id == UNKNOWN_TELEGRAM_ID:
        card = await tokens.card(context.chat.id, token_id, context.now)
        if card.last_used is not None:
            return
        _, another = await tokens.rotate(
            context.chat.id, token_id, card.prefix, context.now, secret=context.settings.session_key
        )
        if another is None:
            return
        message_id = await context.reply(_made(context, token_id, name, another))
    await cards.hide_later(context, message_id, token_id)


def _made(context: Context, token_id: int, name: str, value: str) -> Text:
    body = json.dumps(
        {"text": say(context.language, "own-hello"), "type": "Text", "bot_token": value}, ensure_ascii=False
    )
    call = (
        f"curl -X POST {context.settings.address}/api/send_message \\\n"
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )
    return formatted(
        context.language,
        "own-made",
        under_value(context.language, token_id),
        name=name,
        value=value,
        call=call,
        gotify=gotify_token(value),
    )

"""/token: a bot token for a person's own program, made in the chat, with no account behind it.

Its value stands in the chat for a minute. That it must go is on disk as soon as it is there; a message that
is handled again after a crash is answered with the same value.
"""

import json

from djangobot.bot.dispatch.dispatcher import Context, stripped
from djangobot.bot.handlers.tokens import SHOWN_FOR, shown_card
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.gateway import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery import scheduled
from djangobot.db.errors import FieldsInvalid, TokensTooMany
from djangobot.db.people import chats
from djangobot.db.programs import tokens

ASKED = "own_token"


async def make(visit: Context) -> None:
    """/token NAME; without a name it is asked for."""
    if visit.argument:
        return await _make(visit, visit.argument)
    await _ask(visit)


async def ask(visit: Context) -> None:
    """The button under /start."""
    await visit.answer()
    await _ask(visit)


async def hear(visit: Context) -> None:
    """The name, after it was asked for."""
    await _make(visit, stripped(visit.text))


async def _ask(visit: Context, words: str = "own-ask") -> None:
    await chats.ask(visit.chat.id, ASKED, visit.now)
    await visit.reply(formatted(visit.language, words))


async def _make(visit: Context, name: str) -> None:
    secret = visit.settings.session_key
    try:
        token_id, value = await tokens.issue_own(
            visit.chat.id, name, visit.now, origin=visit.number, secret=secret
        )
    except FieldsInvalid:
        return await _ask(visit, "token-name-wrong")
    except TokensTooMany:
        await visit.reply(formatted(visit.language, "own-too-many", most=tokens.OWN_MOST))
        return
    if value is not None:
        await _show(visit, token_id, name, value)
    else:
        await visit.reply(await shown_card(visit, token_id))


async def _show(visit: Context, token_id: int, name: str, value: str) -> None:
    """For a minute. Where Telegram has had this answer and does not say which message it is, that can't be
    changed: then the token gets another value, unless its program has begun to use it."""
    message_id = await visit.reply(_made(visit, token_id, name, value))
    if message_id == UNKNOWN_TELEGRAM_ID:
        card = await tokens.card(visit.chat.id, token_id, visit.now)
        if card.last_used is not None:
            return
        _, another = await tokens.rotate(visit.chat.id, token_id, card.prefix, visit.now)
        if another is None:
            return
        message_id = await visit.reply(_made(visit, token_id, name, another))
    await scheduled.put(visit.chat.id, "token", message_id, str(token_id), visit.now + SHOWN_FOR)


def _made(visit: Context, token_id: int, name: str, value: str) -> Text:
    body = json.dumps(
        {"text": say(visit.language, "own-hello"), "type": "Text", "bot_token": value}, ensure_ascii=False
    )
    call = (
        f"curl -X POST {visit.settings.address}/api/send_message \\\n"
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )
    hide = Button(say(visit.language, "token-hide"), f"token:{token_id}")
    return formatted(visit.language, "own-made", [[hide]], name=name, value=value, call=call)

"""/code: a code for a program. A chat has one code at a time; the message of the former one says that it is
replaced."""

import json
from datetime import timedelta

from djangobot.bot.callback_data.buttons import AskOwnToken, Place, ShowCall, ShowCode
from djangobot.bot.callback_data.jobs import EndCode
from djangobot.bot.context import Context
from djangobot.bot.rendering.humanize import shown_code, whose
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.errors import FieldsInvalid, TokenNotFound
from djangobot.db.people import codes
from djangobot.db.people.codes import CODE_TTL, Asked
from djangobot.db.programs import tokens


async def new_code(context: Context) -> None:
    """Shows a new code. The text after /code is the name of the token to be made."""
    await give(context, "code", context.argument or None)


async def give(context: Context, place: Place, name: str | None) -> None:
    """Sends a message with a new code."""
    try:
        asked = Asked(context.number, context.written, context.settings.session_key)
        code = await codes.answer(context.chat, asked, context.now, name)
    except FieldsInvalid:
        await context.reply(formatted(context.language, "token-name-wrong"))
        return
    if code is None:
        return
    message_id = await context.reply(_valid(context, place, code, name, CODE_TTL))
    if message_id != UNKNOWN_TELEGRAM_ID:
        await codes.shown(context.chat.id, code, message_id, place, context.now)


async def show_call(context: Context, data: ShowCall) -> None:
    """Shows the HTTP call that redeems the code, in place of the explanation."""
    row = await codes.live(context.chat.id, data.code, context.now)
    if row is None:
        return await context.answer(say(context.language, "code-dead"))
    await context.replace(_call(context, data.place, data.code, row.expires - context.now))
    await context.answer()


async def show_again(context: Context, data: ShowCode) -> None:
    """Shows the explanation again."""
    row = await codes.live(context.chat.id, data.code, context.now)
    if row is None:
        return await context.answer(say(context.language, "code-dead"))
    await context.replace(_valid(context, data.place, data.code, row.name, row.expires - context.now))
    await context.answer()


async def end(context: Context, data: EndCode) -> None:
    """Replaces the message of a code that no longer works by what became of it."""
    await context.replace(_placed(context, data.place, await _ended(context, data)))


def _valid(context: Context, place: Place, code: str, name: str | None, left: timedelta) -> Text:
    parts = [formatted(context.language, "code", code=shown_code(code), minutes=_minutes(left))]
    if name is not None:
        parts.append(formatted(context.language, "code-name", name=name))
    button = Button(say(context.language, "code-call-button"), ShowCall(place, code).pack())
    return _placed(context, place, joined(parts, separator="\n\n", buttons=[[button]]))


def _call(context: Context, place: Place, code: str, left: timedelta) -> Text:
    button = Button(say(context.language, "back"), ShowCode(place, code).pack())
    address = context.settings.address
    call = (
        f"curl -X POST {address}/api/cabinet/ \\\n"
        '  -H "Authorization: Bearer ACCESS_TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{json.dumps({'code': code})}'"
    )
    return formatted(
        context.language, "code-call", [[button]], call=call, minutes=_minutes(left), docs=f"{address}/api/"
    )


async def _ended(context: Context, data: EndCode) -> Text:
    if data.end != "used":
        words = "code-replaced" if data.end == "replaced" else "code-expired"
        return formatted(context.language, words)
    try:
        card = await tokens.card(context.chat.id, data.token, context.now)
    except TokenNotFound:
        return formatted(context.language, "code-used-by-nobody")
    return formatted(context.language, "code-used", who=whose(card.account_name, card.name))


def _placed(context: Context, place: Place, code: Text) -> Text:
    """The text about a code, under the greeting if it belongs there."""
    if place != "start":
        return code
    name = context.chat.first_name or context.chat.username or str(context.chat.id)
    greeting, end = (
        formatted(context.language, "start", name=name),
        formatted(context.language, "start-help"),
    )
    own = Button(say(context.language, "own-button"), AskOwnToken().pack())
    return joined([greeting, code, end], separator="\n\n", buttons=[*code.buttons, [own]])


def _minutes(left: timedelta) -> int:
    return max(1, -(-int(left.total_seconds()) // 60))

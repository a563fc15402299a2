"""/code: a new one; the one before it is dead, and the message that shows it says so."""

import json
from datetime import timedelta

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.rendering.humanize import shown_code, whose
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.gateway import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.errors import FieldsInvalid, TokenNotFound
from djangobot.db.people import codes
from djangobot.db.people.codes import CODE_TTL, Asked
from djangobot.db.programs import tokens

LOOKS = ("start", "code")
"""A code is shown under the greeting, or by itself."""


async def new_code(visit: Context) -> None:
    """Gives a code; what stands behind /code names the token to come."""
    await give(visit, "code", visit.argument or None)


async def give(visit: Context, look: str, name: str | None) -> None:
    """A message with a new code."""
    try:
        asked = Asked(visit.number, visit.written, visit.settings.session_key)
        code = await codes.answer(visit.chat, asked, visit.now, name)
    except FieldsInvalid:
        await visit.reply(formatted(visit.language, "token-name-wrong"))
        return
    if code is None:
        return
    message_id = await visit.reply(_live(visit, look, code, name, CODE_TTL))
    if message_id != UNKNOWN_TELEGRAM_ID:
        await codes.shown(visit.chat.id, code, message_id, look, visit.now)


async def show_call(visit: Context) -> None:
    """The call that redeems the code, in place of the explanation."""
    await _turn(visit, call=True)


async def show_again(visit: Context) -> None:
    """Back to the explanation."""
    await _turn(visit, call=False)


async def end(visit: Context) -> None:
    """The message with a dead code says what became of it."""
    look, _, fate = visit.argument.partition(":")
    fate, _, token_id = fate.partition(":")
    await visit.replace(_look(visit, look, await _dead(visit, fate, token_id)))


async def _turn(visit: Context, *, call: bool) -> None:
    look, _, code = visit.argument.partition(":")
    row = await codes.live(visit.chat.id, code, visit.now) if look in LOOKS else None
    if row is None:
        return await visit.answer(say(visit.language, "code-dead"))
    left = row.expires - visit.now
    if call:
        await visit.replace(_call(visit, look, code, left))
    else:
        await visit.replace(_live(visit, look, code, row.name, left))
    await visit.answer()


def _live(visit: Context, look: str, code: str, name: str | None, left: timedelta) -> Text:
    parts = [formatted(visit.language, "code", code=shown_code(code), minutes=_minutes(left))]
    if name is not None:
        parts.append(formatted(visit.language, "code-name", name=name))
    button = Button(say(visit.language, "code-call-button"), f"curl:{look}:{code}")
    return _look(visit, look, joined(parts, separator="\n\n", buttons=[[button]]))


def _call(visit: Context, look: str, code: str, left: timedelta) -> Text:
    button = Button(say(visit.language, "back"), f"code:{look}:{code}")
    address = visit.settings.address
    call = (
        f"curl -X POST {address}/api/cabinet/ \\\n"
        '  -H "Authorization: Bearer ACCESS_TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{json.dumps({'code': code})}'"
    )
    return formatted(
        visit.language, "code-call", [[button]], call=call, minutes=_minutes(left), docs=f"{address}/api/"
    )


async def _dead(visit: Context, fate: str, token_id: str) -> Text:
    if fate != "used":
        return formatted(visit.language, "code-replaced" if fate == "replaced" else "code-expired")
    try:
        card = await tokens.card(visit.chat.id, int(token_id or 0), visit.now)
    except TokenNotFound:
        return formatted(visit.language, "code-used-by-nobody")
    return formatted(visit.language, "code-used", who=whose(card.account_name, card.name))


def _look(visit: Context, look: str, code: Text) -> Text:
    if look != "start":
        return code
    name = visit.chat.first_name or visit.chat.username or str(visit.chat.id)
    parts = [formatted(visit.language, "start", name=name), code, formatted(visit.language, "start-help")]
    own = Button(say(visit.language, "own-button"), "own_token:")
    return joined(parts, separator="\n\n", buttons=[*code.buttons, [own]])


def _minutes(left: timedelta) -> int:
    return max(1, -(-int(left.total_seconds()) // 60))

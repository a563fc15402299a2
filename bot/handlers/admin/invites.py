"""/invite makes a word that lets somebody register; /invites lists them."""

from djangobot.bot.dispatch.dispatcher import Context, number_in
from djangobot.bot.handlers.tokens import SHOWN_FOR
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_time
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.gateway import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery import scheduled
from djangobot.db.programs import invites
from djangobot.db.programs.invites import InviteCard

PAGE = 8


async def make(visit: Context) -> None:
    """A new one: its word is shown once, and goes by itself."""
    number, word = await invites.make(visit.chat.id, visit.now)
    until = shown_time((visit.now + invites.VALID_FOR).astimezone(visit.zone))
    parts = [formatted(visit.language, "invite-made", number=str(number), word=word, until=until)]
    if visit.settings.registration != "invite":
        parts.append(formatted(visit.language, "invite-idle", mode=visit.settings.registration))
    hide = Button(say(visit.language, "token-hide"), f"invite_hide:{number}")
    message_id = await visit.reply(joined(parts, separator="\n\n", buttons=[[hide]]))
    if message_id != UNKNOWN_TELEGRAM_ID:
        await scheduled.put(visit.chat.id, "invite", message_id, str(number), visit.now + SHOWN_FOR)


async def hide(visit: Context) -> None:
    """The button under the word."""
    await settle(visit)
    await visit.answer()


async def settle(visit: Context) -> None:
    """The word goes."""
    number = str(number_in(visit.argument))
    await visit.replace(formatted(visit.language, "invite-hidden", number=number))


async def show(visit: Context) -> None:
    """/invites"""
    await visit.reply(await _list(visit, 0))


async def turn(visit: Context) -> None:
    """Another page in place of this one."""
    await visit.replace(await _list(visit, number_in(visit.argument)))
    await visit.answer()


async def revoke(visit: Context) -> None:
    """The button: nobody registers with that one any more."""
    revoked = await invites.revoke(number_in(visit.argument), visit.chat.id, visit.now)
    await visit.replace(await _list(visit, 0))
    await visit.answer(say(visit.language, "invite-revoked" if revoked else "invite-over"))


async def _list(visit: Context, page: int) -> Text:
    language = visit.language
    found = await invites.page(visit.now, PAGE + 1, page * PAGE)
    if not found and not page:
        return formatted(language, "invites-none")
    lines = [formatted(language, "invites-title"), *(_line(visit, one) for one in found[:PAGE])]
    rows = [
        [Button(say(language, "invite-revoke", number=str(one.id)), f"invite_revoke:{one.id}")]
        for one in found[:PAGE]
        if one.used is None
    ]
    turns = []
    if page:
        turns.append(Button(say(language, "users-newer"), f"invites:{page - 1}"))
    if len(found) > PAGE:
        turns.append(Button(say(language, "users-older"), f"invites:{page + 1}"))
    return joined(lines, buttons=[*rows, turns] if turns else rows)


def _line(visit: Context, one: InviteCard) -> Text:
    number = str(one.id)
    if one.used is None:
        until = shown_time(one.expires.astimezone(visit.zone))
        return formatted(visit.language, "invite-open", number=number, until=until)
    time = shown_time(one.used.astimezone(visit.zone))
    if one.login is None:
        return formatted(visit.language, "invite-used-gone", number=number, time=time)
    who = shortened(one.login, BUTTON_LENGTH)
    return formatted(
        visit.language, "invite-used", number=number, time=time, who=who, account=str(one.account)
    )

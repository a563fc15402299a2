"""/invite makes an invite, with which somebody can register; /invites lists them."""

from djangobot.bot.callback_data.admin_buttons import HideInvite, ListInvites, RevokeInvite
from djangobot.bot.callback_data.jobs import HideInviteWord
from djangobot.bot.context import Context
from djangobot.bot.handlers.tokens.tokens import SHOWN_FOR
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_time
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery import scheduled
from djangobot.db.programs import invites
from djangobot.db.programs.invites import InviteCard

PAGE = 8


async def make(context: Context) -> None:
    """Makes an invite. Its word is shown once, and hidden after a while."""
    number, word = await invites.make(context.chat.id, context.now)
    message_id = await context.reply(_made(context, number, word))
    if message_id != UNKNOWN_TELEGRAM_ID:
        argument = HideInviteWord(number).argument
        await scheduled.put(context.chat.id, "invite", message_id, argument, context.now + SHOWN_FOR)


async def hide(context: Context, data: HideInvite | HideInviteWord) -> None:
    """Hides the word: by the button under it, or by the job."""
    await context.replace(formatted(context.language, "invite-hidden", number=str(data.invite)))
    if isinstance(data, HideInvite):
        await context.answer()


async def show(context: Context) -> None:
    """/invites"""
    await context.reply(await _list(context, 0))


async def show_page(context: Context, data: ListInvites) -> None:
    """Shows a page in place of this message."""
    await context.replace(await _list(context, data.page))
    await context.answer()


async def revoke(context: Context, data: RevokeInvite) -> None:
    """Revokes an invite."""
    revoked = await invites.revoke(data.invite, context.chat.id, context.now)
    await context.replace(await _list(context, 0))
    await context.answer(say(context.language, "invite-revoked" if revoked else "invite-over"))


def _made(context: Context, number: int, word: str) -> Text:
    until = shown_time((context.now + invites.VALID_FOR).astimezone(context.zone))
    parts = [formatted(context.language, "invite-made", number=str(number), word=word, until=until)]
    if context.settings.registration != "invite":
        parts.append(formatted(context.language, "invite-idle", mode=context.settings.registration))
    hide = Button(say(context.language, "token-hide"), HideInvite(number).pack())
    return joined(parts, separator="\n\n", buttons=[[hide]])


async def _list(context: Context, page: int) -> Text:
    language = context.language
    found = await invites.page(context.now, PAGE + 1, page * PAGE)
    if not found and not page:
        return formatted(language, "invites-none")
    lines = [formatted(language, "invites-title"), *(_line(context, one) for one in found[:PAGE])]
    rows = [
        [Button(say(language, "invite-revoke", number=str(one.id)), RevokeInvite(one.id).pack())]
        for one in found[:PAGE]
        if one.used is None
    ]
    turns = []
    if page:
        turns.append(Button(say(language, "users-newer"), ListInvites(page - 1).pack()))
    if len(found) > PAGE:
        turns.append(Button(say(language, "users-older"), ListInvites(page + 1).pack()))
    return joined(lines, buttons=[*rows, turns] if turns else rows)


def _line(context: Context, one: InviteCard) -> Text:
    number = str(one.id)
    if one.used is None:
        until = shown_time(one.expires.astimezone(context.zone))
        return formatted(context.language, "invite-open", number=number, until=until)
    time = shown_time(one.used.astimezone(context.zone))
    if one.login is None:
        return formatted(context.language, "invite-used-gone", number=number, time=time)
    who = shortened(one.login, BUTTON_LENGTH)
    return formatted(
        context.language, "invite-used", number=number, time=time, who=who, account=str(one.account)
    )

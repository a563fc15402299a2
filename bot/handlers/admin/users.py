"""/users and /user: accounts and people, how they are linked, and what an admin can do about them. Nobody's
messages are shown here."""

from djangobot.bot.callback_data.admin_buttons import (
    AskDeleteUser,
    ChangeUser,
    ListUsers,
    OpenUser,
    UserVerb,
)
from djangobot.bot.context import Context
from djangobot.bot.handlers.admin.user_cards import called, card_text, list_text
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button
from djangobot.db.admin import bans, users
from djangobot.db.admin.users import Kind, User
from djangobot.db.errors import UserIsAdmin

PAGE = 8
DONE: dict[UserVerb, str] = {
    "ban": "users-banned",
    "unban": "users-unbanned",
    "limits": "users-limits-reset",
    "signout": "users-signed-out",
    "delete": "users-deleted",
}


async def show(context: Context) -> None:
    """/users, /users WORDS"""
    await context.reply(await list_text(context, context.argument, 0))


async def refresh(context: Context, data: ListUsers) -> None:
    """Shows a page in place of this message."""
    await context.replace(await list_text(context, data.words, data.page))
    await context.answer()


async def show_one(context: Context) -> None:
    """/user N: shows the account and the person with this number, login or username."""
    words = context.argument.strip().removeprefix("@").lower()
    if not words:
        await context.reply(formatted(context.language, "users-usage"))
        return
    found = [one for one in await users.search(words, PAGE) if words in (str(one.id), one.handle.lower())]
    if not found:
        await context.reply(formatted(context.language, "users-none", words=words))
    for one in found:
        user = await users.get(one.kind, one.id, context.now)
        if user is not None:
            await context.reply(card_text(context, user))


async def open_card(context: Context, data: OpenUser) -> None:
    """Shows a card in place of this message."""
    await _replace(context, data.kind, data.number)
    await context.answer()


async def ask_delete(context: Context, data: AskDeleteUser) -> None:
    """Asks whether this account or person shall be deleted."""
    user = await _find(context, data.kind, data.number)
    if user is None:
        return
    try:
        await users.refuse_admin(data.kind, data.number, context.settings.admins)
    except UserIsAdmin:
        return await context.answer(say(context.language, "users-is-admin"))
    sure = ChangeUser("delete", data.kind, data.number)
    rows = [
        [Button(say(context.language, "users-delete-sure"), sure.pack())],
        [Button(say(context.language, "back"), OpenUser(data.kind, data.number).pack())],
    ]
    counts = {"tokens": user.tokens, "count": sum(user.messages.values())}
    text = formatted(context.language, "users-delete-ask", rows, who=called(user), **counts)
    await context.replace(text)
    await context.answer()


async def change(context: Context, data: ChangeUser) -> None:
    """Changes something about this account or person."""
    if await _find(context, data.kind, data.number) is None:
        return
    try:
        await _change(context, data.verb, data.kind, data.number)
    except UserIsAdmin:
        return await context.answer(say(context.language, "users-is-admin"))
    await _replace(context, data.kind, data.number)
    await context.answer(say(context.language, DONE[data.verb]))


async def _change(context: Context, verb: UserVerb, kind: Kind, number: int) -> None:
    by, now, of_settings = context.chat.id, context.now, context.settings.admins
    match verb:
        case "ban":
            await bans.ban(kind, number, by, now, of_settings=of_settings)
        case "unban":
            await bans.unban(kind, number, by, now)
        case "delete":
            await users.delete(kind, number, by, now, of_settings=of_settings)
        case "signout" if kind == "account":
            await users.sign_out(number, by, now)
        case "limits" if kind == "account":
            await users.reset_limits(number, by, now)


async def _find(context: Context, kind: Kind, number: int) -> User | None:
    """The account or person of a button. Says so when there is none."""
    user = await users.get(kind, number, context.now)
    if user is None:
        await context.replace(formatted(context.language, "users-gone"))
        await context.answer()
    return user


async def _replace(context: Context, kind: Kind, number: int) -> None:
    user = await users.get(kind, number, context.now)
    text = card_text(context, user) if user else formatted(context.language, "users-gone")
    await context.replace(text)

"""/users and /user: accounts and people, what they have to do with each other, and what to do about them.
What people were written is never shown here."""

from typing import cast

from djangobot.bot.dispatch.dispatcher import Context, number_in
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_age, shown_status, shown_time
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import admins, users
from djangobot.db.admin.users import Kind, User

PAGE = 8
LINK_BUTTONS = 5
DATA_LIMIT = 64
"""Bytes of a button's data (core.telegram.org/bots/api#inlinekeyboardbutton)."""
ENDED = {"ban": "users-banned", "unban": "users-unbanned", "limits": "users-limits-reset"}
ENDED |= {"signout": "users-signed-out", "delete": "users-deleted"}


async def show(visit: Context) -> None:
    """/users, /users words"""
    await visit.reply(await _list(visit, visit.argument, 0))


async def refresh(visit: Context) -> None:
    """Another page in place of this one."""
    page, _, words = visit.argument.partition(":")
    await visit.replace(await _list(visit, words, number_in(page)))
    await visit.answer()


async def show_one(visit: Context) -> None:
    """/user N: the account and the person of this number, login or username."""
    words = visit.argument.strip().removeprefix("@").lower()
    found = [
        one
        for one in (await users.search(words, PAGE) if words else [])
        if words in (str(one.id), one.handle.lower())
    ]
    if not found:
        said = formatted(visit.language, "users-none", words=words) if words else None
        await visit.reply(said or formatted(visit.language, "users-usage"))
    for one in found:
        user = await users.get(one.kind, one.id, visit.now)
        if user is not None:
            await visit.reply(_card(visit, user))


async def open_card(visit: Context) -> None:
    """A card in place of what was there."""
    kind, number = _user(visit.argument)
    await _replace(visit, kind, number)
    await visit.answer()


async def act(visit: Context) -> None:
    """Does what a card's button says; deletes after a question."""
    deed, _, rest = visit.argument.partition(":")
    who, sure = rest.removesuffix(":yes"), rest.endswith(":yes")
    kind, number = _user(who)
    user = await users.get(kind, number, visit.now) if deed in ENDED else None
    if user is None:
        await visit.replace(formatted(visit.language, "users-gone"))
        return await visit.answer()
    if kind == "chat" and deed in ("ban", "delete") and await admins.is_admin(number, visit.settings.admins):
        return await visit.answer(say(visit.language, "users-is-admin"))
    if deed == "delete" and not sure:
        rows = [
            [Button(say(visit.language, "users-delete-sure"), f"user_do:delete:{who}:yes")],
            [Button(say(visit.language, "back"), f"user:{who}")],
        ]
        messages = sum(user.messages.values())
        ask = formatted(
            visit.language, "users-delete-ask", rows, who=_called(user), tokens=user.tokens, count=messages
        )
        await visit.replace(ask)
        return await visit.answer()
    await _do(visit, deed, kind, number)
    await _replace(visit, kind, number)
    await visit.answer(say(visit.language, ENDED[deed]))


async def _do(visit: Context, deed: str, kind: Kind, number: int) -> None:
    by, now = visit.chat.id, visit.now
    match deed:
        case "ban":
            await users.ban(kind, number, by, now)
        case "unban":
            await users.unban(kind, number, by, now)
        case "delete":
            await users.delete(kind, number, by, now)
        case "signout" if kind == "account":
            await users.sign_out(number, by, now)
        case "limits" if kind == "account":
            await users.reset_limits(number, by, now)


async def _replace(visit: Context, kind: Kind, number: int) -> None:
    user = await users.get(kind, number, visit.now)
    await visit.replace(_card(visit, user) if user else formatted(visit.language, "users-gone"))


def _user(argument: str) -> tuple[Kind, int]:
    """`account:12` or `chat:1001`; what can't be one is nobody."""
    kind, _, number = argument.partition(":")
    return (cast(Kind, kind), number_in(number)) if kind in ("account", "chat") else ("account", 0)


async def _list(visit: Context, words: str, page: int) -> Text:
    language = visit.language
    found = await users.search(words, PAGE + 1, page * PAGE)
    if not found:
        return formatted(language, "users-none", words=words)
    title = formatted(language, "users-found", words=words) if words else formatted(language, "users-title")
    rows = []
    for one in found[:PAGE]:
        handle = f"@{one.handle}" if one.kind == "chat" and one.handle else one.handle
        name = shortened(" ".join(part for part in (one.name, handle) if part) or str(one.id), BUTTON_LENGTH)
        label = "users-account-line" if one.kind == "account" else "users-person-line"
        words_of = say(language, label, who=name)
        if one.banned:
            words_of = say(language, "users-banned-line", who=words_of)
        rows.append([Button(words_of, f"user:{one.kind}:{one.id}")])
    turns = []
    for shown, number, there in (
        ("users-newer", page - 1, page > 0),
        ("users-older", page + 1, len(found) > PAGE),
    ):
        data = f"users:{number}:{words}"
        if there and len(data.encode()) <= DATA_LIMIT:
            turns.append(Button(say(language, shown), data))
    return joined([title, formatted(language, "users-usage")], buttons=[*rows, turns] if turns else rows)


def _card(visit: Context, user: User) -> Text:
    language, is_account = visit.language, user.kind == "account"
    title = "users-account-title" if is_account else "users-person-title"
    lines = [formatted(language, title, id=str(user.id), who=user.name or "—")]
    if user.handle:
        handle = user.handle if is_account else f"@{user.handle}"
        lines.append(formatted(language, "users-login" if is_account else "users-username", handle=handle))
    lines.append(
        formatted(
            language,
            "users-times",
            since=shown_time(user.created.astimezone(visit.zone)),
            seen=shown_age(language, user.seen, visit.now),
        )
    )
    counts = ", ".join(
        f"{shown_status(language, status)}: {count}" for status, count in sorted(user.messages.items())
    )
    many = sum(user.messages.values())
    lines.append(formatted(language, "users-tokens", count=user.tokens))
    lines.append(formatted(language, "users-messages", count=many, statuses=counts or "—"))
    if user.links:
        lines.append(formatted(language, "users-writes-to" if is_account else "users-written-by"))
        lines += [
            formatted(
                language,
                "users-link",
                who=link.name or (str(link.id) if link.id else say(language, "users-own")),
                count=link.tokens,
                age=shown_age(language, link.last_used, visit.now),
            )
            for link in user.links
        ]
    if user.blocked:
        lines.append(
            formatted(language, "users-has-blocked", time=shown_time(user.blocked.astimezone(visit.zone)))
        )
    if user.banned:
        lines.append(
            formatted(language, "users-is-banned", time=shown_time(user.banned.astimezone(visit.zone)))
        )
    return joined(lines, buttons=_buttons(language, user))


def _buttons(language: str, user: User) -> list[list[Button]]:
    who = f"{user.kind}:{user.id}"
    other = "chat" if user.kind == "account" else "account"
    rows = [
        [Button(shortened(link.name, BUTTON_LENGTH) or str(link.id), f"user:{other}:{link.id}")]
        for link in user.links[:LINK_BUTTONS]
        if link.id
    ]
    ban = ("users-unban", "unban") if user.banned else ("users-ban", "ban")
    rows.append([Button(say(language, ban[0]), f"user_do:{ban[1]}:{who}")])
    if user.kind == "account":
        rows.append([Button(say(language, "users-limits"), f"user_do:limits:{who}")])
        rows.append([Button(say(language, "users-signout"), f"user_do:signout:{who}")])
    rows.append([Button(say(language, "users-delete"), f"user_do:delete:{who}")])
    return [*rows, [Button(say(language, "users-all"), "users:0:")]]


def _called(user: User) -> str:
    return f"{user.name or user.handle or '—'} ({user.id})"

"""How accounts and people look to admins: the list, and the card of each."""

from djangobot.bot.callback_data.admin_buttons import (
    AskDeleteUser,
    ChangeUser,
    ListUsers,
    OpenUser,
)
from djangobot.bot.callback_data.buttons import DATA_LIMIT, CallbackData
from djangobot.bot.context import Context
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_age, shown_status, shown_time
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import users
from djangobot.db.admin.users import Found, Kind, User

PAGE = 8
LINK_BUTTONS = 5
TURN = len(ListUsers(999_999, "?").pack()) - 1
"""Bytes that a button to another page needs beside the words."""


async def list_text(context: Context, words: str, page: int) -> Text:
    """One page of the accounts and people that were searched for."""
    language = context.language
    found = await users.search(words, PAGE + 1, page * PAGE)
    if not found:
        return formatted(language, "users-none", words=words)
    title = formatted(language, "users-found", words=words) if words else formatted(language, "users-title")
    rows = [[_button(language, one)] for one in found[:PAGE]]
    turns = []
    if page and _turnable(words):
        turns.append(Button(say(language, "users-newer"), ListUsers(page - 1, words).pack()))
    if len(found) > PAGE and _turnable(words):
        turns.append(Button(say(language, "users-older"), ListUsers(page + 1, words).pack()))
    usage = formatted(language, "users-usage")
    return joined([title, usage], buttons=[*rows, turns] if turns else rows)


def card_text(context: Context, user: User) -> Text:
    """The card of an account or a person."""
    language = context.language
    lines = [*_head(context, user), *_counts(language, user), *_links(context, user)]
    if user.blocked:
        time = shown_time(user.blocked.astimezone(context.zone))
        lines.append(formatted(language, "users-has-blocked", time=time))
    if user.banned:
        time = shown_time(user.banned.astimezone(context.zone))
        lines.append(formatted(language, "users-is-banned", time=time))
    return joined(lines, buttons=_buttons(language, user))


def called(user: User) -> str:
    """The name of an account or a person, with the number."""
    return f"{user.name or user.handle or '—'} ({user.id})"


def _turnable(words: str) -> bool:
    """Whether the words fit into a button. Without it, more precise words lead on."""
    return TURN + len(words.encode()) <= DATA_LIMIT


def _button(language: str, one: Found) -> Button:
    handle = f"@{one.handle}" if one.kind == "chat" and one.handle else one.handle
    name = shortened(" ".join(part for part in (one.name, handle) if part) or str(one.id), BUTTON_LENGTH)
    label = say(language, "users-account-line" if one.kind == "account" else "users-person-line", who=name)
    if one.banned:
        label = say(language, "users-banned-line", who=label)
    return Button(label, OpenUser(one.kind, one.id).pack())


def _head(context: Context, user: User) -> list[Text]:
    language, is_account = context.language, user.kind == "account"
    title = "users-account-title" if is_account else "users-person-title"
    lines = [formatted(language, title, id=str(user.id), who=user.name or "—")]
    if user.handle:
        handle = user.handle if is_account else f"@{user.handle}"
        lines.append(formatted(language, "users-login" if is_account else "users-username", handle=handle))
    since = shown_time(user.created.astimezone(context.zone))
    seen = shown_age(language, user.seen, context.now)
    return [*lines, formatted(language, "users-times", since=since, seen=seen)]


def _counts(language: str, user: User) -> list[Text]:
    statuses = ", ".join(
        f"{shown_status(language, status)}: {count}" for status, count in sorted(user.messages.items())
    )
    count = sum(user.messages.values())
    return [
        formatted(language, "users-tokens", count=user.tokens),
        formatted(language, "users-messages", count=count, statuses=statuses or "—"),
    ]


def _links(context: Context, user: User) -> list[Text]:
    """Whom an account may write to, or who may write to a person."""
    if not user.links:
        return []
    language = context.language
    lines = [formatted(language, "users-writes-to" if user.kind == "account" else "users-written-by")]
    for link in user.links:
        who = link.name or (str(link.id) if link.id else say(language, "users-own"))
        age = shown_age(language, link.last_used, context.now)
        lines.append(formatted(language, "users-link", who=who, count=link.tokens, age=age))
    return lines


def _buttons(language: str, user: User) -> list[list[Button]]:
    def row(words: str, data: CallbackData) -> list[Button]:
        return [Button(say(language, words), data.pack())]

    other: Kind = "chat" if user.kind == "account" else "account"
    rows = [
        [Button(shortened(link.name, BUTTON_LENGTH) or str(link.id), OpenUser(other, link.id).pack())]
        for link in user.links[:LINK_BUTTONS]
        if link.id
    ]
    if user.banned:
        rows.append(row("users-unban", ChangeUser("unban", user.kind, user.id)))
    else:
        rows.append(row("users-ban", ChangeUser("ban", user.kind, user.id)))
    if user.kind == "account":
        rows.append(row("users-limits", ChangeUser("limits", user.kind, user.id)))
        rows.append(row("users-signout", ChangeUser("signout", user.kind, user.id)))
    rows.append(row("users-delete", AskDeleteUser(user.kind, user.id)))
    return [*rows, row("users-all", ListUsers())]

"""Commands: one table for commands, one for buttons. /help and Telegram's menu are made from the first."""

from typing import Literal

import msgspec

from djangobot.bot.dispatch.dispatcher import Context, Handler
from djangobot.bot.handlers import (
    codes,
    export,
    forget,
    history,
    mutes,
    own_tokens,
    quiet,
    renamed,
    search,
    settings,
    start,
    stats,
    tokens,
)
from djangobot.bot.handlers.admin import admins as admin_list
from djangobot.bot.handlers.admin import (
    audit,
    backlog,
    backup,
    broadcasts,
    config,
    invites,
    loglevel,
    queue,
    status,
    users,
)
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Text
from djangobot.db.admin import admins
from djangobot.db.people import chats


class Command(msgspec.Struct, frozen=True):
    """`/name`. The locales describe it under `command-name`."""

    name: str
    audience: Literal["everybody", "admins"]
    description: str
    handler: Handler


async def show_help(visit: Context) -> None:
    """/help"""
    lines = [formatted(visit.language, "help-title")]
    lines += [Text(f"/{name} — {words}") for name, words in menu(visit.language)]
    if await _by_admin(visit):
        lines += [Text(""), formatted(visit.language, "help-admins")]
        lines += [Text(f"/{name} — {words}") for name, words in menu(visit.language, "admins")]
    await visit.reply(joined(lines))


COMMANDS = (
    Command("start", "everybody", "command-start", start.start),
    Command("code", "everybody", "command-code", codes.new_code),
    Command("token", "everybody", "command-token", own_tokens.make),
    Command("tokens", "everybody", "command-tokens", tokens.show),
    Command("history", "everybody", "command-history", history.show),
    Command("search", "everybody", "command-search", search.show),
    Command("export", "everybody", "command-export", export.show),
    Command("stats", "everybody", "command-stats", stats.show),
    Command("mute", "everybody", "command-mute", mutes.show),
    Command("unmute", "everybody", "command-unmute", mutes.show_muted),
    Command("quiet", "everybody", "command-quiet", settings.set_quiet),
    Command("settings", "everybody", "command-settings", settings.show),
    Command("language", "everybody", "command-language", settings.show_languages),
    Command("news", "everybody", "command-news", settings.show_news),
    Command("forget", "everybody", "command-forget", forget.show),
    Command("help", "everybody", "command-help", show_help),
    Command("status", "admins", "command-status", status.show),
    Command("queue", "admins", "command-queue", queue.show),
    Command("errors", "admins", "command-errors", queue.show_causes),
    Command("users", "admins", "command-users", users.show),
    Command("user", "admins", "command-user", users.show_one),
    Command("invite", "admins", "command-invite", invites.make),
    Command("invites", "admins", "command-invites", invites.show),
    Command("broadcast", "admins", "command-broadcast", broadcasts.show),
    Command("admins", "admins", "command-admins", admin_list.show),
    Command("audit", "admins", "command-audit", audit.show),
    Command("backup", "admins", "command-backup", backup.ask),
    Command("config", "admins", "command-config", config.show),
    Command("loglevel", "admins", "command-loglevel", loglevel.show),
)

STOPS = ("cancel", "stop")
"""Words that cancel a question. They are in no menu, because any command cancels one too."""

BUTTONS: dict[str, Handler] = {
    "curl": codes.show_call,
    "code": codes.show_again,
    "own_token": own_tokens.ask,
    "tokens": tokens.turn_page,
    "token": tokens.open_card,
    "token_name": tokens.ask_name,
    "token_pause": tokens.pause,
    "token_limit": tokens.limit,
    "token_expiry": tokens.expiry,
    "token_new": tokens.rotate,
    "token_urgent": tokens.urgent,
    "revoke": tokens.revoke,
    "unrevoke": tokens.unrevoke,
    "history": history.turn_page,
    "search": search.turn_page,
    "full": history.show_full,
    "export": export.write,
    "show": quiet.show_history,
    "mutes": mutes.refresh,
    "mute": mutes.mute,
    "unmute": mutes.unmute,
    "mute_here": mutes.mute_here,
    "unmute_here": mutes.unmute_here,
    "settings": settings.refresh,
    "forget": forget.decide,
    "set_language": settings.choose_language,
    "set_zone": settings.ask_zone,
    "set_hours": settings.choose_hours,
    "set_mode": settings.choose_mode,
    "set_news": settings.choose_news,
    "news": settings.refresh_news,
    "stats": stats.refresh_light,
}
"""Handlers by the part of a button's data before the colon."""

ADMIN_BUTTONS: dict[str, Handler] = {
    "status": status.refresh,
    "status_charts": status.show_charts,
    "status_light": status.turn_light,
    "pause": status.pause,
    "queue": queue.refresh,
    "queue_all": queue.apply,
    "queue_by": backlog.show_groups,
    "queue_list": backlog.show_list,
    "queue_one": backlog.show_one,
    "queue_do": backlog.act,
    "admins": admin_list.refresh,
    "dismiss": admin_list.dismiss,
    "loglevel": loglevel.refresh,
    "audit": audit.refresh,
    "backup": backup.send,
    "users": users.refresh,
    "user": users.open_card,
    "user_do": users.act,
    "invites": invites.turn,
    "invite_hide": invites.hide,
    "invite_revoke": invites.revoke,
    "cast": broadcasts.on_callback,
}
"""The same for admins alone. For everybody else these buttons are unknown."""

ANSWERS: dict[str, Handler] = {
    "search": search.on_answer,
    own_tokens.ASKED: own_tokens.hear,
    "token_name": tokens.rename,
    "zone": settings.on_zone,
}
ADMIN_ANSWERS: dict[str, Handler] = {"broadcast": broadcasts.on_answer}
"""Handlers of answers, by the part before the colon of what a person was asked (chats.ask)."""


def menu(language: str, audience: str = "everybody") -> list[tuple[str, str]]:
    """Names and descriptions of the commands for this audience, in `language`."""
    return [
        (command.name, say(language, command.description))
        for command in COMMANDS
        if command.audience == audience
    ]


async def set_menu(visit: Context) -> None:
    """Sets Telegram's menu of one person who is, or was, an admin."""
    names = menu(visit.language)
    if await _by_admin(visit):
        names += menu(visit.language, "admins")
    await visit.set_menu(names)


async def keep_up_status(visit: Context) -> None:
    """Refreshes the status card, unless the person is no admin any more."""
    if await _by_admin(visit):
        await status.keep_up(visit)


CHORES: dict[str, Handler] = {
    "code": codes.end,
    "token": tokens.settle,
    "invite": invites.settle,
    "menu": set_menu,
    "renamed": renamed.tell,
    "status": keep_up_status,
}
"""Handlers by the kind of a scheduled job (db/delivery/scheduled.py). The context's argument is the job's."""


async def _by_admin(visit: Context) -> bool:
    return await admins.is_admin(visit.chat.id, visit.settings.admins)


async def on_message(visit: Context) -> None:
    """Answers what a person wrote. A command cancels an open question."""
    asked = await chats.take_asked(visit.chat.id, visit.now) if visit.chat.asked else None
    if not visit.text.startswith("/"):
        return await _on_answer(visit, asked or "")
    name, _ = visit.words
    if name in STOPS:
        await visit.reply(formatted(visit.language, "stopped" if asked else "nothing-to-stop"))
        return
    for command in COMMANDS:
        if command.name == name and (command.audience == "everybody" or await _by_admin(visit)):
            await command.handler(visit)
            return await _welcome(visit, name)
    await visit.reply(formatted(visit.language, "unknown-command"))


async def _welcome(visit: Context, name: str) -> None:
    """Sets an admin's menu at /start, because an admin from the settings may have been unknown to us until
    then."""
    if name == "start" and await _by_admin(visit):
        await set_menu(visit)


async def _on_answer(visit: Context, asked: str) -> None:
    """Treats the text as the answer to the open question, if there is one."""
    what, _, visit.asked = asked.partition(":")
    handler = ANSWERS.get(what)
    if what in ADMIN_ANSWERS and await _by_admin(visit):
        handler = ADMIN_ANSWERS[what]
    if handler is not None:
        return await handler(visit)
    await visit.reply(formatted(visit.language, "not-a-command"))


async def on_callback(visit: Context) -> None:
    """Answers a pressed button."""
    verb = visit.data.partition(":")[0]
    handler = BUTTONS.get(verb)
    if verb in ADMIN_BUTTONS and await _by_admin(visit):
        handler = ADMIN_BUTTONS[verb]
    if handler is None:
        return await visit.answer(say(visit.language, "button-unknown"))
    await handler(visit)

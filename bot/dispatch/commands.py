"""Commands: one table each for commands, buttons, questions and scheduled jobs. /help and Telegram's menu are
made from the first."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeVar

import msgspec

from djangobot.bot.callback_data import admin_buttons, buttons, jobs, questions
from djangobot.bot.callback_data.packing import DataInvalid, Packed, parse, prefix_of
from djangobot.bot.context import Context, Handler
from djangobot.bot.handlers import (
    codes,
    deletions,
    export,
    forget,
    mutes,
    news,
    presses,
    quiet,
    renamed,
    scheduled,
    settings,
    start,
    stats,
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
from djangobot.bot.handlers.history import history, history_tags, search
from djangobot.bot.handlers.tokens import own_tokens, senders, token_secrets, tokens
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Text
from djangobot.db.admin import admins
from djangobot.db.people.questions import pop_question

D = TypeVar("D", bound=Packed)


class Command(msgspec.Struct, frozen=True):
    """`/name`. The locales describe it under `command-name`."""

    name: str
    audience: Literal["everybody", "admins"]
    description: str
    handler: Handler


class Route(msgspec.Struct, frozen=True):
    """Which handler gets the values of a kind."""

    kind: type[Packed]
    handler: Callable[[Context, Any], Awaitable[None]]


def _on(kind: type[D], handler: Callable[[Context, D], Awaitable[None]]) -> Route:
    return Route(kind, handler)


def _table(*routes: Route) -> dict[str, Route]:
    """The routes by prefix."""
    return {prefix_of(route.kind): route for route in routes}


async def show_help(context: Context) -> None:
    """/help"""
    lines = [Text(f"/{name} — {words}") for name, words in menu(context.language)]
    parts = [joined([formatted(context.language, "help-title"), *lines])]
    if await _by_admin(context):
        lines = [Text(f"/{name} — {words}") for name, words in menu(context.language, "admins")]
        parts.append(joined([formatted(context.language, "help-admins"), *lines]))
    await context.reply(joined(parts, separator="\n\n"))


COMMANDS = (
    Command("start", "everybody", "command-start", start.start),
    Command("code", "everybody", "command-code", codes.new_code),
    Command("token", "everybody", "command-token", own_tokens.make),
    Command("tokens", "everybody", "command-tokens", tokens.show),
    Command("history", "everybody", "command-history", history.show),
    Command("search", "everybody", "command-search", search.show),
    Command("scheduled", "everybody", "command-scheduled", scheduled.show),
    Command("export", "everybody", "command-export", export.show),
    Command("stats", "everybody", "command-stats", stats.show),
    Command("mute", "everybody", "command-mute", mutes.show),
    Command("unmute", "everybody", "command-unmute", mutes.show_muted),
    Command("quiet", "everybody", "command-quiet", quiet.show),
    Command("settings", "everybody", "command-settings", settings.show),
    Command("language", "everybody", "command-language", settings.show_languages),
    Command("news", "everybody", "command-news", news.show),
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

BUTTONS = _table(
    _on(buttons.ShowCall, codes.show_call),
    _on(buttons.ShowCode, codes.show_again),
    _on(buttons.AskOwnToken, own_tokens.ask),
    _on(buttons.ListTokens, tokens.show_page),
    _on(buttons.OpenToken, tokens.open_card),
    _on(buttons.AskTokenName, tokens.ask_name),
    _on(buttons.PauseToken, tokens.pause),
    _on(buttons.AskTokenLimit, tokens.ask_limit),
    _on(buttons.LimitToken, tokens.limit),
    _on(buttons.AskTokenExpiry, tokens.ask_expiry),
    _on(buttons.ExpireToken, tokens.expire),
    _on(buttons.AskRotateToken, tokens.ask_rotate),
    _on(buttons.RotateToken, tokens.rotate),
    _on(buttons.RefuseUrgent, tokens.refuse_urgent),
    _on(buttons.ListSenders, senders.choose),
    _on(buttons.ShowSender, senders.show),
    _on(buttons.OpenTokenSecret, token_secrets.show),
    _on(buttons.MakeTokenSecret, token_secrets.make),
    _on(buttons.AskTokenSecret, token_secrets.ask),
    _on(buttons.RemoveTokenSecret, token_secrets.remove),
    _on(buttons.AskRevokeToken, tokens.ask_revoke),
    _on(buttons.RevokeToken, tokens.revoke),
    _on(buttons.UnrevokeToken, tokens.unrevoke),
    _on(buttons.HistoryPage, history.show_page),
    _on(buttons.HistorySenders, history.choose_sender),
    _on(buttons.HistoryDays, history.choose_day),
    _on(buttons.HistoryTags, history_tags.choose),
    _on(buttons.TagPage, history_tags.show_page),
    _on(buttons.ShowFull, history.show_full),
    _on(buttons.ShowHistory, history.show_beside),
    _on(buttons.SearchPage, search.show_page),
    _on(buttons.ListScheduled, scheduled.show_page),
    _on(buttons.CancelScheduled, scheduled.cancel),
    _on(buttons.SendScheduledNow, scheduled.send_now),
    _on(buttons.WriteExport, export.write),
    _on(buttons.DrawStats, stats.redraw),
    _on(buttons.ListMutes, mutes.refresh),
    _on(buttons.AskMute, mutes.ask),
    _on(buttons.Mute, mutes.mute),
    _on(buttons.Unmute, mutes.unmute),
    _on(buttons.MuteHere, mutes.mute_here),
    _on(buttons.UnmuteHere, mutes.unmute_here),
    _on(buttons.PressButton, presses.press),
    _on(buttons.ShowPressed, presses.show),
    _on(buttons.ShowSettings, settings.refresh),
    _on(buttons.ShowLanguages, settings.choose_language),
    _on(buttons.SetLanguage, settings.set_language),
    _on(buttons.AskZone, settings.ask_zone),
    _on(buttons.ShowHours, quiet.choose),
    _on(buttons.SetHours, quiet.set_hours),
    _on(buttons.SetQuietMode, quiet.set_mode),
    _on(buttons.SetNews, settings.set_news),
    _on(buttons.ShowKeep, settings.choose_keep),
    _on(buttons.SetKeep, settings.set_keep),
    _on(buttons.WantNews, news.refresh),
    _on(buttons.Forget, forget.on_answer),
)
"""The buttons of everybody."""

ADMIN_BUTTONS = _table(
    _on(admin_buttons.ShowStatus, status.refresh),
    _on(admin_buttons.DrawStatus, status.show_charts),
    _on(admin_buttons.RedrawStatus, status.redraw),
    _on(admin_buttons.PauseDelivery, status.set_paused),
    _on(admin_buttons.ShowQueue, queue.refresh),
    _on(admin_buttons.AskQueueAll, queue.ask_all),
    _on(admin_buttons.DecideQueueAll, queue.decide_all),
    _on(admin_buttons.GroupQueue, backlog.show_groups),
    _on(admin_buttons.ListQueue, backlog.show_list),
    _on(admin_buttons.OpenQueued, backlog.show_one),
    _on(admin_buttons.DecideQueued, backlog.apply),
    _on(admin_buttons.ListAdmins, admin_list.refresh),
    _on(admin_buttons.AskDismiss, admin_list.ask_dismiss),
    _on(admin_buttons.Dismiss, admin_list.dismiss),
    _on(admin_buttons.SetLogLevel, loglevel.choose),
    _on(admin_buttons.ShowAudit, audit.refresh),
    _on(admin_buttons.SendBackup, backup.send),
    _on(admin_buttons.ListUsers, users.refresh),
    _on(admin_buttons.OpenUser, users.open_card),
    _on(admin_buttons.AskDeleteUser, users.ask_delete),
    _on(admin_buttons.ChangeUser, users.change),
    _on(admin_buttons.ListInvites, invites.show_page),
    _on(admin_buttons.HideInvite, invites.hide),
    _on(admin_buttons.RevokeInvite, invites.revoke),
    _on(admin_buttons.BroadcastLanguage, broadcasts.choose_language),
    _on(admin_buttons.BroadcastDays, broadcasts.choose_days),
    _on(admin_buttons.ChangeBroadcast, broadcasts.change),
)
"""The buttons of admins. For everybody else they do not exist."""

QUESTIONS = _table(
    _on(questions.SearchWords, search.on_words),
    _on(questions.OwnTokenName, own_tokens.on_name),
    _on(questions.TokenName, tokens.rename),
    _on(questions.TokenSecretWord, token_secrets.on_word),
    _on(questions.Zone, settings.on_zone),
)
ADMIN_QUESTIONS = _table(_on(questions.BroadcastText, broadcasts.on_text))
"""Handlers of the answers to what a person was asked (db/people/questions.py)."""


def menu(language: str, audience: str = "everybody") -> list[tuple[str, str]]:
    """Names and descriptions of the commands for this audience, in `language`."""
    return [
        (command.name, say(language, command.description))
        for command in COMMANDS
        if command.audience == audience
    ]


async def set_menu(context: Context, _: jobs.SetMenu | None = None) -> None:
    """Sets Telegram's menu of one person who is, or was, an admin."""
    names = menu(context.language)
    if await _by_admin(context):
        names += menu(context.language, "admins")
    await context.set_menu(names)


async def refresh_status(context: Context, job: jobs.RefreshStatus) -> None:
    """Refreshes the status card, unless the person is no admin any more."""
    if await _by_admin(context):
        await status.keep_up(context, job)


async def _run_job(route: Route, context: Context) -> None:
    await route.handler(context, parse(context.data, route.kind))


JOBS: Mapping[str, Handler] = {
    prefix: partial(_run_job, route)
    for prefix, route in _table(
        _on(jobs.EndCode, codes.end),
        _on(jobs.HideToken, tokens.hide),
        _on(jobs.HideInviteWord, invites.hide),
        _on(jobs.SetMenu, set_menu),
        _on(jobs.TellNewName, renamed.notify),
        _on(jobs.RefreshStatus, refresh_status),
        _on(jobs.DeleteMessage, deletions.delete),
    ).items()
}
"""Handlers of scheduled jobs (db/delivery/scheduled.py) by their kind."""


async def _by_admin(context: Context) -> bool:
    return await admins.is_admin(context.chat.id, context.settings.admins)


async def _routed(
    packed: str, table: Mapping[str, Route], admin_table: Mapping[str, Route], context: Context
) -> Callable[[], Awaitable[None]] | None:
    """The handler of a packed value, with the value. None when it is of no kind that this person may use."""
    prefix = packed.partition(":")[0]
    route = table.get(prefix)
    if prefix in admin_table and await _by_admin(context):
        route = admin_table[prefix]
    if route is None:
        return None
    try:
        value = parse(packed, route.kind)
    except DataInvalid:
        return None
    return partial(route.handler, context, value)


async def on_message(context: Context) -> None:
    """Answers what a person wrote. A command cancels an open question."""
    question = await pop_question(context.chat.id, context.now) if context.chat.question else None
    if not context.text.startswith("/"):
        return await _on_answer(context, question or "")
    name, _ = context.words
    if name in STOPS:
        await context.reply(formatted(context.language, "stopped" if question else "nothing-to-stop"))
        return
    for command in COMMANDS:
        if command.name == name and (command.audience == "everybody" or await _by_admin(context)):
            await command.handler(context)
            return await _welcome(context, name)
    await context.reply(formatted(context.language, "unknown-command"))


async def _welcome(context: Context, name: str) -> None:
    """Sets an admin's menu at /start, because an admin from the settings may have been unknown to us until
    then."""
    if name == "start" and await _by_admin(context):
        await set_menu(context)


async def _on_answer(context: Context, question: str) -> None:
    """Treats the text as the answer to the open question, if there is one."""
    handle = await _routed(question, QUESTIONS, ADMIN_QUESTIONS, context) if question else None
    if handle is None:
        await context.reply(formatted(context.language, "not-a-command"))
        return
    await handle()


async def on_callback(context: Context) -> None:
    """Answers a pressed button."""
    handle = await _routed(context.data, BUTTONS, ADMIN_BUTTONS, context)
    if handle is None:
        return await context.answer(say(context.language, "button-unknown"))
    await handle()

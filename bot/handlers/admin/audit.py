"""/audit: what admins changed, newest first."""

import json

from djangobot.bot.callback_data.admin_buttons import ShowAudit
from djangobot.bot.context import Context
from djangobot.bot.rendering.humanize import shown_time
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db import audit
from djangobot.db.admin import users
from djangobot.db.audit import AuditEntry
from djangobot.db.fields import whole_number

PAGE = 8
SENTENCES = {
    "ban": "audit-ban",
    "unban": "audit-unban",
    "sign out": "audit-sign-out",
    "reset limits": "audit-reset-limits",
    "delete": "audit-delete",
    "appoint": "audit-appoint",
    "dismiss": "audit-dismiss",
    "invite": "audit-invite",
    "revoke invite": "audit-revoke-invite",
    "broadcast": "audit-broadcast",
    "broadcast paused": "audit-broadcast-paused",
    "broadcast running": "audit-broadcast-running",
    "broadcast canceled": "audit-broadcast-canceled",
    "send": "audit-send-now",
    "retry": "audit-retry",
    "resend": "audit-resend",
    "drop": "audit-drop",
    "retry all": "audit-retry-all",
    "resend all": "audit-resend-all",
    "drop all": "audit-drop-all",
    "backup": "audit-backup",
    "pause delivery": "audit-pause-delivery",
    "log level": "audit-log-level",
}
"""By the action as db/ records it."""


async def show(context: Context) -> None:
    """/audit"""
    await context.reply(await _page(context, audit.NEWEST))


async def refresh(context: Context, data: ShowAudit) -> None:
    """Shows a page in place of this message."""
    await context.replace(await _page(context, data.before or audit.NEWEST))
    await context.answer()


async def _page(context: Context, before: int) -> Text:
    entries = await audit.page(PAGE + 1, before)
    if not entries and before == audit.NEWEST:
        return formatted(context.language, "audit-none")
    lines = [formatted(context.language, "audit-title")]
    lines += [await _line(context, entry) for entry in entries[:PAGE]]
    turns = []
    if before != audit.NEWEST:
        turns.append(Button("«", ShowAudit().pack()))
    if len(entries) > PAGE:
        turns.append(Button("›", ShowAudit(entries[PAGE - 1].id).pack()))
    return joined(lines, separator="\n\n", buttons=[turns] if turns else ())


async def _line(context: Context, entry: AuditEntry) -> Text:
    who = await _person(entry.actor) if entry.actor else say(context.language, "audit-machine")
    time = shown_time(entry.time.astimezone(context.zone))
    change = await _sentence(context.language, entry)
    return formatted(context.language, "audit-line", time=time, who=who, change=change)


async def _sentence(language: str, entry: AuditEntry) -> str:
    """What was changed, with names instead of numbers."""
    sentence = SENTENCES.get(entry.action, "audit-other")
    before, after = json.loads(entry.before), json.loads(entry.after)
    if entry.action == "pause delivery" and not after:
        sentence = "audit-resume-delivery"
    if entry.action == "broadcast" and isinstance(after, dict):
        return say(language, sentence, after=int(after.get("people", 0)))
    target = await _target(language, entry.target)
    if sentence == "audit-other":
        target = f"{entry.action} {target}".rstrip()
    number = entry.target.rpartition(" ")[2]
    return say(language, sentence, target=target, number=number, before=str(before), after=str(after))


async def _target(language: str, target: str) -> str:
    """The name of `account 12`, `chat 1001` or `1001`; other targets as they are."""
    kind, _, number = target.rpartition(" ")
    whose = whole_number(number, 0, 2**63 - 1)
    if whose is None or kind not in ("", "account", "chat"):
        return target
    if kind == "account":
        name = await users.name("account", whose)
        return say(language, "audit-account", name=f"{name} ({number})" if name else number)
    return await _person(whose)


async def _person(number: int) -> str:
    name = await users.name("chat", number)
    return f"{name} ({number})" if name else str(number)

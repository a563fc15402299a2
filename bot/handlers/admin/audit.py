"""/audit: what admins did, newest first."""

import json

from djangobot.bot.dispatch.dispatcher import Context, number_in
from djangobot.bot.rendering.humanize import shown_time
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db import audit
from djangobot.db.admin import users
from djangobot.db.audit import AuditEntry

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
    "hasten": "audit-hasten",
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


async def show(visit: Context) -> None:
    """The newest."""
    await visit.reply(await _page(visit, audit.NEWEST))


async def refresh(visit: Context) -> None:
    """Those before the deed whose number the button carries."""
    await visit.replace(await _page(visit, number_in(visit.argument) or audit.NEWEST))
    await visit.answer()


async def _page(visit: Context, before: int) -> Text:
    deeds = await audit.page(PAGE + 1, before)
    if not deeds and before == audit.NEWEST:
        return formatted(visit.language, "audit-none")
    lines = [formatted(visit.language, "audit-title")]
    for deed in deeds[:PAGE]:
        who = await _person(deed.who) if deed.who else say(visit.language, "audit-machine")
        time = shown_time(deed.time.astimezone(visit.zone))
        said = await _sentence(visit.language, deed)
        lines.append(formatted(visit.language, "audit-line", time=time, who=who, deed=said))
    turns = []
    if before != audit.NEWEST:
        turns.append(Button("«", "audit:"))
    if len(deeds) > PAGE:
        turns.append(Button("›", f"audit:{deeds[PAGE - 1].id}"))
    return joined(lines, separator="\n\n", buttons=[turns] if turns else ())


async def _sentence(language: str, deed: AuditEntry) -> str:
    """What was done, with names for numbers."""
    sentence = SENTENCES.get(deed.action, "audit-other")
    before, after = json.loads(deed.before), json.loads(deed.after)
    if deed.action == "pause delivery" and not after:
        sentence = "audit-resume-delivery"
    if deed.action == "broadcast" and isinstance(after, dict):
        return say(language, sentence, after=int(after.get("people", 0)))
    target = await _target(language, deed.target)
    if sentence == "audit-other":
        target = f"{deed.action} {target}".rstrip()
    number = deed.target.rpartition(" ")[2]
    return say(language, sentence, target=target, number=number, before=str(before), after=str(after))


async def _target(language: str, target: str) -> str:
    """`account 12`, `chat 1001` or `1001` by name."""
    kind, _, number = target.rpartition(" ")
    if not number.isdecimal() or kind not in ("", "account", "chat"):
        return target
    if kind == "account":
        name = await users.name("account", int(number))
        return say(language, "audit-account", name=f"{name} ({number})" if name else number)
    return await _person(int(number))


async def _person(number: int) -> str:
    name = await users.name("chat", number)
    return f"{name} ({number})" if name else str(number)

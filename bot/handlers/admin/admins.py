"""/admins: who runs the service; `/admins add ID` and `/admins remove ID`."""

from djangobot.bot.callback_data.admin_buttons import AskDismiss, Dismiss, ListAdmins
from djangobot.bot.callback_data.jobs import SetMenu
from djangobot.bot.callback_data.packing import MOST
from djangobot.bot.context import SPACE, Context
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import admins
from djangobot.db.admin.admins import Dismissal
from djangobot.db.delivery import scheduled
from djangobot.db.fields import whole_number
from djangobot.db.people import chats

WORDS: dict[Dismissal, str] = {
    "dismissed": "admins-removed",
    "no admin": "admins-none",
    "of the settings": "admins-fixed",
    "the last": "admins-last",
}


async def show(context: Context) -> None:
    """/admins, /admins add ID, /admins remove ID"""
    verb, who = [*SPACE.split(context.argument.lower(), maxsplit=1), ""][:2]
    number = whole_number(who, 0, MOST)
    if not verb:
        text = await _list(context)
    elif verb == "add" and number is not None:
        text = await _appoint(context, number)
    elif verb == "remove" and number is not None:
        text = await _dismiss(context, number)
    else:
        text = formatted(context.language, "admins-usage")
    await context.reply(text)


async def refresh(context: Context, _: ListAdmins) -> None:
    """Shows the list in place of this message."""
    await context.replace(await _list(context))
    await context.answer()


async def ask_dismiss(context: Context, data: AskDismiss) -> None:
    """Asks whether this admin shall be dismissed."""
    rows = [
        [Button(say(context.language, "admins-sure"), Dismiss(data.admin).pack())],
        [Button(say(context.language, "back"), ListAdmins().pack())],
    ]
    await context.replace(formatted(context.language, "admins-ask", rows, who=await _name(data.admin)))
    await context.answer()


async def dismiss(context: Context, data: Dismiss) -> None:
    """Dismisses this admin."""
    outcome = await _dismiss(context, data.admin)
    await context.replace(await _list(context))
    await context.answer(outcome.text)


async def _appoint(context: Context, who: int) -> Text:
    if await chats.get(who) is None:
        return formatted(context.language, "admins-unknown", who=str(who))
    new = who not in context.settings.admins and await admins.appoint(who, context.chat.id, context.now)
    await scheduled.put(who, "menu", 0, SetMenu().argument, context.now)
    words = "admins-added" if new else "admins-already"
    return formatted(context.language, words, who=await _name(who))


async def _dismiss(context: Context, who: int) -> Text:
    outcome = await admins.dismiss(who, context.chat.id, context.settings.admins, context.now)
    if outcome == "dismissed" and await chats.get(who) is not None:
        await scheduled.put(who, "menu", 0, SetMenu().argument, context.now)
    return formatted(context.language, WORDS[outcome], who=await _name(who))


async def _list(context: Context) -> Text:
    lines = [formatted(context.language, "admins-title")]
    rows = []
    for who in await admins.every(context.settings.admins):
        name = await _name(who)
        if who in context.settings.admins:
            lines.append(formatted(context.language, "admins-of-settings", who=name))
        else:
            lines.append(Text(f"· {name}"))
            label = say(context.language, "admins-remove", who=name)
            rows.append([Button(label, AskDismiss(who).pack())])
    lines.append(formatted(context.language, "admins-usage"))
    return joined(lines, buttons=rows)


async def _name(who: int) -> str:
    chat = await chats.get(who)
    name = " ".join(part for part in (chat.first_name, chat.last_name) if part) if chat else ""
    return f"{name} ({who})" if name else str(who)

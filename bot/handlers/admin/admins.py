"""/admins: who runs the service; `/admins add ID` and `/admins remove ID`."""

from djangobot.bot.dispatch.dispatcher import SPACE, Context
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import admins
from djangobot.db.delivery import scheduled
from djangobot.db.people import chats


async def show(visit: Context) -> None:
    """The list, or what is asked for."""
    verb, who = [*SPACE.split(visit.argument, maxsplit=1), ""][:2]
    if not verb:
        text = await _list(visit)
    elif verb.lower() not in ("add", "remove") or not (who.isascii() and who.isdigit() and len(who) < 16):
        text = formatted(visit.language, "admins-usage")
    elif verb.lower() == "add":
        text = await _appoint(visit, int(who))
    else:
        text = await _dismiss(visit, int(who))
    await visit.reply(text)


async def dismiss(visit: Context) -> None:
    """The button: asks whether, or does it."""
    who, _, sure = visit.argument.partition(":")
    if not (who.isascii() and who.isdigit() and len(who) < 16):
        return await visit.answer(say(visit.language, "button-unknown"))
    if sure:
        said = await _dismiss(visit, int(who))
        await visit.replace(await _list(visit))
        return await visit.answer(said.text)
    rows = [
        [Button(say(visit.language, "admins-sure"), f"dismiss:{who}:yes")],
        [Button(say(visit.language, "back"), "admins:")],
    ]
    await visit.replace(formatted(visit.language, "admins-ask", rows, who=await _name(int(who))))
    await visit.answer()


async def refresh(visit: Context) -> None:
    """The list in place of what was there."""
    await visit.replace(await _list(visit))
    await visit.answer()


async def _appoint(visit: Context, who: int) -> Text:
    if await chats.get(who) is None:
        return formatted(visit.language, "admins-unknown", who=str(who))
    new = who not in visit.settings.admins and await admins.appoint(who, visit.chat.id, visit.now)
    await scheduled.put(who, "menu", 0, "", visit.now)
    said = "admins-added" if new else "admins-already"
    return formatted(visit.language, said, who=await _name(who))


async def _dismiss(visit: Context, who: int) -> Text:
    became = await admins.dismiss(who, visit.chat.id, visit.settings.admins, visit.now)
    if became == "dismissed" and await chats.get(who) is not None:
        await scheduled.put(who, "menu", 0, "", visit.now)
    said = {
        "dismissed": "admins-removed",
        "no admin": "admins-none",
        "of the settings": "admins-fixed",
        "the last": "admins-last",
    }[became]
    return formatted(visit.language, said, who=await _name(who))


async def _list(visit: Context) -> Text:
    lines = [formatted(visit.language, "admins-title")]
    rows = []
    for who in await admins.every(visit.settings.admins):
        name = await _name(who)
        if who in visit.settings.admins:
            lines.append(formatted(visit.language, "admins-of-settings", who=name))
        else:
            lines.append(Text(f"· {name}"))
            rows.append([Button(say(visit.language, "admins-remove", who=name), f"dismiss:{who}")])
    lines.append(formatted(visit.language, "admins-usage"))
    return joined(lines, buttons=rows)


async def _name(who: int) -> str:
    chat = await chats.get(who)
    name = " ".join(part for part in (chat.first_name, chat.last_name) if part) if chat else ""
    return f"{name} ({who})" if name else str(who)

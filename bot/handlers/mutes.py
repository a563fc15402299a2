"""/mute and /unmute: senders that a person does not want to be shown for a while.

A mute pressed under a message changes that message's buttons alone; one chosen from the list changes the
list.
"""

from datetime import datetime, timedelta

from djangobot.bot.dispatch.dispatcher import Context, sender_in
from djangobot.bot.rendering.buttons import MUTE_HOURS, mute_buttons
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_time
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.people import mutes
from djangobot.db.people.mutes import Sender

MORNING = 8
"""The hour at which `until tomorrow` ends, on the person's clock."""
SHOWN = 20
"""Senders on the list: as many buttons as a phone scrolls through."""


async def show(visit: Context) -> None:
    """/mute: who may write, and who of them is muted."""
    await visit.reply(await _list(visit))


async def show_muted(visit: Context) -> None:
    """/unmute: those who are muted."""
    await visit.reply(await _list(visit, muted_alone=True))


async def refresh(visit: Context) -> None:
    """The list in place of what was there."""
    await visit.replace(await _list(visit))
    await visit.answer()


async def mute(visit: Context) -> None:
    """From the list: asks how long, or mutes."""
    sender_id, how_long = _argument(visit)
    sender = await _find(visit, sender_id)
    if sender is None:
        return await visit.answer(say(visit.language, "mute-gone"))
    if not how_long:
        rows = [
            *mute_buttons(visit.language, "mute", sender_id),
            [Button(say(visit.language, "back"), "mutes:")],
        ]
        await visit.replace(formatted(visit.language, "mute-how-long", rows, who=sender.name))
        return await visit.answer()
    said = await _mute(visit, sender, how_long)
    await visit.replace(await _list(visit))
    await visit.answer(said)


async def unmute(visit: Context) -> None:
    """From the list: shows this sender's messages again."""
    sender_id, _ = _argument(visit)
    said = await _unmute(visit, sender_id)
    await visit.replace(await _list(visit))
    await visit.answer(said)


async def mute_here(visit: Context) -> None:
    """From under a message."""
    sender_id, how_long = _argument(visit)
    sender = await _find(visit, sender_id)
    if sender is None:
        return await visit.answer(say(visit.language, "mute-gone"))
    said = await _mute(visit, sender, how_long)
    await visit.replace_buttons([[Button(say(visit.language, "mute-end"), f"unmute_here:{sender_id}")]])
    await visit.answer(said)


async def unmute_here(visit: Context) -> None:
    """From under a message that was muted there."""
    sender_id, _ = _argument(visit)
    said = await _unmute(visit, sender_id)
    await visit.replace_buttons(mute_buttons(visit.language, "mute_here", sender_id))
    await visit.answer(said)


async def _mute(visit: Context, sender: Sender, how_long: str) -> str:
    until = _until(visit, how_long)
    await mutes.mute(visit.chat.id, sender.id, until)
    time = shown_time(until.astimezone(visit.zone))
    return say(visit.language, "mute-done", who=sender.name, time=time)


async def _unmute(visit: Context, sender_id: int) -> str:
    was = await mutes.unmute(visit.chat.id, sender_id, visit.now)
    return say(visit.language, "mute-ended" if was else "mute-was-not")


def _until(visit: Context, how_long: str) -> datetime:
    """An hour when it is neither of ours."""
    if how_long == "tomorrow":
        tomorrow = visit.now.astimezone(visit.zone) + timedelta(days=1)
        return tomorrow.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return visit.now + timedelta(hours=int(how_long) if how_long in map(str, MUTE_HOURS) else MUTE_HOURS[0])


async def _find(visit: Context, sender_id: int) -> Sender | None:
    senders = await mutes.senders(visit.chat.id, visit.now)
    return next((sender for sender in senders if sender.id == sender_id), None)


async def _list(visit: Context, muted_alone: bool = False) -> Text:
    language = visit.language
    senders = await mutes.senders(visit.chat.id, visit.now)
    muted = [sender for sender in senders if sender.until is not None]
    shown = (muted if muted_alone else senders)[:SHOWN]
    if not shown:
        return formatted(language, "mute-none-muted" if senders else "tokens-none")
    rows = []
    for sender in shown:
        name = shortened(sender.name, BUTTON_LENGTH)
        if sender.until is None:
            rows.append([Button(name, f"mute:{sender.id}")])
        else:
            time = shown_time(sender.until.astimezone(visit.zone))
            words = say(language, "mute-until", who=name, time=time)
            rows.append([Button(words, f"unmute:{sender.id}")])
    return formatted(language, "mute-muted-title" if muted_alone else "mute-title", rows)


def _argument(visit: Context) -> tuple[int, str]:
    """The sender's number, and how long."""
    sender, _, how_long = visit.argument.partition(":")
    return sender_in(sender), how_long

"""/mute and /unmute: senders that a person does not want to be shown for a while.

A mute pressed under a message changes only that message's buttons. A mute chosen from the list changes the
list.
"""

from datetime import datetime, timedelta

from djangobot.bot.callback_data.buttons import (
    AskMute,
    Below,
    ListMutes,
    Mute,
    MuteHere,
    MuteSpan,
    Unmute,
    UnmuteHere,
)
from djangobot.bot.context import Context
from djangobot.bot.rendering.buttons import mute_buttons
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_time
from djangobot.bot.rendering.program_buttons import rows_of
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages import presses
from djangobot.db.messages.content import PLAIN
from djangobot.db.messages.presses import Asked
from djangobot.db.people import mutes
from djangobot.db.people.mutes import ChatSender

MORNING = 8
"""The hour at which `until tomorrow` ends, on the person's clock."""
SHOWN = 20
"""Senders on the list: as many buttons as a phone scrolls through."""


async def show(context: Context) -> None:
    """/mute: shows who may write, and who of them is muted."""
    await context.reply(await _list(context))


async def show_muted(context: Context) -> None:
    """/unmute: shows who is muted."""
    await context.reply(await _list(context, muted_alone=True))


async def refresh(context: Context, _: ListMutes) -> None:
    """Shows the list in place of this message."""
    await context.replace(await _list(context))
    await context.answer()


async def ask(context: Context, data: AskMute) -> None:
    """Asks how long to mute a sender of the list."""
    sender = await _find(context, data.sender)
    if sender is None:
        return await context.answer(say(context.language, "mute-gone"))
    back = [Button(say(context.language, "back"), ListMutes().pack())]
    rows = [*mute_buttons(context.language, sender.id), back]
    await context.replace(formatted(context.language, "mute-how-long", rows, who=sender.name))
    await context.answer()


async def mute(context: Context, data: Mute) -> None:
    """Mutes a sender of the list."""
    sender = await _find(context, data.sender)
    if sender is None:
        return await context.answer(say(context.language, "mute-gone"))
    words = await _mute(context, sender, data.span)
    await context.replace(await _list(context))
    await context.answer(words)


async def unmute(context: Context, data: Unmute) -> None:
    """Shows the messages of a sender of the list again."""
    words = await _unmute(context, data.sender)
    await context.replace(await _list(context))
    await context.answer(words)


async def mute_here(context: Context, data: MuteHere) -> None:
    """Mutes the sender of a message, from under it."""
    sender = await _find(context, data.sender)
    if sender is None:
        return await context.answer(say(context.language, "mute-gone"))
    words = await _mute(context, sender, data.span)
    await _replace_buttons(context, data, "unmute")
    await context.answer(words)


async def unmute_here(context: Context, data: UnmuteHere) -> None:
    """Ends a mute from under the message where it began."""
    words = await _unmute(context, data.sender)
    await _replace_buttons(context, data, "mute")
    await context.answer(words)


async def _replace_buttons(context: Context, data: MuteHere | UnmuteHere, below: Below) -> None:
    """Shows other buttons below a message. Those of its program stay."""
    asked = await presses.find(context.chat.id, data.message) if data.message else None
    asked = asked or Asked(0, data.sender, PLAIN)
    await context.replace_buttons(rows_of(context.language, asked, context.zone, below))


async def _mute(context: Context, sender: ChatSender, span: MuteSpan) -> str:
    until = _until(context, span)
    await mutes.mute(context.chat.id, sender.id, until)
    time = shown_time(until.astimezone(context.zone))
    return say(context.language, "mute-done", who=sender.name, time=time)


async def _unmute(context: Context, sender_id: int) -> str:
    was = await mutes.unmute(context.chat.id, sender_id, context.now)
    return say(context.language, "mute-ended" if was else "mute-was-not")


def _until(context: Context, span: MuteSpan) -> datetime:
    if span != "tomorrow":
        return context.now + timedelta(hours=int(span))
    tomorrow = context.now.astimezone(context.zone) + timedelta(days=1)
    return tomorrow.replace(hour=MORNING, minute=0, second=0, microsecond=0)


async def _find(context: Context, sender_id: int) -> ChatSender | None:
    senders = await mutes.senders(context.chat.id, context.now)
    return next((sender for sender in senders if sender.id == sender_id), None)


async def _list(context: Context, muted_alone: bool = False) -> Text:
    language = context.language
    senders = await mutes.senders(context.chat.id, context.now)
    muted = [sender for sender in senders if sender.until is not None]
    shown = (muted if muted_alone else senders)[:SHOWN]
    if not shown:
        return formatted(language, "mute-none-muted" if senders else "tokens-none")
    rows = [[_button(context, sender)] for sender in shown]
    return formatted(language, "mute-muted-title" if muted_alone else "mute-title", rows)


def _button(context: Context, sender: ChatSender) -> Button:
    name = shortened(sender.name, BUTTON_LENGTH)
    if sender.until is None:
        return Button(name, AskMute(sender.id).pack())
    time = shown_time(sender.until.astimezone(context.zone))
    return Button(say(context.language, "mute-until", who=name, time=time), Unmute(sender.id).pack())

"""/broadcast: a text to many people: whom it is for, how it will look, and its progress."""

from djangobot.bot.callback_data.admin_buttons import (
    BroadcastDays,
    BroadcastLanguage,
    BroadcastVerb,
    ChangeBroadcast,
)
from djangobot.bot.callback_data.buttons import CallbackData
from djangobot.bot.callback_data.questions import BroadcastText
from djangobot.bot.context import Context
from djangobot.bot.rendering.broadcasts import progress_card
from djangobot.bot.rendering.messages import broadcast_text
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import broadcasts
from djangobot.db.admin.broadcasts import DAYS, TEXT_LIMIT, Audience, BroadcastView
from djangobot.db.fields import blank, unstorable
from djangobot.db.people.chat_settings import LANGUAGES

IN_LANGUAGE = {"en": "broadcast-en", "ru": "broadcast-ru"}


async def show(context: Context) -> None:
    """/broadcast: shows the one that is running or paused. If there is none, the text after the command is a
    new one; without a text it is asked for."""
    live = await broadcasts.live()
    if live:
        progress = await broadcasts.progress(live[0].id)
        card = await context.reply(progress_card(context.language, live[0], progress, context.now))
        return await broadcasts.show_at(live[0].id, card)
    if context.argument:
        return await _compose(context, context.argument)
    await context.ask(BroadcastText(), formatted(context.language, "broadcast-what"))


async def on_text(context: Context, _: BroadcastText) -> None:
    """Shows the text that was asked for as it will look, and asks whom it is for."""
    await _compose(context, context.text)


async def choose_language(context: Context, data: BroadcastLanguage) -> None:
    """Chooses the language of a draft's audience."""
    broadcast = await _find(context, data.broadcast)
    if broadcast is not None:
        await _choose(context, broadcast, Audience(data.language, broadcast.audience.days))


async def choose_days(context: Context, data: BroadcastDays) -> None:
    """Chooses how lately a draft's audience must have written."""
    broadcast = await _find(context, data.broadcast)
    if broadcast is not None:
        await _choose(context, broadcast, Audience(broadcast.audience.language, data.days))


async def change(context: Context, data: ChangeBroadcast) -> None:
    """Asks whether to send a draft; or starts, pauses, resumes or cancels a broadcast."""
    broadcast = await _find(context, data.broadcast)
    if broadcast is None:
        return
    if broadcast.status == "draft" and data.verb == "back":
        return await _choose(context, broadcast, broadcast.audience)
    if broadcast.status == "draft" and data.verb == "ask":
        await context.replace(await _question(context, broadcast))
        return await context.answer()
    words = await _change(context, broadcast, data.verb)
    await _replace(context, broadcast.id)
    await context.answer(say(context.language, words) if words else "")


async def _change(context: Context, broadcast: BroadcastView, verb: BroadcastVerb) -> str:
    """Returns the message that says why nothing was changed; empty when there is nothing to say."""
    by, now = context.chat.id, context.now
    match verb:
        case "start":
            started = await broadcasts.start(broadcast.id, by, context.message_id, now)
            return "" if started or broadcast.status != "draft" else "broadcast-another"
        case "pause":
            await broadcasts.pause(broadcast.id, by, now)
        case "resume":
            await broadcasts.resume(broadcast.id, by, now)
        case "cancel":
            await broadcasts.cancel(broadcast.id, by, now)
    return ""


async def _find(context: Context, number: int) -> BroadcastView | None:
    """The broadcast of a button. Says so when there is none."""
    broadcast = await broadcasts.get(number)
    if broadcast is None:
        await context.answer(say(context.language, "button-unknown"))
    return broadcast


async def _choose(context: Context, broadcast: BroadcastView, audience: Audience) -> None:
    """Sets the audience of a draft. Of a broadcast that is no draft any more, shows the progress."""
    if broadcast.status == "draft":
        await broadcasts.choose(broadcast.id, audience)
        await context.replace(await _choice(context, broadcast.id, audience))
    else:
        await _replace(context, broadcast.id)
    await context.answer()


async def _replace(context: Context, number: int) -> None:
    """Shows the progress of a broadcast in place of this message."""
    broadcast = await broadcasts.get(number)
    if broadcast is None or broadcast.status == "draft":
        return
    progress = await broadcasts.progress(number)
    await context.replace(progress_card(context.language, broadcast, progress, context.now))


async def _compose(context: Context, text: str) -> None:
    text = text.strip()
    if blank(text) or len(text) > TEXT_LIMIT or unstorable(text):
        await context.ask(BroadcastText(), formatted(context.language, "broadcast-wrong", most=TEXT_LIMIT))
        return
    number = await broadcasts.draft(context.chat.id, text, context.now)
    await context.reply(broadcast_text(context.language, text))
    await context.reply(await _choice(context, number, Audience()))


async def _choice(context: Context, number: int, audience: Audience) -> Text:
    """Asks whom a draft is for, and says how many people that are now."""
    language = context.language
    people = await broadcasts.count(audience, context.now)

    def button(words: str, chosen: bool, data: CallbackData) -> Button:
        return Button(f"• {words}" if chosen else words, data.pack())

    everybody = button(say(language, "broadcast-all"), not audience.language, BroadcastLanguage(number))
    languages = [
        button(say(language, IN_LANGUAGE[one]), one == audience.language, BroadcastLanguage(number, one))
        for one in LANGUAGES
    ]
    ever = button(say(language, "broadcast-ever"), not audience.days, BroadcastDays(number))
    days = [
        button(say(language, "broadcast-days", count=one), one == audience.days, BroadcastDays(number, one))
        for one in DAYS
    ]
    rows = [[everybody], languages, [ever], days]
    if people:
        rows.append([Button(say(language, "broadcast-send"), ChangeBroadcast(number, "ask").pack())])
    rows.append([Button(say(language, "broadcast-drop"), ChangeBroadcast(number, "cancel").pack())])
    return formatted(language, "broadcast-whom", rows, count=people)


async def _question(context: Context, broadcast: BroadcastView) -> Text:
    people = await broadcasts.count(broadcast.audience, context.now)
    sure, back = ChangeBroadcast(broadcast.id, "start"), ChangeBroadcast(broadcast.id, "back")
    rows = [
        [Button(say(context.language, "broadcast-sure", count=people), sure.pack())],
        [Button(say(context.language, "back"), back.pack())],
    ]
    return formatted(context.language, "broadcast-ask", rows, count=people)

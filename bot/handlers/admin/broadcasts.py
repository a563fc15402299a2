"""/broadcast: what to tell, whom, how it will look, and how far it is."""

from datetime import datetime, timedelta

from djangobot.bot.dispatch.dispatcher import Context, number_in
from djangobot.bot.rendering.messages import broadcast_text
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import broadcasts
from djangobot.db.admin.broadcasts import TEXT_LIMIT, Audience, BroadcastView, Progress
from djangobot.db.fields import blank, unstorable
from djangobot.db.people import chats

SPOKEN = {"": "broadcast-all", "en": "broadcast-en", "ru": "broadcast-ru"}
DAYS = (0, 7, 30)


async def show(visit: Context) -> None:
    """The one under way, or a new one: its text may stand behind the command, else it is asked for."""
    live = await broadcasts.live()
    if live:
        done = await broadcasts.progress(live[0].id)
        card = await visit.reply(progress_card(visit.language, live[0], done, visit.now))
        return await broadcasts.show_at(live[0].id, card)
    if visit.argument:
        return await _compose(visit, visit.argument)
    await visit.reply(formatted(visit.language, "broadcast-what"))
    await chats.ask(visit.chat.id, "broadcast", visit.now)


async def on_answer(visit: Context) -> None:
    """The text, after it was asked for."""
    await _compose(visit, visit.text)


async def on_callback(visit: Context) -> None:
    """A button of a draft, of the question or of the card."""
    number, _, choice = visit.argument.partition(":")
    cast = await broadcasts.get(number_in(number))
    if cast is None:
        return await visit.answer(say(visit.language, "button-unknown"))
    verb, _, value = choice.partition(":")
    if cast.status == "draft" and verb in ("language", "days", "back"):
        audience = cast.audience
        if verb == "language" and value in SPOKEN:
            audience = Audience(language=value, days=audience.days)
        elif verb == "days" and value in map(str, DAYS):
            audience = Audience(language=audience.language, days=int(value))
        await broadcasts.choose(cast.id, audience)
        await visit.replace(await _choice(visit, cast.id, audience))
        return await visit.answer()
    if cast.status == "draft" and verb == "send":
        await visit.replace(await _question(visit, cast))
        return await visit.answer()
    said = await _act(visit, cast, verb)
    await _replace(visit, cast.id)
    await visit.answer(say(visit.language, said) if said else "")


async def _act(visit: Context, cast: BroadcastView, verb: str) -> str:
    """What is said above the button."""
    by, now = visit.chat.id, visit.now
    match verb:
        case "go":
            begun = await broadcasts.start(cast.id, by, visit.message_id, now)
            return "" if begun or cast.status != "draft" else "broadcast-another"
        case "pause":
            await broadcasts.pause(cast.id, by, now)
        case "resume":
            await broadcasts.resume(cast.id, by, now)
        case "cancel":
            await broadcasts.cancel(cast.id, by, now)
    return ""


async def _replace(visit: Context, number: int) -> None:
    cast = await broadcasts.get(number)
    if cast is None or cast.status == "draft":
        return
    await visit.replace(progress_card(visit.language, cast, await broadcasts.progress(number), visit.now))


async def _compose(visit: Context, text: str) -> None:
    text = text.strip()
    if blank(text) or len(text) > TEXT_LIMIT or unstorable(text):
        await chats.ask(visit.chat.id, "broadcast", visit.now)
        await visit.reply(formatted(visit.language, "broadcast-wrong", most=TEXT_LIMIT))
        return
    number = await broadcasts.draft(visit.chat.id, text, visit.now)
    await visit.reply(broadcast_text(visit.language, text))
    await visit.reply(await _choice(visit, number, Audience()))


async def _choice(visit: Context, number: int, audience: Audience) -> Text:
    """Whom it is for, and how many that is now."""
    language = visit.language
    people = await broadcasts.count(audience, visit.now)

    def button(words: str, chosen: bool, data: str) -> Button:
        return Button(f"• {words}" if chosen else words, f"cast:{number}:{data}")

    languages = [
        button(
            say(language, SPOKEN[one]),
            one == audience.language,
            f"language:{one}",
        )
        for one in SPOKEN
    ]
    days = [
        button(
            say(language, "broadcast-days", count=one) if one else say(language, "broadcast-ever"),
            one == audience.days,
            f"days:{one}",
        )
        for one in DAYS
    ]
    rows = [languages[:1], languages[1:], days[:1], days[1:]]
    if people:
        rows.append([Button(say(language, "broadcast-send"), f"cast:{number}:send")])
    rows.append([Button(say(language, "broadcast-drop"), f"cast:{number}:cancel")])
    return formatted(language, "broadcast-whom", rows, count=people)


async def _question(visit: Context, cast: BroadcastView) -> Text:
    people = await broadcasts.count(cast.audience, visit.now)
    rows = [
        [Button(say(visit.language, "broadcast-sure", count=people), f"cast:{cast.id}:go")],
        [Button(say(visit.language, "back"), f"cast:{cast.id}:back")],
    ]
    return formatted(visit.language, "broadcast-ask", rows, count=people)


def progress_card(language: str, cast: BroadcastView, done: Progress, now: datetime) -> Text:
    """How far it is, with what may be done about it; at its end what came of it."""
    titles = {
        "running": "broadcast-running",
        "paused": "broadcast-is-paused",
        "canceled": "broadcast-canceled",
        "done": "broadcast-done",
    }
    settled = done.sent + done.failed + done.skipped
    left = max(cast.total - settled, done.waiting) if cast.live else 0
    lines = [
        formatted(language, titles[cast.status]),
        formatted(language, "broadcast-progress", sent=done.sent, failed=done.failed, skipped=done.skipped),
    ]
    if cast.live:
        lines.append(formatted(language, "broadcast-left", count=left))
    if cast.status == "running" and settled and left and cast.started is not None:
        seconds = (now - cast.started).total_seconds() / settled * left
        lines.append(formatted(language, "broadcast-time", time=_span(seconds)))
    rows = []
    if cast.live:
        turn = ("broadcast-pause", "pause") if cast.status == "running" else ("broadcast-resume", "resume")
        rows.append([Button(say(language, turn[0]), f"cast:{cast.id}:{turn[1]}")])
        rows.append([Button(say(language, "broadcast-cancel"), f"cast:{cast.id}:cancel")])
    return joined(lines, buttons=rows)


def _span(seconds: float) -> str:
    """Like `1:05:09`."""
    return str(timedelta(seconds=int(seconds)))

"""/settings, /language and /quiet: how a person wants it, one card of buttons.

Every button says what is to be, so pressing it again changes nothing more.
"""

import re
from typing import Any

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.rendering import timezones
from djangobot.bot.rendering.replies import LANGUAGES, formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.people import chat_settings, chats, digests
from djangobot.db.people.chat_settings import ChatSettings

TIME = r"(\d{1,2})(?:[:.]?([0-5]\d))?"
HOURS = re.compile(rf"{TIME}\s*[-–—−]\s*{TIME}")
OFFERED = ("22:00-07:00", "23:00-08:00", "00:00-09:00")
OFF = ("off", "выкл", "нет", "no", "0")


async def show(visit: Context) -> None:
    """/settings"""
    await visit.reply(_card(visit))


async def refresh(visit: Context) -> None:
    """The card in place of what was there."""
    await visit.replace(_card(visit))
    await visit.answer()


async def show_languages(visit: Context) -> None:
    """/language"""
    await visit.reply(_languages(visit))


async def choose_language(visit: Context) -> None:
    """The languages, or one of them; `-` is Telegram's."""
    if not visit.argument:
        await visit.replace(_languages(visit))
        return await visit.answer()
    if visit.argument in (*LANGUAGES, "-"):
        await _change(visit, language=visit.argument.strip("-"))
    await _done(visit)


async def set_quiet(visit: Context) -> None:
    """/quiet 23:00-08:00, /quiet off, or /quiet for the choices."""
    words = visit.argument.lower()
    if not words:
        await visit.reply(_hours(visit))
    elif words in OFF:
        await _change_quiet(visit, "", "")
        await visit.reply(formatted(visit.language, "quiet-off"))
    elif hours := _read_hours(words):
        await _change_quiet(visit, *hours)
        await _say_quiet(visit)
    else:
        await visit.reply(formatted(visit.language, "quiet-wrong"))


async def choose_hours(visit: Context) -> None:
    """The quiet hours to choose from, or one of them."""
    if not visit.argument:
        await visit.replace(_hours(visit))
        return await visit.answer()
    hours = _read_hours(visit.argument)
    await _change_quiet(visit, *(hours or ("", "")))
    await _done(visit)
    if hours and not visit.chat.preferences.zone:
        await _ask_zone(visit)


async def choose_mode(visit: Context) -> None:
    """Silently, or in one digest afterwards."""
    if visit.argument in ("silent", "digest"):
        await _change(visit, quiet_mode=visit.argument)
        await digests.release(visit.chat.id, visit.now)
    await _done(visit)


async def show_news(visit: Context) -> None:
    """/news, /news on, /news off"""
    wanted = {"on": True, "off": False}.get(visit.argument.lower())
    if wanted is not None:
        await chats.change_settings(visit.chat.id, news=wanted)
    news = visit.chat.preferences.news if wanted is None else wanted
    await visit.reply(_news(visit.language, news))


async def refresh_news(visit: Context) -> None:
    """The button below that."""
    settings = await chats.change_settings(visit.chat.id, news=visit.argument == "1")
    await visit.replace(_news(visit.language, settings.news))
    await visit.answer()


def _news(language: str, news: bool) -> Text:
    button = Button(
        say(language, "settings-no-news" if news else "settings-want-news"), f"news:{int(not news)}"
    )
    return formatted(language, "news-on" if news else "news-off", [[button]])


async def choose_news(visit: Context) -> None:
    """Whether we may tell news of our own."""
    await _change(visit, news=visit.argument == "1")
    await _done(visit)


async def ask_zone(visit: Context) -> None:
    """The next text is a city or an offset."""
    await visit.answer()
    await _ask_zone(visit)


async def on_zone(visit: Context) -> None:
    """The answer to that; what nobody can tell is asked again."""
    zone = timezones.find(visit.text)
    if not zone:
        await chats.ask(visit.chat.id, "zone", visit.now)
        await visit.reply(formatted(visit.language, "zone-wrong"))
        return
    await _change(visit, zone=zone)
    await digests.release(visit.chat.id, visit.now)
    time = visit.now.astimezone(visit.zone).strftime("%H:%M")
    said = formatted(visit.language, "zone-set", zone=timezones.shown(visit.language, zone), time=time)
    await visit.reply(joined([said, _card(visit)], separator="\n\n", buttons=_card(visit).buttons))


async def _say_quiet(visit: Context) -> None:
    settings = visit.chat.preferences
    hours = _shown_hours(settings)
    said = formatted(visit.language, "quiet-set", hours=hours, mode=_mode(visit))
    if settings.zone:
        await visit.reply(joined([said], buttons=_card(visit).buttons))
    else:
        await visit.reply(said)
        await _ask_zone(visit)


async def _ask_zone(visit: Context) -> None:
    await chats.ask(visit.chat.id, "zone", visit.now)
    await visit.reply(formatted(visit.language, "zone-ask"))


async def _change(visit: Context, **changes: Any) -> None:
    after = await chats.change_settings(visit.chat.id, **changes)
    visit.chat.settings = chat_settings.written(after)


async def _change_quiet(visit: Context, begins: str, ends: str) -> None:
    await _change(visit, quiet_from=begins, quiet_to=ends)
    await digests.release(visit.chat.id, visit.now)


async def _done(visit: Context) -> None:
    await visit.replace(_card(visit))
    await visit.answer(say(visit.language, "settings-done"))


def _read_hours(written: str) -> tuple[str, str] | None:
    found = HOURS.fullmatch(written.strip())
    if found is None or int(found[1]) > 23 or int(found[3]) > 23:
        return None
    begins, ends = (f"{int(found[at]):02}:{found[at + 1] or '00'}" for at in (1, 3))
    return None if begins == ends else (begins, ends)


def _shown_hours(settings: ChatSettings) -> str:
    return f"{settings.quiet_from}–{settings.quiet_to}"


def _mode(visit: Context) -> str:
    digest = visit.chat.preferences.quiet_mode == "digest"
    return say(visit.language, "quiet-mode-digest" if digest else "quiet-mode-silent")


def _languages(visit: Context) -> Text:
    rows = [[Button(say(code, "language-name"), f"set_language:{code}")] for code in LANGUAGES]
    rows.append([Button(say(visit.language, "language-telegram"), "set_language:-")])
    return formatted(visit.language, "language-choose", [*rows, _back(visit)])


def _hours(visit: Context) -> Text:
    row = [Button(hours.replace("-", "–"), f"set_hours:{hours}") for hours in OFFERED]
    off = [Button(say(visit.language, "quiet-none"), "set_hours:off")]
    return formatted(visit.language, "quiet-choose", [row[:2], row[2:], off, _back(visit)])


def _back(visit: Context) -> list[Button]:
    return [Button(say(visit.language, "back"), "settings:")]


def _card(visit: Context) -> Text:
    language, settings = visit.language, visit.chat.preferences
    lines = [
        formatted(language, "settings-title"),
        formatted(language, "settings-language", language=say(language, "language-name")),
        formatted(
            language,
            "settings-zone",
            zone=timezones.shown(language, settings.zone) or say(language, "settings-zone-none"),
        ),
    ]
    if settings.quiet_from:
        lines.append(formatted(language, "settings-quiet", hours=_shown_hours(settings), mode=_mode(visit)))
    else:
        lines.append(formatted(language, "settings-quiet-none"))
    lines.append(formatted(language, "settings-news-on" if settings.news else "settings-news-off"))
    return joined(lines, buttons=_buttons(language, settings))


def _buttons(language: str, settings: ChatSettings) -> list[list[Button]]:
    digest = settings.quiet_mode == "digest"
    return [
        [
            Button(say(language, "settings-change-language"), "set_language:"),
            Button(say(language, "settings-change-zone"), "set_zone:"),
        ],
        [Button(say(language, "settings-change-hours"), "set_hours:")],
        [
            Button(
                say(language, "quiet-choose-silent" if digest else "quiet-choose-digest"),
                "set_mode:silent" if digest else "set_mode:digest",
            )
        ],
        [
            Button(
                say(language, "settings-no-news" if settings.news else "settings-want-news"),
                f"set_news:{int(not settings.news)}",
            )
        ],
    ]

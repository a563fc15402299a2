"""/settings and /language: what a person chose, one card of buttons.

A button says what shall be, so pressing it again changes nothing more.
"""

from typing import Any, Literal

from djangobot.bot.callback_data.buttons import (
    AskZone,
    SetKeep,
    SetLanguage,
    SetNews,
    SetQuietMode,
    ShowHours,
    ShowKeep,
    ShowLanguages,
    ShowSettings,
)
from djangobot.bot.callback_data.questions import Zone
from djangobot.bot.context import Context
from djangobot.bot.rendering import timezones
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.people import chat_settings, chats, digests
from djangobot.db.people.chat_settings import LANGUAGES, ChatSettings

KEPT: tuple[Literal[7, 30, 90, 365], ...] = (7, 30, 90, 365)
"""The days of history that a person can choose, when the service keeps more."""


async def show(context: Context) -> None:
    """/settings"""
    await context.reply(card(context))


async def refresh(context: Context, _: ShowSettings) -> None:
    """Shows the card in place of this message."""
    await context.replace(card(context))
    await context.answer()


async def show_languages(context: Context) -> None:
    """/language"""
    await context.reply(_languages(context))


async def choose_language(context: Context, _: ShowLanguages) -> None:
    """Shows the languages to choose from in place of this message."""
    await context.replace(_languages(context))
    await context.answer()


async def set_language(context: Context, data: SetLanguage) -> None:
    """Sets the language."""
    await change(context, language=data.language)
    await confirm(context)


async def set_news(context: Context, data: SetNews) -> None:
    """Sets whether the person wants news."""
    await change(context, news=data.news)
    await confirm(context)


async def choose_keep(context: Context, _: ShowKeep) -> None:
    """Shows for how long the history can be kept in place of this message."""
    language, most = context.language, context.settings.keep
    rows = [
        [Button(_shown_days(language, days), SetKeep(days).pack())] for days in KEPT if shorter(days, most)
    ]
    rows.append([Button(_shown_days(language, most), SetKeep().pack())])
    await context.replace(formatted(language, "keep-choose", [*rows, back_row(context)]))
    await context.answer()


async def set_keep(context: Context, data: SetKeep) -> None:
    """Sets for how long the history is kept."""
    await change(context, keep=data.days)
    await confirm(context)


async def ask_zone(context: Context, _: AskZone) -> None:
    """Asks for the time zone."""
    await context.answer()
    await ask_for_zone(context)


async def on_zone(context: Context, data: Zone) -> None:
    """Sets the time zone that was asked for. Asks again when there is no such city or offset."""
    zone = timezones.find(context.text)
    if not zone:
        await context.ask(data, formatted(context.language, "zone-wrong"))
        return
    await change(context, zone=zone)
    await digests.release(context.chat.id, context.now)
    time = context.now.astimezone(context.zone).strftime("%H:%M")
    text = formatted(context.language, "zone-set", zone=timezones.shown(context.language, zone), time=time)
    await context.reply(joined([text, card(context)], separator="\n\n", buttons=card(context).buttons))


async def ask_for_zone(context: Context) -> None:
    """Makes the next text the answer: a city or an offset."""
    await context.ask(Zone(), formatted(context.language, "zone-ask"))


async def change(context: Context, **changes: Any) -> None:
    """Changes settings of the person, also in this context."""
    after = await chats.change_settings(context.chat.id, **changes)
    context.chat.settings = chat_settings.written(after)


async def confirm(context: Context) -> None:
    """Shows the card after a change."""
    await context.replace(card(context))
    await context.answer(say(context.language, "settings-done"))


def card(context: Context) -> Text:
    """The card with all settings."""
    language, settings = context.language, context.chat.chat_settings
    zone = timezones.shown(language, settings.zone) or say(language, "settings-zone-none")
    lines = [
        formatted(language, "settings-title"),
        formatted(language, "settings-language", language=say(language, "language-name")),
        formatted(language, "settings-zone", zone=zone),
    ]
    if settings.quiet_from:
        hours, mode = shown_hours(settings), shown_mode(context)
        lines.append(formatted(language, "settings-quiet", hours=hours, mode=mode))
    else:
        lines.append(formatted(language, "settings-quiet-none"))
    lines.append(formatted(language, "settings-news-on" if settings.news else "settings-news-off"))
    keep, most = settings.keep, context.settings.keep
    days = keep if keep and shorter(keep, most) else most
    lines.append(formatted(language, "settings-keep", days=days))
    return joined(lines, buttons=_buttons(language, settings))


def shorter(days: int, most: int) -> bool:
    """Whether so many days are fewer than the service keeps history; 0 for all of it."""
    return not most or days < most


def _shown_days(language: str, days: int) -> str:
    return say(language, "keep-days", days=days)


def shown_hours(settings: ChatSettings) -> str:
    """The quiet hours as `23:00–08:00`."""
    return f"{settings.quiet_from}–{settings.quiet_to}"


def shown_mode(context: Context) -> str:
    """What happens in the quiet hours, in words."""
    digest = context.chat.chat_settings.quiet_mode == "digest"
    return say(context.language, "quiet-mode-digest" if digest else "quiet-mode-silent")


def back_row(context: Context) -> list[Button]:
    """The button that leads back to the card."""
    return [Button(say(context.language, "back"), ShowSettings().pack())]


def _languages(context: Context) -> Text:
    rows = [[Button(say(code, "language-name"), SetLanguage(code).pack())] for code in LANGUAGES]
    rows.append([Button(say(context.language, "language-telegram"), SetLanguage().pack())])
    return formatted(context.language, "language-choose", [*rows, back_row(context)])


def _buttons(language: str, settings: ChatSettings) -> list[list[Button]]:
    digest, news = settings.quiet_mode == "digest", settings.news
    language_button = Button(say(language, "settings-change-language"), ShowLanguages().pack())
    zone_button = Button(say(language, "settings-change-zone"), AskZone().pack())
    hours_button = Button(say(language, "settings-change-hours"), ShowHours().pack())
    mode_label = say(language, "quiet-choose-silent" if digest else "quiet-choose-digest")
    mode_button = Button(mode_label, SetQuietMode("silent" if digest else "digest").pack())
    news_label = say(language, "settings-no-news" if news else "settings-want-news")
    news_button = Button(news_label, SetNews(not news).pack())
    keep_button = Button(say(language, "settings-change-keep"), ShowKeep().pack())
    return [[language_button, zone_button], [hours_button], [mode_button], [keep_button], [news_button]]

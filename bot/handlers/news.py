"""/news: whether a person wants news from the people who run the service."""

from djangobot.bot.callback_data.buttons import WantNews
from djangobot.bot.context import Context
from djangobot.bot.handlers import settings
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button, Text


async def show(context: Context) -> None:
    """/news, /news on, /news off"""
    wanted = {"on": True, "off": False}.get(context.argument.lower())
    if wanted is not None:
        await settings.change(context, news=wanted)
    await context.reply(_text(context))


async def refresh(context: Context, data: WantNews) -> None:
    """The button under that."""
    await settings.change(context, news=data.news)
    await context.replace(_text(context))
    await context.answer()


def _text(context: Context) -> Text:
    news = context.chat.chat_settings.news
    label = say(context.language, "settings-no-news" if news else "settings-want-news")
    button = Button(label, WantNews(not news).pack())
    return formatted(context.language, "news-on" if news else "news-off", [[button]])

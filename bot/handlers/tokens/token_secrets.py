"""Signatures: the secret with which a token's webhooks are signed, set on its card."""

from djangobot.bot.callback_data.buttons import (
    AskTokenSecret,
    MakeTokenSecret,
    OpenToken,
    OpenTokenSecret,
    RemoveTokenSecret,
)
from djangobot.bot.callback_data.questions import TokenSecretWord
from djangobot.bot.context import Context, stripped
from djangobot.bot.handlers.tokens.token_cards import called
from djangobot.bot.handlers.tokens.tokens import find, hide_later
from djangobot.bot.rendering.humanize import shown_age
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.credentials import new_secret
from djangobot.db.errors import FieldsInvalid, TokenNotFound
from djangobot.db.programs import token_secrets, tokens
from djangobot.db.programs.tokens import TokenCard


async def show(context: Context, data: OpenTokenSecret) -> None:
    """Shows whether there is a secret, in place of the card."""
    card = await find(context, data.token)
    if card is not None:
        await context.replace(await _page(context, card))
        await context.answer()


async def make(context: Context, data: MakeTokenSecret) -> None:
    """Makes a secret and shows it for a minute. The job that hides it is stored before."""
    card = await find(context, data.token)
    if card is None:
        return
    await hide_later(context, context.message_id, card.id)
    secret, key = new_secret(), context.settings.session_key
    if not await token_secrets.put(context.chat.id, card.id, secret, key, version=data.version):
        return await context.answer(say(context.language, "secret-made-before"))
    hide = Button(say(context.language, "token-hide"), OpenToken(card.id).pack())
    await context.replace(
        formatted(context.language, "secret-made", [[hide]], who=called(card), secret=secret)
    )
    await context.answer()


async def ask(context: Context, data: AskTokenSecret) -> None:
    """Asks for a secret that the program has already."""
    card = await find(context, data.token)
    if card is None:
        return
    await context.answer()
    await context.ask(TokenSecretWord(card.id), formatted(context.language, "secret-ask", who=called(card)))


async def on_word(context: Context, data: TokenSecretWord) -> None:
    """Stores the secret that was asked for."""
    key = context.settings.session_key
    try:
        card = await tokens.card(context.chat.id, data.token, context.now)
        version = (await token_secrets.state(context.chat.id, card.id)).version
        await token_secrets.put(context.chat.id, card.id, stripped(context.text), key, version=version)
    except FieldsInvalid:
        await context.ask(data, formatted(context.language, "secret-wrong"))
    except TokenNotFound:
        await context.reply(formatted(context.language, "tokens-gone"))
    else:
        await context.reply(
            joined([formatted(context.language, "secret-stored"), await _page(context, card)])
        )


async def remove(context: Context, data: RemoveTokenSecret) -> None:
    """Removes the secret."""
    card = await find(context, data.token)
    if card is not None:
        await token_secrets.remove(context.chat.id, card.id)
        await context.replace(await _page(context, card))
        await context.answer(say(context.language, "secret-removed"))


async def _page(context: Context, card: TokenCard) -> Text:
    language = context.language
    state = await token_secrets.state(context.chat.id, card.id)
    lines = [formatted(language, "secret-title" if state.version else "secret-none", who=called(card))]
    if state.refused and state.refused_at is not None:
        age = shown_age(language, state.refused_at, context.now)
        lines.append(formatted(language, "secret-refused", count=state.refused, age=age))
    make = MakeTokenSecret(card.id, state.version)
    rows = [
        [Button(say(language, "secret-another" if state.version else "secret-make"), make.pack())],
        [Button(say(language, "secret-own"), AskTokenSecret(card.id).pack())],
        [Button(say(language, "back"), OpenToken(card.id).pack())],
    ]
    if state.version:
        rows.insert(2, [Button(say(language, "secret-remove"), RemoveTokenSecret(card.id).pack())])
    return joined(lines, buttons=rows)

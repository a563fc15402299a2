"""/tokens: who may write to this person, and what the person may change about it.

A button sets a state and does not toggle it, so pressing it again changes nothing. A card always shows the
present state, also after the press of an old button.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from djangobot.bot.callback_data.buttons import (
    AskRevokeToken,
    AskRotateToken,
    AskTokenExpiry,
    AskTokenLimit,
    AskTokenName,
    CallbackData,
    ExpireToken,
    LimitToken,
    ListTokens,
    OpenToken,
    PauseToken,
    RefuseUrgent,
    RevokeToken,
    RotateToken,
    UnrevokeToken,
)
from djangobot.bot.callback_data.jobs import HideToken
from djangobot.bot.callback_data.questions import TokenName
from djangobot.bot.context import Context, stripped
from djangobot.bot.handlers.tokens.token_cards import called, card_text, list_text, under_value
from djangobot.bot.rendering.entries import in_pairs
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.credentials import gotify_token
from djangobot.db.delivery import scheduled
from djangobot.db.errors import FieldsInvalid, TokenNotFound
from djangobot.db.programs import own_tokens, revocations, tokens
from djangobot.db.programs.tokens import TokenCard

LIMITS = (1, 5, 10, 30, 60, 0)
"""Messages a minute to choose from; 0 for no limit."""
EXPIRIES = (1, 7, 30, 90, 365, 0)
"""Days to choose from; 0 for never."""
SHOWN_FOR = timedelta(minutes=1)
"""How long a new value is shown in the chat."""


async def show(context: Context) -> None:
    """Shows the list."""
    await context.reply(await list_text(context, 0))


async def show_page(context: Context, data: ListTokens) -> None:
    """Shows a page of the list in place of this message."""
    await _replace(context, await list_text(context, data.page))
    await context.answer()


async def open_card(context: Context, data: OpenToken) -> None:
    """Shows a token's card in place of this message."""
    await _show(context, tokens.card(context.chat.id, data.token, context.now))
    await own_tokens.hide_value(context.chat.id, data.token)


async def ask_name(context: Context, data: AskTokenName) -> None:
    """Asks for the token's new name."""
    card = await find(context, data.token)
    if card is None:
        return
    await context.answer()
    await context.ask(TokenName(card.id), formatted(context.language, "token-name-ask", who=called(card)))


async def rename(context: Context, data: TokenName) -> None:
    """Gives the token the name that was asked for."""
    try:
        card = await tokens.rename(context.chat.id, data.token, stripped(context.text), context.now)
    except FieldsInvalid:
        await context.ask(data, formatted(context.language, "token-name-wrong"))
    except TokenNotFound:
        await context.reply(formatted(context.language, "tokens-gone"))
    else:
        await context.reply(await card_text(context, card))


async def pause(context: Context, data: PauseToken) -> None:
    """Pauses or resumes a token."""
    change = tokens.pause if data.paused else tokens.resume
    words = "token-paused" if data.paused else "token-resumed"
    await _show(context, change(context.chat.id, data.token, context.now), words)


async def ask_limit(context: Context, data: AskTokenLimit) -> None:
    """Asks how many messages a minute the token may send."""
    words = ("token-limit-ask", "token-limit-choice")
    await _choose(context, data.token, words, LimitToken, LIMITS)


async def limit(context: Context, data: LimitToken) -> None:
    """Limits the messages a minute."""
    change = tokens.limit(context.chat.id, data.token, data.a_minute or None, context.now)
    await _show(context, change, "token-limit-set")


async def ask_expiry(context: Context, data: AskTokenExpiry) -> None:
    """Asks when the token shall expire."""
    words = ("token-expiry-ask", "token-expiry-choice")
    await _choose(context, data.token, words, ExpireToken, EXPIRIES)


async def expire(context: Context, data: ExpireToken) -> None:
    """Sets when the token expires."""
    moment = context.now + timedelta(days=data.days) if data.days else None
    change = tokens.expire(context.chat.id, data.token, moment, context.now)
    await _show(context, change, "token-expiry-set")


async def refuse_urgent(context: Context, data: RefuseUrgent) -> None:
    """Refuses or allows the token's urgent messages."""
    words = "token-urgent-refused" if data.refuses else "token-urgent-allowed"
    change = tokens.refuse_urgent(context.chat.id, data.token, data.refuses, context.now)
    await _show(context, change, words)


async def ask_rotate(context: Context, data: AskRotateToken) -> None:
    """Asks whether the token shall get a new value."""
    card = await find(context, data.token)
    if card is not None:
        words = ("token-rotate-ask", "token-rotate-sure")
        await _confirm(context, words, card, RotateToken(card.id, card.prefix))


async def rotate(context: Context, data: RotateToken) -> None:
    """Gives the token a new value and shows it for a minute. The job that hides it is stored before."""
    card = await find(context, data.token)
    if card is None:
        return
    await hide_later(context, context.message_id, card.id)
    card, value = await tokens.rotate(
        context.chat.id, card.id, data.prefix, context.now, secret=context.settings.session_key
    )
    if value is None:
        return await _show(context, _known(card), "token-rotated-before")
    gotify, rows = gotify_token(value), under_value(context.language, card.id)
    text = formatted(context.language, "token-rotated", rows, who=called(card), value=value, gotify=gotify)
    await context.replace(text)
    await context.answer()


async def ask_revoke(context: Context, data: AskRevokeToken) -> None:
    """Asks whether the token shall be revoked. Shows the card when it is over already."""
    card = await find(context, data.token)
    if card is not None and card.over(context.now):
        await _revoke(context, card.id)
    elif card is not None:
        words = ("token-revoke-ask", "token-revoke-sure")
        await _confirm(context, words, card, RevokeToken(card.id))


async def revoke(context: Context, data: RevokeToken) -> None:
    """Revokes the token."""
    if await find(context, data.token) is not None:
        await _revoke(context, data.token)


async def unrevoke(context: Context, data: UnrevokeToken) -> None:
    """Undoes the revocation, or says that it is too late."""
    card = await find(context, data.token)
    if card is None:
        return
    await revocations.undo(context.chat.id, card.id, context.now)
    card = await tokens.card(context.chat.id, card.id, context.now)
    await _show(context, _known(card), "token-undo-late" if card.revoked else "token-undone")


async def hide(context: Context, data: HideToken) -> None:
    """Replaces what was shown for a while by the token's card."""
    try:
        text = await shown_card(context, data.token)
    except TokenNotFound:
        text = formatted(context.language, "tokens-gone")
    await context.replace(text)
    await own_tokens.hide_value(context.chat.id, data.token)


async def hide_later(context: Context, message_id: int, token_id: int) -> None:
    """Schedules the job that replaces a new value by the token's card."""
    argument = HideToken(token_id).argument
    await scheduled.put(context.chat.id, "token", message_id, argument, context.now + SHOWN_FOR)


async def shown_card(context: Context, token_id: int) -> Text:
    """A token's card. Raises TokenNotFound."""
    return await card_text(context, await tokens.card(context.chat.id, token_id, context.now))


async def _revoke(context: Context, token_id: int) -> None:
    """Revokes the token. The button to undo it is there as long as that is possible."""
    await revocations.revoke(context.chat.id, token_id, context.now)
    card = await tokens.card(context.chat.id, token_id, context.now)
    over = (card.revoked or context.now) + revocations.UNDO_FOR
    await scheduled.put(context.chat.id, "token", context.message_id, HideToken(card.id).argument, over)
    await context.replace(await card_text(context, card))
    await context.answer(say(context.language, "tokens-revoked", who=called(card)))


async def _show(context: Context, change: Awaitable[TokenCard], words: str = "") -> None:
    """Shows the card after the change."""
    try:
        card = await change
    except TokenNotFound:
        return await context.answer(say(context.language, "tokens-gone"))
    await _replace(context, await card_text(context, card))
    if words and card.over(context.now):
        words = "token-over"
    await context.answer(say(context.language, words) if words else "")


async def _replace(context: Context, text: Text) -> None:
    """Replaces this message. A job that would have hidden what it showed is dropped."""
    await context.replace(text)
    await scheduled.drop(context.chat.id, "token", context.message_id)


async def _known(card: TokenCard) -> TokenCard:
    return card


async def find(context: Context, token_id: int) -> TokenCard | None:
    """The token of a button. Says so when there is none."""
    try:
        return await tokens.card(context.chat.id, token_id, context.now)
    except TokenNotFound:
        await context.answer(say(context.language, "tokens-gone"))
        return None


async def _confirm(context: Context, words: tuple[str, str], card: TokenCard, sure: CallbackData) -> None:
    """Asks whether something shall be done that stops a program. `words`: the question, and the button's."""
    if card.over(context.now):
        return await _show(context, _known(card), "token-over")
    rows = [
        [Button(say(context.language, words[1]), sure.pack())],
        [Button(say(context.language, "back"), OpenToken(card.id).pack())],
    ]
    await _replace(context, formatted(context.language, words[0], rows, who=called(card)))
    await context.answer()


async def _choose(
    context: Context,
    token_id: int,
    words: tuple[str, str],
    kind: Callable[[int, int], CallbackData],
    counts: Sequence[int],
) -> None:
    """Asks which of these counts it shall be. `words`: the question, and each button's."""
    card = await find(context, token_id)
    if card is None:
        return
    if card.over(context.now):
        return await _show(context, _known(card), "token-over")
    buttons = [
        Button(say(context.language, words[1], count=count), kind(card.id, count).pack()) for count in counts
    ]
    rows = in_pairs(buttons)
    rows.append([Button(say(context.language, "back"), OpenToken(card.id).pack())])
    await _replace(context, formatted(context.language, words[0], rows, who=called(card)))
    await context.answer()

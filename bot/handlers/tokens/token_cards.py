"""How tokens look in the chat: the list, and the card of each."""

from datetime import datetime, timedelta

from djangobot.bot.callback_data.buttons import (
    AskRevokeToken,
    AskRotateToken,
    AskTokenExpiry,
    AskTokenLimit,
    AskTokenName,
    CallbackData,
    ListSenders,
    ListTokens,
    OpenToken,
    OpenTokenSecret,
    PauseToken,
    RefuseUrgent,
    UnrevokeToken,
)
from djangobot.bot.context import Context
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_age, shown_day, whose
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages.history import history
from djangobot.db.programs import revocations, tokens
from djangobot.db.programs.tokens import TokenCard

PAGE = 8
"""Tokens on one page of the list: as many buttons as a phone shows without scrolling."""
WEEK = timedelta(days=7)


async def list_text(context: Context, page: int) -> Text:
    """One page of the list."""
    cards = await tokens.of_chat(context.chat.id, context.now)
    if not cards:
        return formatted(context.language, "tokens-none")
    page = min(page, (len(cards) - 1) // PAGE)
    shown = cards[page * PAGE : (page + 1) * PAGE]
    rows = [[Button(_label(card), OpenToken(card.id).pack())] for card in shown]
    turns = []
    if page:
        turns.append(Button("‹", ListTokens(page - 1).pack()))
    if (page + 1) * PAGE < len(cards):
        turns.append(Button("›", ListTokens(page + 1).pack()))
    return formatted(context.language, "tokens-title", [*rows, *([turns] if turns else [])], count=len(cards))


async def card_text(context: Context, card: TokenCard) -> Text:
    """The card of a token."""
    if card.over(context.now):
        return _over(context, card)
    language = context.language
    week = await tokens.messages_since(card.id, context.now - WEEK)
    files = await history.files_of_token(card.id, context.now - WEEK)
    lines = [_head(context, card), formatted(language, "token-week", count=week, files=files)]
    if card.paused:
        lines.append(formatted(language, "token-is-paused"))
    if card.limit_minute:
        lines.append(formatted(language, "token-is-limited", count=card.limit_minute))
    if card.expires:
        lines.append(formatted(language, "token-expires", day=_day(context, card.expires)))
    if card.refuses_urgent:
        lines.append(formatted(language, "token-not-urgent"))
    return joined(lines, buttons=_buttons(language, card))


def under_value(language: str, token_id: int) -> list[list[Button]]:
    """The buttons under the value of a token, while it is shown."""
    return [
        [Button(say(language, "token-senders"), ListSenders(token_id).pack())],
        [Button(say(language, "token-hide"), OpenToken(token_id).pack())],
    ]


def called(card: TokenCard) -> str:
    """The name of a token, with its account's."""
    return whose(card.account_name, card.name)


def _label(card: TokenCard) -> str:
    return ("⏸ " if card.paused else "") + shortened(called(card), BUTTON_LENGTH)


def _head(context: Context, card: TokenCard) -> Text:
    return formatted(
        context.language,
        "token-card" if card.account_name is not None else "token-card-own",
        name=card.name,
        account=card.account_name or "",
        prefix=card.prefix,
        created=_day(context, card.created),
        used=shown_age(context.language, card.last_used, context.now),
    )


def _over(context: Context, card: TokenCard) -> Text:
    """The card of a token that is revoked or expired."""
    rows = [[Button(say(context.language, "tokens-all"), ListTokens().pack())]]
    if card.revoked is None:
        return formatted(context.language, "token-expired", rows, who=called(card))
    if card.revoked > context.now - revocations.UNDO_FOR:
        rows.insert(0, [Button(say(context.language, "token-undo"), UnrevokeToken(card.id).pack())])
    return formatted(context.language, "token-revoked", rows, who=called(card), prefix=card.prefix)


def _buttons(language: str, card: TokenCard) -> list[list[Button]]:
    def button(words: str, data: CallbackData) -> Button:
        return Button(say(language, words), data.pack())

    token, paused, refuses = card.id, card.paused is not None, card.refuses_urgent
    return [
        [
            button("token-rename", AskTokenName(token)),
            button("token-resume" if paused else "token-pause", PauseToken(token, not paused)),
        ],
        [button("token-limit", AskTokenLimit(token)), button("token-expiry", AskTokenExpiry(token))],
        [
            button("token-rotate", AskRotateToken(token)),
            button(
                "token-urgent-allow" if refuses else "token-urgent-refuse", RefuseUrgent(token, not refuses)
            ),
        ],
        [button("token-senders", ListSenders(token)), button("token-secret", OpenTokenSecret(token))],
        [button("token-revoke", AskRevokeToken(token))],
        [button("tokens-all", ListTokens())],
    ]


def _day(context: Context, moment: datetime) -> str:
    return shown_day(moment.astimezone(context.zone).date())

"""/tokens: who may write to this person, and ending it."""

from djangobot.bot.gateway import Button, Text
from djangobot.bot.replies import formatted, joined, revoke_button, say, shown_time, whose
from djangobot.bot.visits import Visit
from djangobot.db import tokens
from djangobot.db.errors import TokenNotFound
from djangobot.db.tokens import TokenCard

SHOWN = 20
"""Tokens on one list; it stays readable on a phone and far below 4096 characters."""


async def show(visit: Visit) -> None:
    """Lists the live tokens with a Revoke button each."""
    await visit.reply(await _list(visit))


async def revoke(visit: Visit) -> None:
    """Ends a token; pressed again, it says what is so."""
    try:
        card = await tokens.revoke(visit.chat.id, _number(visit.argument), visit.now)
    except TokenNotFound:
        return await visit.answer(say(visit.language, "tokens-gone"))
    await visit.replace(await _list(visit))
    await visit.answer(say(visit.language, "tokens-revoked", who=_whose(card)))


async def _list(visit: Visit) -> Text:
    cards = await tokens.of_chat(visit.chat.id, visit.now)
    if not cards:
        return formatted(visit.language, "tokens-none")
    shown = cards[:SHOWN]
    lines = [formatted(visit.language, "tokens-title", count=len(cards))]
    lines += [_line(visit.language, card) for card in shown]
    if len(cards) > SHOWN:
        lines.append(formatted(visit.language, "tokens-more", count=len(cards) - SHOWN))
    return joined(lines, buttons=[[_button(visit.language, card)] for card in shown])


def _line(language: str, card: TokenCard) -> Text:
    return formatted(
        language,
        "tokens-line",
        who=_whose(card),
        prefix=card.prefix,
        created=shown_time(card.created),
        used=shown_time(card.last_used),
    )


def _button(language: str, card: TokenCard) -> Button:
    return revoke_button(language, card.id, _whose(card))


def _whose(card: TokenCard) -> str:
    return whose(card.account_name, card.name)


def _number(argument: str) -> int:
    return int(argument) if argument.isascii() and argument.isdigit() and len(argument) < 19 else 0

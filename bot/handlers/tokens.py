"""/tokens: who may write to this person, a card for each, and what may be changed there.

Every button says what is to be, not what is to be turned over, so pressing it again changes nothing more; a
card is shown as it is by now, also where an old button was pressed.
"""

from collections.abc import Awaitable
from datetime import datetime, timedelta

from djangobot.bot.dispatch.dispatcher import Context, number_in
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_age, shown_day, whose
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery import scheduled
from djangobot.db.errors import FieldsInvalid, TokenNotFound
from djangobot.db.people import chats
from djangobot.db.programs import tokens
from djangobot.db.programs.tokens import TokenCard

PAGE = 8
"""Tokens on one page of the list: as many buttons as a phone shows without scrolling."""
WEEK = timedelta(days=7)
LIMITS = (1, 5, 10, 30, 60)
EXPIRIES = (1, 7, 30, 90, 365)
"""Days."""
SHOWN_FOR = timedelta(minutes=1)
"""How long a new value stands in the chat."""


async def show(visit: Context) -> None:
    """The list."""
    await visit.reply(await _list(visit, 0))


async def turn_page(visit: Context) -> None:
    """The list, or another page of it, in place of what was there."""
    await _replace(visit, await _list(visit, number_in(visit.argument)))
    await visit.answer()


async def open_card(visit: Context) -> None:
    """A token's card in place of the list."""
    await _show(visit, tokens.card(visit.chat.id, _token(visit), visit.now), "")
    await tokens.hide_value(visit.chat.id, _token(visit))


async def ask_name(visit: Context) -> None:
    """The next text is the token's name."""
    card = await _find(visit)
    if card is None:
        return
    await chats.ask(visit.chat.id, f"token_name:{card.id}", visit.now)
    await visit.answer()
    await visit.reply(formatted(visit.language, "token-name-ask", who=_whose(card)))


async def rename(visit: Context) -> None:
    """The answer to that."""
    try:
        card = await tokens.rename(visit.chat.id, number_in(visit.asked), visit.text.strip(), visit.now)
    except FieldsInvalid:
        await chats.ask(visit.chat.id, f"token_name:{visit.asked}", visit.now)
        await visit.reply(formatted(visit.language, "token-name-wrong"))
    except TokenNotFound:
        await visit.reply(formatted(visit.language, "tokens-gone"))
    else:
        await visit.reply(await _card(visit, card))


async def pause(visit: Context) -> None:
    """Pauses, or lets it go on."""
    act = tokens.pause if _choice(visit) else tokens.resume
    said = "token-paused" if _choice(visit) else "token-resumed"
    await _show(visit, act(visit.chat.id, _token(visit), visit.now), said)


async def limit(visit: Context) -> None:
    """Asks how many a minute, or sets it."""
    choice = _choice(visit)
    if choice is None:
        return await _choose(visit, "token-limit-ask", "token_limit", "token-limit-choice", LIMITS)
    await _show(
        visit, tokens.limit(visit.chat.id, _token(visit), choice or None, visit.now), "token-limit-set"
    )


async def expiry(visit: Context) -> None:
    """Asks how long it may live, or sets it."""
    days = _choice(visit)
    if days is None:
        return await _choose(visit, "token-expiry-ask", "token_expiry", "token-expiry-choice", EXPIRIES)
    moment = visit.now + timedelta(days=days) if days else None
    await _show(visit, tokens.expire(visit.chat.id, _token(visit), moment, visit.now), "token-expiry-set")


async def urgent(visit: Context) -> None:
    """Refuses its urgent messages, or allows them."""
    refuses = bool(_choice(visit))
    said = "token-urgent-refused" if refuses else "token-urgent-allowed"
    await _show(visit, tokens.refuse_urgent(visit.chat.id, _token(visit), refuses, visit.now), said)


async def rotate(visit: Context) -> None:
    """Asks whether, or makes a new value and shows it for a minute. That it must go is on disk before it is
    there."""
    card = await _find(visit)
    if card is None:
        return
    prefix = visit.argument.partition(":")[2]
    if not prefix:
        sure = Button(say(visit.language, "token-rotate-sure"), f"token_new:{card.id}:{card.prefix}")
        return await _confirm(visit, "token-rotate-ask", card, sure)
    await scheduled.put(visit.chat.id, "token", visit.message_id, str(card.id), visit.now + SHOWN_FOR)
    card, value = await tokens.rotate(visit.chat.id, card.id, prefix, visit.now)
    if value is None:
        return await _show(visit, _known(card), "token-rotated-before")
    hide = Button(say(visit.language, "token-hide"), f"token:{card.id}")
    who = _whose(card)
    await visit.replace(formatted(visit.language, "token-rotated", [[hide]], who=who, value=value))
    await visit.answer()


async def revoke(visit: Context) -> None:
    """Asks whether, or ends the token; for ten seconds that can be taken back."""
    card = await _find(visit)
    if card is None:
        return
    if not visit.argument.partition(":")[2] and not card.over(visit.now):
        sure = Button(say(visit.language, "token-revoke-sure"), f"revoke:{card.id}:yes")
        return await _confirm(visit, "token-revoke-ask", card, sure)
    card = await tokens.revoke(visit.chat.id, card.id, visit.now)
    over = (card.revoked or visit.now) + tokens.UNDO_FOR
    await scheduled.put(visit.chat.id, "token", visit.message_id, str(card.id), over)
    await visit.replace(await _card(visit, card))
    await visit.answer(say(visit.language, "tokens-revoked", who=_whose(card)))


async def unrevoke(visit: Context) -> None:
    """Takes that back, or says that it is too late."""
    card = await _find(visit)
    if card is None:
        return
    card = await tokens.unrevoke(visit.chat.id, card.id, visit.now)
    await _show(visit, _known(card), "token-undo-late" if card.revoked else "token-undone")


async def settle(visit: Context) -> None:
    """What stood there for a while goes: the card as it is."""
    try:
        card = await tokens.card(visit.chat.id, _token(visit), visit.now)
    except TokenNotFound:
        return await visit.replace(formatted(visit.language, "tokens-gone"))
    await visit.replace(await _card(visit, card))
    await tokens.hide_value(visit.chat.id, card.id)


async def shown_card(visit: Context, token_id: int) -> Text:
    """A token's card. Raises TokenNotFound."""
    return await _card(visit, await tokens.card(visit.chat.id, token_id, visit.now))


async def _show(visit: Context, change: Awaitable[TokenCard], said: str) -> None:
    """The card as it is after the change."""
    try:
        card = await change
    except TokenNotFound:
        return await visit.answer(say(visit.language, "tokens-gone"))
    await _replace(visit, await _card(visit, card))
    if said and card.over(visit.now):
        said = "token-over"
    await visit.answer(say(visit.language, said) if said else "")


async def _replace(visit: Context, text: Text) -> None:
    """What was to be done about this message was about what it showed."""
    await visit.replace(text)
    await scheduled.drop(visit.chat.id, "token", visit.message_id)


async def _known(card: TokenCard) -> TokenCard:
    return card


async def _find(visit: Context) -> TokenCard | None:
    """The token a button is about; says so when there is none."""
    try:
        return await tokens.card(visit.chat.id, _token(visit), visit.now)
    except TokenNotFound:
        await visit.answer(say(visit.language, "tokens-gone"))
        return None


async def _confirm(visit: Context, question: str, card: TokenCard, sure: Button) -> None:
    if card.over(visit.now):
        return await _show(visit, _known(card), "token-over")
    no = Button(say(visit.language, "back"), f"token:{card.id}")
    await _replace(visit, formatted(visit.language, question, [[sure], [no]], who=_whose(card)))
    await visit.answer()


async def _choose(visit: Context, question: str, verb: str, choice: str, counts: tuple[int, ...]) -> None:
    card = await _find(visit)
    if card is None:
        return
    if card.over(visit.now):
        return await _show(visit, _known(card), "token-over")
    buttons = [
        Button(say(visit.language, choice, count=count), f"{verb}:{card.id}:{count}")
        for count in (*counts, 0)
    ]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    rows.append([Button(say(visit.language, "back"), f"token:{card.id}")])
    await _replace(visit, formatted(visit.language, question, rows, who=_whose(card)))
    await visit.answer()


async def _list(visit: Context, page: int) -> Text:
    cards = await tokens.of_chat(visit.chat.id, visit.now)
    if not cards:
        return formatted(visit.language, "tokens-none")
    page = min(page, (len(cards) - 1) // PAGE)
    shown = cards[page * PAGE : (page + 1) * PAGE]
    rows = [[Button(_label(card), f"token:{card.id}")] for card in shown]
    turns = []
    if page:
        turns.append(Button("‹", f"tokens:{page - 1}"))
    if (page + 1) * PAGE < len(cards):
        turns.append(Button("›", f"tokens:{page + 1}"))
    return formatted(visit.language, "tokens-title", [*rows, *([turns] if turns else [])], count=len(cards))


def _label(card: TokenCard) -> str:
    return ("⏸ " if card.paused else "") + shortened(_whose(card), BUTTON_LENGTH)


async def _card(visit: Context, card: TokenCard) -> Text:
    language = visit.language
    if card.over(visit.now):
        return _over(visit, card)
    lines = [
        formatted(
            language,
            "token-card" if card.account_name is not None else "token-card-own",
            name=card.name,
            account=card.account_name or "",
            prefix=card.prefix,
            created=_day(visit, card.created),
            used=shown_age(language, card.last_used, visit.now),
        ),
        formatted(language, "token-week", count=await tokens.messages_since(card.id, visit.now - WEEK)),
    ]
    if card.paused:
        lines.append(formatted(language, "token-is-paused"))
    if card.limit_minute:
        lines.append(formatted(language, "token-is-limited", count=card.limit_minute))
    if card.expires:
        lines.append(formatted(language, "token-expires", day=_day(visit, card.expires)))
    if card.refuses_urgent:
        lines.append(formatted(language, "token-not-urgent"))
    return joined(lines, buttons=_buttons(language, card))


def _over(visit: Context, card: TokenCard) -> Text:
    rows = [[Button(say(visit.language, "tokens-all"), "tokens:0")]]
    if card.revoked is None:
        return formatted(visit.language, "token-expired", rows, who=_whose(card))
    if card.revoked > visit.now - tokens.UNDO_FOR:
        rows.insert(0, [Button(say(visit.language, "token-undo"), f"unrevoke:{card.id}")])
    return formatted(visit.language, "token-revoked", rows, who=_whose(card), prefix=card.prefix)


def _buttons(language: str, card: TokenCard) -> list[list[Button]]:
    def button(words: str, data: str) -> Button:
        return Button(say(language, words), data.replace("ID", str(card.id)))

    return [
        [
            button("token-rename", "token_name:ID"),
            button("token-resume", "token_pause:ID:0")
            if card.paused
            else button("token-pause", "token_pause:ID:1"),
        ],
        [button("token-limit", "token_limit:ID"), button("token-expiry", "token_expiry:ID")],
        [
            button("token-rotate", "token_new:ID"),
            button("token-urgent-allow", "token_urgent:ID:0")
            if card.refuses_urgent
            else button("token-urgent-refuse", "token_urgent:ID:1"),
        ],
        [button("token-revoke", "revoke:ID")],
        [button("tokens-all", "tokens:0")],
    ]


def _day(visit: Context, moment: datetime) -> str:
    return shown_day(moment.astimezone(visit.zone).date())


def _whose(card: TokenCard) -> str:
    return whose(card.account_name, card.name)


def _token(visit: Context) -> int:
    return number_in(visit.argument.partition(":")[0])


def _choice(visit: Context) -> int | None:
    """What stands behind the token's number; None when nothing does."""
    chosen = visit.argument.partition(":")[2]
    return min(number_in(chosen), max(EXPIRIES)) if chosen else None

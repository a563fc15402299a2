"""What /queue leads to: what waits, failed or is uncertain, by person and by sender; one of these messages,
and what to do about it. What people were written is never shown here."""

from collections.abc import Callable
from typing import cast

import msgspec

from djangobot.bot.dispatch.dispatcher import Context, number_in, sender_in
from djangobot.bot.rendering.humanize import (
    BUTTON_LENGTH,
    shortened,
    shown_age,
    shown_reason,
    shown_status,
    shown_time,
)
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery import backlog
from djangobot.db.delivery.backlog import STATES, BacklogItem, Group, Side, State, Verb

PAGE = 8
NAME_LENGTH = BUTTON_LENGTH // 3
NAMES: dict[State, str] = {
    "due": "queue-due",
    "postponed": "queue-postponed",
    "failed": "queue-failed",
    "uncertain": "queue-uncertain",
}
GROUPED: dict[Side, str] = {"chat": "queue-by-person", "account": "queue-by-sender"}
MAY: dict[State, tuple[Verb, ...]] = {
    "due": ("drop",),
    "postponed": ("hasten", "drop"),
    "failed": ("retry",),
    "uncertain": ("resend", "drop"),
}
WORDS: dict[Verb, str] = {
    "hasten": "queue-one-hasten",
    "retry": "queue-one-retry",
    "resend": "queue-one-resend",
    "drop": "queue-one-drop",
}
ASKED: dict[Verb, str] = {"resend": "queue-one-resend-ask", "drop": "queue-one-drop-ask"}
SURE: dict[Verb, str] = {"resend": "queue-one-resend-sure", "drop": "queue-one-drop-sure"}


class Place(msgspec.Struct, frozen=True):
    """A page of a list, as short as a button's data must be: `f.c1001.0` is what failed to reach 1001."""

    state: State | None = None
    side: Side | None = None
    of: int = backlog.NOBODY
    page: int = 0

    def __str__(self) -> str:
        whose = "" if self.side is None else f"{self.side[0]}{self.of}"
        return f"{(self.state or '')[:1]}.{whose}.{self.page}"

    @classmethod
    def read(cls, written: str) -> "Place":
        """What is no place is the first page of all."""
        state, whose, page = [*written.split("."), "", "", ""][:3]
        side = {"c": "chat", "a": "account"}.get(whose[:1])
        return cls(
            state=next((one for one in STATES if one[0] == state), None),
            side=cast(Side | None, side),
            of=sender_in(whose[1:]),
            page=number_in(page),
        )


def rows(language: str, counts: backlog.Counts) -> list[list[Button]]:
    """The ways from /queue to what it counts."""
    many = {state: getattr(counts, state) for state in STATES}
    states = [
        Button(f"{say(language, NAMES[state])}: {many[state]}", f"queue_list:{Place(state)}")
        for state in STATES
        if many[state]
    ]
    sides = [Button(say(language, GROUPED[side]), f"queue_by:{side}:0") for side in GROUPED]
    return [states[:2], states[2:], sides] if states else []


async def show_groups(visit: Context) -> None:
    """By person, or by sender, the longest list first."""
    named, _, written = visit.argument.partition(":")
    side: Side = "account" if named == "account" else "chat"
    page = number_in(written)
    found = await backlog.groups(side, visit.now, PAGE + 1, page * PAGE)
    lines = [formatted(visit.language, GROUPED[side])]
    shown: list[list[Button]] = []
    for group in found[:PAGE]:
        who = _named(visit.language, group)
        lines.append(
            formatted(
                visit.language,
                "queue-group",
                who=who,
                due=group.due,
                postponed=group.postponed,
                failed=group.failed,
                uncertain=group.uncertain,
            )
        )
        place = Place(side=side, of=group.id)
        shown.append([Button(shortened(who, BUTTON_LENGTH), f"queue_list:{place}")])
    if not found:
        lines.append(formatted(visit.language, "queue-nothing"))
    shown.append(_turns(visit.language, page, len(found) > PAGE, lambda number: f"queue_by:{side}:{number}"))
    back = [Button(say(visit.language, "back"), "queue:")]
    await visit.replace(joined(lines, buttons=[*filter(None, shown), back]))
    await visit.answer()


async def show_list(visit: Context) -> None:
    """A page of them, each a button."""
    await visit.replace(await _list(visit, Place.read(visit.argument)))
    await visit.answer()


async def show_one(visit: Context) -> None:
    """One of them."""
    number, _, place = visit.argument.partition(":")
    await _replace(visit, number_in(number), Place.read(place))
    await visit.answer()


async def act(visit: Context) -> None:
    """Does what its button says; what can't be taken back after a question."""
    verb, _, rest = visit.argument.partition(":")
    number, _, written = rest.partition(":")
    sure, place = written.endswith(":yes"), Place.read(written.removesuffix(":yes"))
    if verb not in WORDS:
        return await visit.answer(say(visit.language, "button-unknown"))
    if verb in ASKED and not sure:
        data = f"{number_in(number)}:{place}"
        asked = [
            [Button(say(visit.language, SURE[verb]), f"queue_do:{verb}:{data}:yes")],
            [Button(say(visit.language, "back"), f"queue_one:{data}")],
        ]
        await visit.replace(formatted(visit.language, ASKED[verb], asked))
        return await visit.answer()
    done = await backlog.apply(verb, number_in(number), visit.chat.id, visit.now)
    await _replace(visit, number_in(number), place)
    await visit.answer(say(visit.language, "queue-one-done" if done else "queue-one-changed"))


def _named(language: str, group: Group) -> str:
    if group.id == backlog.NOBODY:
        return say(language, "queue-service")
    return group.name or str(group.id)


def _turns(language: str, page: int, more: bool, data: Callable[[int], str]) -> list[Button]:
    turns = []
    if page:
        turns.append(Button(say(language, "queue-before"), data(page - 1)))
    if more:
        turns.append(Button(say(language, "queue-after"), data(page + 1)))
    return turns


async def _list(visit: Context, place: Place) -> Text:
    language = visit.language
    found = await backlog.listed(
        visit.now, PAGE + 1, place.page * PAGE, state=place.state, side=place.side, of=place.of
    )
    lines = [formatted(language, NAMES[place.state] if place.state else "queue-all")]
    shown: list[list[Button]] = []
    for one in found[:PAGE]:
        shown.append([Button(_line(visit, one, place), f"queue_one:{one.id}:{place}")])
    if not found:
        lines.append(formatted(language, "queue-nothing"))

    def data(page: int) -> str:
        return f"queue_list:{msgspec.structs.replace(place, page=page)}"

    shown.append(_turns(language, place.page, len(found) > PAGE, data))
    back = "queue:" if place.side is None else f"queue_by:{place.side}:0"
    return joined(lines, buttons=[*filter(None, shown), [Button(say(language, "back"), back)]])


def _line(visit: Context, one: BacklogItem, place: Place) -> str:
    """What its list does not say."""
    language, state = visit.language, one.state(visit.now)
    sender = shortened(one.sender, NAME_LENGTH) or say(language, "queue-service")
    person = shortened(one.person, NAME_LENGTH) or str(one.chat_id)
    who = {"chat": sender, "account": person}.get(place.side or "", f"{sender} → {person}")
    what = say(language, NAMES[state]) if state and not place.state else ""
    return " · ".join(part for part in (what, who, shown_age(language, one.created, visit.now)) if part)


async def _replace(visit: Context, number: int, place: Place) -> None:
    one = await backlog.get(number)
    back = [Button(say(visit.language, "back"), f"queue_list:{place}")]
    if one is None:
        return await visit.replace(formatted(visit.language, "queue-nothing", [back]))
    state = one.state(visit.now)
    verbs: tuple[Verb, ...] = MAY[state] if state and one.status != "sending" else ()
    deeds = [Button(say(visit.language, WORDS[verb]), f"queue_do:{verb}:{one.id}:{place}") for verb in verbs]
    await visit.replace(joined(_lines(visit, one, state), buttons=[*filter(None, [deeds]), back]))


def _lines(visit: Context, one: BacklogItem, state: State | None) -> list[Text]:
    language = visit.language
    sender = one.sender or say(language, "queue-service")
    if one.token and one.token != one.sender:
        sender = f"{sender} · {one.token}"
    lines = [
        formatted(
            language,
            "queue-one",
            state=say(language, NAMES[state]) if state else shown_status(language, one.status),
            id=one.public_id,
            sender=sender,
            person=f"{one.person} ({one.chat_id})" if one.person else str(one.chat_id),
            time=shown_time(one.created.astimezone(visit.zone)),
            age=shown_age(language, one.created, visit.now),
            count=one.length,
            attempts=one.attempts,
        )
    ]
    if state == "postponed":
        lines.append(
            formatted(language, "queue-one-next", time=f"{one.next_attempt.astimezone(visit.zone):%H:%M:%S}")
        )
    if one.failure:
        lines.append(formatted(language, "queue-one-reason", reason=shown_reason(language, one.failure)))
    if one.urgent:
        lines.append(formatted(language, "queue-one-urgent"))
    if one.expires:
        lines.append(
            formatted(language, "queue-one-expires", time=shown_time(one.expires.astimezone(visit.zone)))
        )
    if one.status == "sending":
        lines.append(formatted(language, "queue-one-sending"))
    if one.blocked:
        lines.append(formatted(language, "queue-one-blocked"))
    if one.banned:
        lines.append(formatted(language, "queue-one-banned"))
    return lines

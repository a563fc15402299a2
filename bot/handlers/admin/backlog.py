"""The lists behind /queue: messages that wait, failed or are uncertain, by person and by sender; one of these
messages, and decisions about it. Its text is never shown here."""

import msgspec

from djangobot.bot.callback_data.admin_buttons import (
    DecideQueued,
    GroupQueue,
    ListQueue,
    OpenQueued,
    QueuePlace,
    ShowQueue,
    SideLetter,
    StateLetter,
)
from djangobot.bot.callback_data.buttons import CallbackData
from djangobot.bot.context import Context
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
STATE_OF: dict[StateLetter, State] = {"d": "due", "p": "postponed", "f": "failed", "u": "uncertain"}
LETTER_OF: dict[State, StateLetter] = {state: letter for letter, state in STATE_OF.items()}
SIDE_OF: dict[SideLetter, Side] = {"c": "chat", "a": "account"}
SIDE_LETTER_OF: dict[Side, SideLetter] = {side: letter for letter, side in SIDE_OF.items()}
ALLOWED: dict[State, tuple[Verb, ...]] = {
    "due": ("drop",),
    "postponed": ("send", "drop"),
    "failed": ("retry",),
    "uncertain": ("resend", "drop"),
}
WORDS: dict[Verb, str] = {
    "send": "queue-one-send-now",
    "retry": "queue-one-retry",
    "resend": "queue-one-resend",
    "drop": "queue-one-drop",
}
ASKED: dict[Verb, str] = {"resend": "queue-one-resend-ask", "drop": "queue-one-drop-ask"}
SURE: dict[Verb, str] = {"resend": "queue-one-resend-sure", "drop": "queue-one-drop-sure"}


def rows(language: str, counts: backlog.Counts) -> list[list[Button]]:
    """The buttons from /queue to the lists of what it counts."""
    many = {state: getattr(counts, state) for state in STATES}
    states = [
        Button(f"{say(language, NAMES[state])}: {many[state]}", ListQueue(LETTER_OF[state], "", 0, 0).pack())
        for state in STATES
        if many[state]
    ]
    sides = [Button(say(language, GROUPED[side]), GroupQueue(side).pack()) for side in GROUPED]
    return [states[:2], states[2:], sides] if states else []


async def show_groups(context: Context, data: GroupQueue) -> None:
    """Shows the chats or accounts, the one with the most messages first."""
    language = context.language
    found = await backlog.groups(data.side, context.now, PAGE + 1, data.page * PAGE)
    lines = [formatted(language, GROUPED[data.side])]
    shown: list[list[Button]] = []
    for group in found[:PAGE]:
        lines.append(_group_line(language, group))
        place = ListQueue("", SIDE_LETTER_OF[data.side], group.id, 0)
        shown.append([Button(shortened(_named(language, group), BUTTON_LENGTH), place.pack())])
    if not found:
        lines.append(formatted(language, "queue-nothing"))
    before = GroupQueue(data.side, data.page - 1) if data.page else None
    after = GroupQueue(data.side, data.page + 1) if len(found) > PAGE else None
    back = [Button(say(language, "back"), ShowQueue().pack())]
    buttons = [*shown, _turns(language, before, after), back]
    await context.replace(joined(lines, buttons=[row for row in buttons if row]))
    await context.answer()


async def show_list(context: Context, data: ListQueue) -> None:
    """Shows a page of messages, each as a button."""
    await context.replace(await _list(context, data))
    await context.answer()


async def show_one(context: Context, data: OpenQueued) -> None:
    """Shows one message."""
    await _replace(context, data.message, data)
    await context.answer()


async def apply(context: Context, data: DecideQueued) -> None:
    """Decides about one message. Asks before a decision that can't be undone."""
    if data.verb in ASKED and not data.sure:
        sure = msgspec.structs.replace(data, sure=True)
        buttons = [
            [Button(say(context.language, SURE[data.verb]), sure.pack())],
            [Button(say(context.language, "back"), _one(data, data.message).pack())],
        ]
        await context.replace(formatted(context.language, ASKED[data.verb], buttons))
        return await context.answer()
    done = await backlog.apply(data.verb, data.message, context.chat.id, context.now)
    await _replace(context, data.message, data)
    await context.answer(say(context.language, "queue-one-done" if done else "queue-one-changed"))


def _listed(place: QueuePlace, page: int) -> ListQueue:
    """The same list at another page."""
    return ListQueue(place.state, place.side, place.of, page)


def _one(place: QueuePlace, message_id: int) -> OpenQueued:
    """One message of this list."""
    return OpenQueued(place.state, place.side, place.of, place.page, message_id)


def _named(language: str, group: Group) -> str:
    if group.id == backlog.NOBODY:
        return say(language, "queue-service")
    return group.name or str(group.id)


def _group_line(language: str, group: Group) -> Text:
    return formatted(
        language,
        "queue-group",
        who=_named(language, group),
        due=group.due,
        postponed=group.postponed,
        failed=group.failed,
        uncertain=group.uncertain,
    )


def _turns(language: str, before: CallbackData | None, after: CallbackData | None) -> list[Button]:
    turns = []
    if before is not None:
        turns.append(Button(say(language, "queue-before"), before.pack()))
    if after is not None:
        turns.append(Button(say(language, "queue-after"), after.pack()))
    return turns


async def _list(context: Context, place: ListQueue) -> Text:
    language, page = context.language, place.page
    state, side = STATE_OF.get(place.state), SIDE_OF.get(place.side)
    found = await backlog.listed(context.now, PAGE + 1, page * PAGE, state=state, side=side, of=place.of)
    lines = [formatted(language, NAMES[state] if state else "queue-all")]
    shown = [[Button(_line(context, one, place), _one(place, one.id).pack())] for one in found[:PAGE]]
    if not found:
        lines.append(formatted(language, "queue-nothing"))
    before = _listed(place, page - 1) if page else None
    after = _listed(place, page + 1) if len(found) > PAGE else None
    back = ShowQueue() if side is None else GroupQueue(side)
    buttons = [*shown, _turns(language, before, after), [Button(say(language, "back"), back.pack())]]
    return joined(lines, buttons=[row for row in buttons if row])


def _line(context: Context, one: BacklogItem, place: QueuePlace) -> str:
    """The label of a message: what its list does not say."""
    language, state = context.language, one.state(context.now)
    sender = shortened(one.sender, NAME_LENGTH) or say(language, "queue-service")
    person = shortened(one.person, NAME_LENGTH) or str(one.chat_id)
    who = {"c": sender, "a": person}.get(place.side, f"{sender} → {person}")
    what = say(language, NAMES[state]) if state and not place.state else ""
    age = shown_age(language, one.created, context.now)
    return " · ".join(part for part in (what, who, age) if part)


async def _replace(context: Context, message_id: int, place: QueuePlace) -> None:
    one = await backlog.get(message_id)
    back = [Button(say(context.language, "back"), _listed(place, place.page).pack())]
    if one is None:
        return await context.replace(formatted(context.language, "queue-nothing", [back]))
    state = one.state(context.now)
    verbs: tuple[Verb, ...] = ALLOWED[state] if state and one.status != "sending" else ()
    decisions = [
        Button(
            say(context.language, WORDS[verb]),
            DecideQueued(place.state, place.side, place.of, place.page, one.id, verb).pack(),
        )
        for verb in verbs
    ]
    buttons = [decisions, back] if decisions else [back]
    await context.replace(joined(_lines(context, one, state), buttons=buttons))


def _lines(context: Context, one: BacklogItem, state: State | None) -> list[Text]:
    language = context.language
    lines = [_head(context, one, state)]
    if state == "postponed":
        time = f"{one.next_attempt.astimezone(context.zone):%H:%M:%S}"
        lines.append(formatted(language, "queue-one-next", time=time))
    if one.failure:
        lines.append(formatted(language, "queue-one-reason", reason=shown_reason(language, one.failure)))
    if one.urgent:
        lines.append(formatted(language, "queue-one-urgent"))
    if one.expires:
        time = shown_time(one.expires.astimezone(context.zone))
        lines.append(formatted(language, "queue-one-expires", time=time))
    if one.status == "sending":
        lines.append(formatted(language, "queue-one-sending"))
    if one.blocked:
        lines.append(formatted(language, "queue-one-blocked"))
    if one.banned:
        lines.append(formatted(language, "queue-one-banned"))
    return lines


def _head(context: Context, one: BacklogItem, state: State | None) -> Text:
    language = context.language
    sender = one.sender or say(language, "queue-service")
    if one.token and one.token != one.sender:
        sender = f"{sender} · {one.token}"
    return formatted(
        language,
        "queue-one",
        state=say(language, NAMES[state]) if state else shown_status(language, one.status),
        id=one.public_id,
        sender=sender,
        person=f"{one.person} ({one.chat_id})" if one.person else str(one.chat_id),
        time=shown_time(one.created.astimezone(context.zone)),
        age=shown_age(language, one.created, context.now),
        count=one.length,
        attempts=one.attempts,
    )

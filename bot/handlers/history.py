"""/history: what was sent to this person, page by page in one message, of one sender or one day if they
like."""

from datetime import UTC, date, datetime, timedelta, tzinfo

import msgspec

from djangobot.bot.dispatch.dispatcher import Context, number_in
from djangobot.bot.rendering import timezones
from djangobot.bot.rendering.buttons import full_button
from djangobot.bot.rendering.humanize import BUTTON_LENGTH, shortened, shown_day, shown_time, whose
from djangobot.bot.rendering.messages import split
from djangobot.bot.rendering.replies import formatted, joined, say
from djangobot.bot.telegram.text import MESSAGE_LIMIT, Button, Text
from djangobot.db.messages import history
from djangobot.db.messages.history import Page, Place, Sender
from djangobot.db.messages.messages import Entry

PAGE = 5
TEXT_SHOWN = 300
"""Characters of each message; a page of five stays far below 4096."""
CHOICES = 8
"""Senders or days to choose from at once."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class View(msgspec.Struct, frozen=True):
    """What the message shows: `p` a page, `s` the senders or `d` the days to choose from; where it begins,
    and what is chosen.

    It travels in the buttons (Telegram: 64 bytes): `history:p<START/TOKEN/DAY`, numbers to the base of 36.
    """

    what: str = "p"
    way: str = ""
    """`<` older than `start`, `>` newer."""
    start: tuple[int, int] = (0, 0)
    """A time in microseconds and an id; for a list of senders how many to pass over."""
    token: int | None = None
    day: int | None = None
    """As `date.toordinal` counts."""

    @property
    def data(self) -> str:
        """For a button."""
        start = ".".join(map(to_36, self.start)) if self.way else ""
        chosen = [to_36(number) if number is not None else "" for number in (self.token, self.day)]
        return f"history:{self.what}{self.way}{start}/{'/'.join(chosen)}"

    @property
    def place(self) -> Place:
        """Where the page begins."""
        return Place(EPOCH + self.start[0] * MICROSECOND, self.start[1])

    def but(self, **changes: object) -> "View":
        """The same with other choices, from its beginning."""
        return msgspec.structs.replace(self, **{"what": "p", "way": "", "start": (0, 0)} | changes)


def read_view(data: str) -> View:
    """What a button said; what it can't have said is the newest page."""
    try:
        front, token, day = data.split("/")
        what, way = front[:1], front[1:2]
        start = tuple(int(number, 36) for number in front[2:].split(".")) if way else (0, 0)
        view = View(
            what, way, (start[0], start[1]), int(token, 36) if token else None, int(day, 36) if day else None
        )
        _ = view.place, date.fromordinal(view.day or 1) + timedelta(days=1)
    except (ValueError, IndexError, OverflowError):
        return View()
    large = any(abs(number) > 2**63 - 1 for number in (*view.start, view.token or 0))
    known = view.what in ("p", "s", "d") and view.way in ("", "<", ">")
    return view if known and not large else View()


async def show(visit: Context) -> None:
    """The newest messages."""
    await visit.reply(await _shown(visit, View()))


async def turn_page(visit: Context) -> None:
    """Another page, or a choice, in place of this one."""
    await visit.replace(await _shown(visit, read_view(visit.argument)))
    await visit.answer()


async def _shown(visit: Context, view: View) -> Text:
    if view.what == "s":
        return await _senders(visit, view)
    if view.what == "d":
        return await _days(visit, view)
    return await _page(visit, view)


async def _page(visit: Context, view: View) -> Text:
    zone = visit.zone
    page = await history.page(
        visit.chat.id,
        limit=PAGE,
        before=view.place if view.way == "<" else None,
        after=view.place if view.way == ">" else None,
        token=view.token,
        days=history.whole_day(date.fromordinal(view.day), zone) if view.day else None,
    )
    if not page.messages and view.way:  # gone meanwhile
        return await _page(visit, view.but())
    senders = await history.senders(visit.chat.id)
    if not senders:
        return formatted(visit.language, "history-none")
    lines = [formatted(visit.language, "history-title", zone=timezones.shown(visit.language, str(zone)))]
    lines += [
        headed(visit.language, entry, zone, Text(shortened(entry.text, TEXT_SHOWN)))
        for entry in page.messages
    ]
    if not page.messages:
        lines.append(formatted(visit.language, "history-nothing"))
    rows = [*_whole(visit, page), _turns(visit.language, view, page), *_filters(visit, view, senders)]
    return joined(lines, separator="\n\n", buttons=[row for row in rows if row])


def _whole(visit: Context, page: Page) -> list[list[Button]]:
    """Those of which not all is shown, two in a row."""
    buttons = [
        full_button(visit.language, f"{entry.time.astimezone(visit.zone):%H:%M}", entry.seq)
        for entry in page.messages
        if shortened(entry.text, TEXT_SHOWN) != entry.text
    ]
    return [buttons[at : at + 2] for at in range(0, len(buttons), 2)]


async def show_full(visit: Context) -> None:
    """One message to the letter, in messages of its own; what is listed stays."""
    entry = await history.one(visit.chat.id, number_in(visit.argument))
    if entry is None:
        return await visit.answer(say(visit.language, "history-gone"))
    await visit.answer()
    whole = headed(visit.language, entry, visit.zone, Text(entry.text))
    first, *others = split(whole.text, MESSAGE_LIMIT)
    for part in (Text(first, whole.spans), *map(Text, others)):
        if part.text.strip():
            await visit.reply(part)


def _turns(language: str, view: View, page: Page) -> list[Button]:
    row = []
    if page.newer:
        row.append(Button(say(language, "history-newest"), view.but().data))
        newer = view.but(way=">", start=_start(page.messages[0]))
        row.append(Button(say(language, "history-newer"), newer.data))
    if page.older:
        older = view.but(way="<", start=_start(page.messages[-1]))
        row.append(Button(say(language, "history-older"), older.data))
    return row


def _filters(visit: Context, view: View, senders: list[Sender]) -> list[list[Button]]:
    """What is chosen, each a way to choose otherwise; of one sender there is nothing to choose."""
    language, row = visit.language, []
    chosen = next((whose(s.account, s.name) for s in senders if s.token == view.token), None)
    if len(senders) > 1 or view.token is not None:
        name = shortened(chosen, BUTTON_LENGTH) if chosen else say(language, "history-all-senders")
        row.append(Button(f"{name} ▾", view.but(what="s").data))
    day = shown_day(date.fromordinal(view.day)) if view.day else say(language, "history-any-day")
    return [[button] for button in (*row, Button(f"{day} ▾", view.but(what="d").data))]


async def _senders(visit: Context, view: View) -> Text:
    senders = await history.senders(visit.chat.id)
    first = max(0, view.start[1]) if view.start[1] < len(senders) else 0
    rows = [[Button(say(visit.language, "history-all-senders"), view.but(token=None).data)]]
    for sender in senders[first : first + CHOICES]:
        name = shortened(whose(sender.account, sender.name), BUTTON_LENGTH)
        rows.append([Button(name, view.but(token=sender.token).data)])
    turns = []
    if first:
        back = view.but(what="s", way="<", start=(0, max(0, first - CHOICES)))
        turns.append(Button(say(visit.language, "history-back"), back.data))
    if len(senders) > first + CHOICES:
        more = view.but(what="s", way="<", start=(0, first + CHOICES))
        turns.append(Button(say(visit.language, "history-more"), more.data))
    rows += [turns] if turns else []
    return formatted(visit.language, "history-choose-sender", rows)


async def _days(visit: Context, view: View) -> Text:
    zone, language = visit.zone, visit.language
    before = view.place.time if view.way else visit.now + timedelta(days=1)
    days = await history.days_with_messages(visit.chat.id, zone, limit=CHOICES + 1, before=before)
    buttons = [Button(shown_day(day), view.but(day=day.toordinal()).data) for day in days[:CHOICES]]
    rows = [[Button(say(language, "history-any-day"), view.but(day=None).data)]]
    rows += [buttons[number : number + 2] for number in range(0, len(buttons), 2)]
    if len(days) > CHOICES:
        from_there = _microseconds(history.start_of(days[CHOICES - 1], zone))
        earlier = view.but(what="d", way="<", start=(from_there, 0))
        rows.append([Button(say(language, "history-earlier"), earlier.data)])
    return formatted(language, "history-choose-day", rows)


def headed(language: str, entry: Entry, zone: tzinfo, text: Text) -> Text:
    """A message in a list: who, when, what became of it; below, what of its text is shown."""
    head = formatted(
        language,
        "history-head",
        sender=whose(entry.sender, entry.token or entry.sender),
        time=shown_time(entry.time.astimezone(zone)),
        status=entry.status,
    )
    return joined([head, text])


def _start(entry: Entry) -> tuple[int, int]:
    return _microseconds(entry.time), entry.seq


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def to_36(number: int) -> str:
    """As `int(text, 36)` reads it."""
    digits = ""
    left = abs(number)
    while left or not digits:
        left, digit = divmod(left, 36)
        digits = DIGITS[digit] + digits
    return f"-{digits}" if number < 0 else digits

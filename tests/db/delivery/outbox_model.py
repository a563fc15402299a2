"""The model of the outbox: what its rows must say after each step, told without a database."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from djangobot.db.delivery import outcomes
from djangobot.db.engine import Row
from djangobot.db.messages import content as contents
from djangobot.db.messages import presses
from djangobot.db.messages.schedule import CANCELED_BY_PERSON

UNSETTLED = ("queued", "sending")
BYTES_GO = ("sent", "expired", "canceled", "replaced")
"""The statuses after which nobody needs the bytes of a message's files."""
OUTCOMES = ["sent", "sent", "failed", "uncertain", "expired", "postponed", "not done", "held", "anew"]
ROWS = """
SELECT id, public_id, chat, next_attempt AS due, random_id, urgent, expires, text, rich AS value, send_at,
       status, kind, replace_key AS key, replaces AS root, edits, place, attempts, first_attempt, failure,
       telegram_id, pressed
FROM message WHERE kind IN ('message', 'edit') ORDER BY id
"""
AT_ONCE = datetime.min.replace(tzinfo=UTC)
Order = tuple[bool, int, datetime, int]
"""A place in the queue of a chat: edits last, then by the place, the time that was chosen, and the id."""


class Modelled(msgspec.Struct):
    """What a row must say. `value`: that of its one button. `root`: the id of the message that it edits."""

    id: int
    public_id: str
    chat: int
    token: int
    due: datetime
    random_id: int
    urgent: bool
    expires: datetime | None
    text: str
    value: str | None = None
    send_at: datetime | None = None
    status: str = "queued"
    kind: str = "message"
    key: str | None = None
    root: int | None = None
    edits: int = 0
    place: int | None = None
    attempts: int = 0
    first_attempt: datetime | None = None
    failure: str | None = None
    telegram_id: int | None = None
    pressed: str | None = None

    @property
    def order(self) -> Order:
        place = self.id * 2 if self.place is None else self.place
        return (self.kind == "edit", place, self.send_at or AT_ONCE, self.id)

    @property
    def name(self) -> tuple[int, str] | None:
        """The replace key by which its token finds it."""
        return (self.token, self.key) if self.key is not None and self.kind == "message" else None

    def over(self, now: datetime) -> bool:
        """Queued, and not to be sent any more."""
        return self.status == "queued" and self.expires is not None and self.expires <= now

    def end(self, status: str, failure: str | None = None) -> None:
        self.status, self.failure = status, failure


class Model:
    """All rows, in the order of their ids, and what each verb makes of them."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.rows: list[Modelled] = []
        self.sent: list[tuple[int, Order]] = []
        """What was sent to which chat, and its place then."""
        self.out_of_order: set[int] = set()
        """The messages that come late: edits that were sent as new, and what was canceled for a while."""
        self.silent: dict[int, set[str]] = {}
        """Why each chat gets nothing, if it gets nothing."""
        self.files: dict[int, int] = {}
        """The stored file of a message."""

    def row(self, row_id: int | None) -> Modelled | None:
        return next((row for row in self.rows if row.id == row_id), None)

    def named(self, name: tuple[int, str] | None) -> Modelled | None:
        return next((row for row in self.rows if row.name == name), None)

    def with_status(self, *statuses: str) -> list[Modelled]:
        return [row for row in self.rows if row.status in statuses]

    def is_sending(self, chat: int) -> bool:
        return any(row.chat == chat for row in self.with_status("sending"))

    def has_urgent(self, chat: int) -> bool:
        return any(row.urgent for row in self.with_status(*UNSETTLED) if row.chat == chat)

    def heads(self) -> list[Modelled]:
        """The first of each chat that is not settled."""
        first: dict[int, Modelled] = {}
        for row in sorted(self.with_status(*UNSETTLED), key=lambda row: row.order):
            first.setdefault(row.chat, row)
        return list(first.values())

    def waiting(self) -> list[Modelled]:
        """Those of the heads that can be claimed when they fall due."""
        ready = [
            row
            for row in self.heads()
            if row.status == "queued" and not self.silent[row.chat] and not self.is_sending(row.chat)
        ]
        return sorted(ready, key=lambda row: (row.due, row.id))

    def oldest_due(self) -> datetime | None:
        waiting = self.waiting()
        due = [row.due for row in self.heads() if row.status == "sending" or row in waiting]
        return min((when for when in due if when <= self.now), default=None)

    def due(self, chats: Iterable[int] | None) -> list[Modelled]:
        """What a claim finds, in its order."""
        found = [m for m in self.waiting() if m.due <= self.now and (chats is None or m.chat in chats)]
        return sorted(found, key=lambda row: (not self.has_urgent(row.chat), row.kind == "edit", row.due))

    def waiting_edits(self, root: Modelled) -> list[Modelled]:
        return [row for row in self.rows if row.root == root.id and row.status == "queued"]

    def move(self, old: Modelled, new: Modelled, *statuses: str) -> None:
        """The edits of one message become those of another."""
        for row in self.with_status(*statuses):
            if row.root == old.id and row is not new:
                row.root = new.id

    def accept(self, new: Modelled) -> None:
        """Adds a row. One with a replace key finds its root."""
        root = None if new.name is None else self.named(new.name)
        self.rows.append(new)
        if root is None:
            return
        for row in self.waiting_edits(root):
            row.end("replaced")
        if root.status in ("sent", "sending") or (root.status == "queued" and root.first_attempt):
            new.kind, new.root = "edit", root.id
            return
        self.move(root, new, "scheduled")
        if root.status in ("queued", "held", "scheduled"):
            root.end("replaced")
            root.kind, root.root = "edit", new.id
        else:
            root.key = None

    def take(self, row: Modelled) -> None:
        row.status, row.attempts = "sending", row.attempts + 1
        row.first_attempt = row.first_attempt or self.now

    def settle(self, result: outcomes.Settled) -> None:
        """What is not being sent any more is left alone."""
        row = self.row(result.message.id)
        assert row is not None
        if row.status != "sending":
            return
        match result:
            case outcomes.Sent():
                self._sent(row, result.telegram_id)
            case outcomes.SentAnew():
                self._send_anew(row, result.until)
            case outcomes.Postponed():
                row.end("queued", "a reason")
                row.due = result.until
                if result.not_done:
                    row.first_attempt = result.message.first_attempt
            case outcomes.Held():
                row.end("held")
                row.attempts, row.first_attempt = 0, None
            case outcomes.Failed() | outcomes.Uncertain() | outcomes.Expired():
                row.end(outcomes.status_of(result), "a reason")

    def _sent(self, row: Modelled, telegram_id: int) -> None:
        row.end("sent")
        row.telegram_id = telegram_id
        root = self.row(row.root)
        if root is not None:
            root.edits, root.text, root.value = root.edits + 1, row.text, row.value
        if row.id not in self.out_of_order:
            self.sent.append((row.chat, row.order))

    def _send_anew(self, row: Modelled, until: datetime) -> None:
        root = self.row(row.root)
        if root is not None:
            root.key = None
        if row.key is not None and self.named((row.token, row.key)) not in (None, row):
            row.end("replaced")
            return
        if root is not None:
            self.move(root, row, "queued", "scheduled")
        row.end("queued", "a reason")
        row.kind, row.root, row.due = "message", None, until
        row.attempts, row.first_attempt = 0, None
        self.out_of_order.add(row.id)

    def expire(self, in_doubt: str) -> int:
        """What may be in the chat is not said to have expired."""
        over = [row for row in self.rows if row.over(self.now)]
        for row in over:
            row.end(*(("uncertain", in_doubt) if row.first_attempt else ("expired", None)))
        return len(over)

    def make_due(self) -> int:
        late = [row for row in self.with_status("queued") if row.due > self.now]
        for row in late:
            row.due = self.now
        return len(late)

    def queue(self, rows: Iterable[Modelled]) -> None:
        """Scheduled messages stand behind all that there is."""
        for row in rows:
            row.end("queued")
            row.due, row.place = self.now, self.rows[-1].id * 2 + 1

    def queue_due(self) -> datetime | None:
        scheduled = [(row.send_at, row) for row in self.with_status("scheduled") if row.send_at]
        self.queue([row for at, row in scheduled if at <= self.now])
        return min((at for at, _ in scheduled if at > self.now), default=None)

    def cancel(self, row: Modelled) -> bool:
        if row.status != "scheduled":
            return False
        row.end("canceled", CANCELED_BY_PERSON)
        return True

    def reclaim(self) -> int:
        in_hand = self.with_status("sending")
        for row in in_hand:
            row.status, row.due = "queued", self.now
        return len(in_hand)

    def revoke(self, token: int) -> None:
        for row in self.with_status("queued", "scheduled"):
            if row.token == token:
                row.end("canceled", "token revoked")

    def restore(self, token: int) -> None:
        for row in self.with_status("canceled"):
            if row.token == token and row.failure == "token revoked":
                waits = row.send_at is not None and row.send_at > self.now and row.place is None
                row.end("scheduled" if waits else "queued")
                row.due = self.now
                self.out_of_order.add(row.id)

    def kept(self, row: Modelled, week: timedelta) -> bool:
        """Whether the bytes of its file are kept by a sweep."""
        if row.status in ("failed", "uncertain") and row.first_attempt is not None:
            return row.first_attempt >= self.now - week
        return row.status not in BYTES_GO

    def out_of_place(self) -> list[list[Order]]:
        """What a chat did not get in order, or got twice. Messages and edits have an order each."""
        by_kind: dict[tuple[int, bool], list[Order]] = {}
        for chat, order in self.sent:
            by_kind.setdefault((chat, order[0]), []).append(order)
        return [orders for orders in by_kind.values() if orders != sorted(set(orders))]


def stored(row: Row, modelled: Modelled) -> Modelled:
    """A row as it is, with what only the model knows."""
    pressed = presses.decode(row["pressed"])
    buttons = [button for line in contents.decode(row["value"]).buttons for button in line]
    values = {
        **row,
        "public_id": str(row["public_id"]),
        "token": modelled.token,
        "urgent": bool(row["urgent"]),
        "value": buttons[0].value if buttons else None,
        "pressed": pressed and pressed.value,
    }
    return Modelled(**values)


def outcome_of(claimed: outcomes.Claimed, what: str, now: datetime) -> outcomes.Settled:
    """As the sender says it: only what was never tried is held, only an edit is sent as new."""
    until = now + timedelta(seconds=5)
    if what == "anew" or (what == "sent" and not claimed.edited_id):
        what = "anew" if claimed.is_edit else "sent"
    if what == "held" and (claimed.is_edit or claimed.first_attempt):
        what = "uncertain"
    ways: dict[str, outcomes.Settled] = {
        "sent": outcomes.Sent(claimed, claimed.edited_id or claimed.id),
        "failed": outcomes.Failed(claimed, "a reason"),
        "uncertain": outcomes.Uncertain(claimed, "a reason"),
        "expired": outcomes.Expired(claimed, "a reason"),
        "postponed": outcomes.Postponed(claimed, until, "a reason"),
        "not done": outcomes.Postponed(claimed, until, "a reason", not_done=True),
        "held": outcomes.Held(claimed, until),
        "anew": outcomes.SentAnew(claimed, until, "a reason"),
    }
    return ways[what]

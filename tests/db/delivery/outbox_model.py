"""The model of the outbox: what its rows must say after each step, told without a database."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from djangobot.db.delivery import outcomes
from djangobot.db.messages.deletions import MAY_BE_IN_CHAT
from djangobot.db.messages.schedule import CANCELED_BY_PERSON

UNSETTLED = ("queued", "sending")
BYTES_GO = ("sent", "expired", "replaced")
"""The statuses after which nobody needs the bytes of a message's files."""
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
    supersedes: int | None = None
    doomed: bool = False
    deleted: bool = False

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

    @property
    def is_unsent(self) -> bool:
        """Certainly not in the chat, and still to come."""
        waits = self.status == "queued" and self.first_attempt is None
        return waits or self.status in ("scheduled", "held")

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
        self.swept: set[int] = set()
        """The messages whose files' bytes are gone."""
        self.revoked: dict[int, datetime] = {}
        """When each token was revoked."""

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
        if root.status in MAY_BE_IN_CHAT and not root.is_unsent and not root.doomed:
            new.kind, new.root = "edit", root.id
            return
        self.move(root, new, "scheduled")
        new.supersedes = root.supersedes
        if root.is_unsent and not root.doomed:
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
                self._sent(row, result)
            case outcomes.SentAnew():
                self._send_anew(row, result)
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

    def _sent(self, row: Modelled, result: outcomes.Sent) -> None:
        row.end("sent")
        row.telegram_id = result.telegram_id
        superseded = self.row(row.supersedes)
        if superseded is not None and result.message.supersedes == superseded.id:
            for other in self.rows:
                other.root = row.id if other.root == superseded.id else other.root
            superseded.kind, superseded.root, superseded.doomed = "edit", row.id, True
            row.supersedes, row.edits = None, row.edits + superseded.edits + 1
        root = self.row(row.root)
        if root is not None:
            root.edits, root.text, root.value = root.edits + 1, row.text, row.value
        if row.id not in self.out_of_order:
            self.sent.append((row.chat, row.order))

    def _send_anew(self, row: Modelled, result: outcomes.SentAnew) -> None:
        root = self.row(row.root)
        if root is not None:
            root.key = None
        if row.key is not None and self.named((row.token, row.key)) not in (None, row):
            row.end("replaced")
            return
        if root is not None and root.doomed:
            row.end("canceled", outcomes.CANCELED_BY_SENDER)
            return
        if root is not None:
            self.move(root, row, "queued", "scheduled")
        row.end("queued", "a reason")
        row.supersedes = row.root if result.supersedes else None
        row.kind, row.root, row.due = "message", None, result.until
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

    def delete(self, row: Modelled) -> bool | None:
        """Whether it is not in the chat now, or will be deleted. None when it was never there."""
        root = self.row(row.root) or row
        if root.deleted:
            return True
        if row.is_unsent:
            self._cancel(row)
            return True
        of_root = row.kind == "message" or row.status in MAY_BE_IN_CHAT
        status = root.status if of_root else row.status
        if status not in MAY_BE_IN_CHAT:
            return True if status == "canceled" else None
        root.doomed = True
        self._cancel_edits(root)
        return False

    def _cancel(self, row: Modelled) -> None:
        row.end("canceled", outcomes.CANCELED_BY_SENDER)
        row.deleted = True
        for one in (row, *self._cancel_edits(row)):
            if (superseded := self.row(one.supersedes)) is not None and not superseded.deleted:
                superseded.doomed = True

    def _cancel_edits(self, root: Modelled) -> list[Modelled]:
        coming = [row for row in self.with_status("queued", "scheduled") if row.root == root.id]
        for row in coming:
            row.end("canceled", outcomes.CANCELED_BY_SENDER)
        return coming

    def delete_doomed(self, row: Modelled, refused: bool) -> bool | None:
        """Whether its job deletes it or ends without that. None when that must wait."""
        if row.deleted or not row.doomed:
            return False
        if row.is_unsent:
            self._cancel(row)
            return False
        if row.status in UNSETTLED:
            return None
        if row.status == "sent":
            self._cancel_edits(row)
            if any(one.root == row.id for one in self.with_status("sending")):
                return None
            row.deleted = not refused
        if not row.deleted:
            row.doomed, row.kind, row.root = False, "message", None
        return row.deleted

    def reclaim(self) -> int:
        in_hand = self.with_status("sending")
        for row in in_hand:
            row.status, row.due = "queued", self.now
        return len(in_hand)

    def revoke(self, token: int) -> None:
        self.revoked.setdefault(token, self.now)
        for row in self.with_status("queued", "scheduled"):
            if row.token == token:
                row.end("canceled", "token revoked")

    def restore(self, token: int) -> None:
        del self.revoked[token]
        for row in self.with_status("canceled"):
            if row.token == token and row.failure == "token revoked":
                waits = row.send_at is not None and row.send_at > self.now and row.place is None
                row.end("scheduled" if waits else "queued")
                row.due = self.now
                self.out_of_order.add(row.id)

    def sweep(self, row: Modelled, week: timedelta, for_undo: timedelta) -> bool:
        """Whether the bytes of its file are still there after a sweep. None brings them back."""
        if not self._keeps(row, week, for_undo):
            self.swept.add(row.id)
        return row.id not in self.swept

    def _keeps(self, row: Modelled, week: timedelta, for_undo: timedelta) -> bool:
        if row.status == "canceled":
            return row.token in self.revoked and self.revoked[row.token] > self.now - for_undo
        if row.status in ("failed", "uncertain") and row.first_attempt is not None:
            return row.first_attempt >= self.now - week
        return row.status not in BYTES_GO

    def out_of_place(self) -> list[list[Order]]:
        """What a chat did not get in order, or got twice. Messages and edits have an order each."""
        by_kind: dict[tuple[int, bool], list[Order]] = {}
        for chat, order in self.sent:
            by_kind.setdefault((chat, order[0]), []).append(order)
        return [orders for orders in by_kind.values() if orders != sorted(set(orders))]

"""The backlog: messages that wait, failed or are uncertain, as admins see them, and what an admin decides
about them. It never contains their text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
import structlog

from djangobot.db import audit
from djangobot.db.delivery.pubsub import waiters, wakeups
from djangobot.db.delivery.random_ids import new_random_id
from djangobot.db.engine import Row, current

log = structlog.get_logger(__name__)

State = Literal["due", "postponed", "failed", "uncertain"]
STATES: tuple[State, ...] = ("due", "postponed", "failed", "uncertain")
Verb = Literal["send", "retry", "resend", "drop"]
BulkVerb = Literal["retry", "resend", "drop"]
DECIDED: dict[BulkVerb, str] = {"retry": "failed", "resend": "uncertain", "drop": "uncertain"}
"""The status of the messages that a decision about all of them concerns."""
Side = Literal["chat", "account"]
"""Whether messages are grouped by recipient or by sender."""
NOBODY = 0
"""The account number of notices, which the service itself sends. A chat's own token has no account; its id
with a minus stands in for one."""

# Uses the partial indexes of just these messages, so the size of the history does not matter.
BACKLOG = """
SELECT m.id AS id, m.chat AS chat, COALESCE(m.account, -m.token, 0) AS account,
       CASE WHEN m.next_attempt > $1 THEN 'postponed' ELSE 'due' END AS state
FROM message m WHERE m.status IN ('queued', 'sending')
UNION ALL
SELECT m.id AS id, m.chat AS chat, COALESCE(m.account, -m.token, 0) AS account, m.status AS state
FROM message m WHERE m.status IN ('failed', 'uncertain') AND m.kind = 'message'
"""
# ruff: noqa: S608 - the statements are put together from constants of this file.
COUNTS = f"SELECT state, COUNT(*) AS messages FROM ({BACKLOG}) s GROUP BY state"
OF_SENDER = "o.name, (SELECT t.name FROM bot_token t WHERE t.id = -s.account)"
GROUPS = {
    side: f"""
SELECT s.{side} AS id, COALESCE({name}, '') AS name, s.due AS due, s.postponed AS postponed,
       s.failed AS failed, s.uncertain AS uncertain
FROM (
    SELECT {side}, COUNT(*) AS messages, {{states}} FROM ({BACKLOG}) s
    GROUP BY {side} ORDER BY COUNT(*) DESC, {side} LIMIT $2 OFFSET $3
) s LEFT JOIN {side} o ON o.id = s.{side} ORDER BY s.messages DESC, s.{side}
""".format(states=", ".join(f"SUM(CASE WHEN state = '{s}' THEN 1 ELSE 0 END) AS {s}" for s in STATES))
    for side, name in (("chat", "TRIM(o.first_name || ' ' || o.last_name)"), ("account", OF_SENDER))
}
ONE = """
SELECT m.id AS id, m.public_id AS public_id, m.kind AS kind, m.status AS status, m.chat AS chat_id,
       TRIM(c.first_name || ' ' || c.last_name) AS person, m.account AS account_id,
       COALESCE(a.name, t.name, '') AS sender, COALESCE(t.name, '') AS token, m.created AS created,
       LENGTH(m.text) AS length, m.urgent AS urgent, m.attempts AS attempts, m.next_attempt AS next_attempt,
       m.expires AS expires, m.failure AS failure, c.blocked AS blocked, c.banned AS banned
FROM message m JOIN chat c ON c.id = m.chat
LEFT JOIN account a ON a.id = m.account LEFT JOIN bot_token t ON t.id = m.token
"""
LISTED = f"""
{ONE} JOIN (
    SELECT id FROM ({BACKLOG}) s
    WHERE ($2::varchar = '' OR state = $2::varchar) {{where}} ORDER BY id LIMIT $3 OFFSET $4
) s ON s.id = m.id ORDER BY m.id
"""
# The plus keeps SQLite from reading everything that the chat ever got.
LISTED_OF = {side: LISTED.format(where=f"AND +s.{side} = $5") for side in GROUPS}
BULK = 200
"""The number of messages that are changed in one transaction."""

# Neither reads the history: both statuses together choose the index of just these messages, and no index has
# the condition on `kind`.
OF_STATUS = "status IN ('failed', 'uncertain') AND status = $1::varchar AND kind || '' = 'message'"
UNDECIDED = f"SELECT id FROM message WHERE {OF_STATUS} AND id > $2 ORDER BY id LIMIT $3"
UNDECIDED_COUNT = f"SELECT COUNT(*) AS messages FROM message WHERE {OF_STATUS}"
# The message is queued as if it had just been accepted, unless its sender was revoked. It gets a new
# random_id. Under the old one Telegram might take it for the message it already has, or might not.
ANEW = """
UPDATE message SET status = 'queued', random_id = $3, attempts = 0, first_attempt = NULL, next_attempt = $4,
                   failure = NULL, expires = NULL, parts = NULL
WHERE id = $1 AND status = $2::varchar
  AND NOT EXISTS (SELECT 1 FROM bot_token t WHERE t.id = message.token AND t.revoked IS NOT NULL)
RETURNING public_id, chat, status
"""
RETRY_NOW = """
UPDATE message SET next_attempt = $2 WHERE id = $1 AND status = 'queued' AND next_attempt > $2
RETURNING public_id, chat, status
"""
DROP = """
UPDATE message SET status = 'canceled', failure = 'dropped'
WHERE id = $1 AND status IN ('uncertain', 'queued') RETURNING public_id, chat, status
"""
STATUS = "SELECT status FROM message WHERE id = $1"


class Counts(msgspec.Struct, frozen=True):
    """Numbers of messages by state."""

    due: int = 0
    postponed: int = 0
    failed: int = 0
    uncertain: int = 0


class Group(msgspec.Struct, frozen=True):
    """The numbers for one chat or one account."""

    id: int
    name: str
    due: int
    postponed: int
    failed: int
    uncertain: int


class BacklogItem(msgspec.Struct, frozen=True):
    """One message of the backlog. `length` is in characters. `sender` is empty for a notice."""

    id: int
    public_id: str
    kind: str
    status: str
    chat_id: int
    person: str
    account_id: int | None
    sender: str
    token: str
    created: datetime
    length: int
    urgent: bool
    attempts: int
    next_attempt: datetime
    expires: datetime | None
    failure: str | None
    blocked: datetime | None
    banned: datetime | None

    def state(self, now: datetime) -> State | None:
        """The state at `now`. None when the message is no longer in the backlog."""
        match self.status:
            case "queued" | "sending":
                return "postponed" if self.next_attempt > now else "due"
            case "failed":
                return "failed"
            case "uncertain":
                return "uncertain"
            case _:
                return None


async def counts(now: datetime) -> Counts:
    """Counts the whole backlog."""
    return Counts(**{row["state"]: row["messages"] for row in await current().fetch(COUNTS, now)})


async def groups(side: Side, now: datetime, limit: int, offset: int = 0) -> list[Group]:
    """Counts by chat or by account. The one with the most messages comes first."""
    return [Group(**row) for row in await current().fetch(GROUPS[side], now, limit, offset)]


async def listed(
    now: datetime,
    limit: int,
    offset: int = 0,
    *,
    state: State | None = None,
    side: Side | None = None,
    of: int = NOBODY,
) -> list[BacklogItem]:
    """Lists messages, oldest first: all, or those in one state, or those of one chat or account."""
    sql = LISTED.format(where="") if side is None else LISTED_OF[side]
    only = () if side is None else (of,)
    return [_item(row) for row in await current().fetch(sql, now, state or "", limit, offset, *only)]


async def get(message_id: int) -> BacklogItem | None:
    """Returns a message whatever its status is. None when there is no such message."""
    rows = await current().fetch(f"{ONE} WHERE m.id = $1", message_id)
    return _item(rows[0]) if rows else None


async def apply(verb: Verb, message_id: int, by: int, now: datetime) -> bool:
    """Applies an admin's decision to one message, and records it in the audit.

    `send`: a postponed message becomes due now; a flood wait still holds it. `retry`: a failed message
    is sent again; it is not in the chat, unless it had several parts. `resend`: an uncertain message is sent
    again under a new random_id; if it had arrived after all, the person gets it twice, so the admin must know
    this. `drop`: an uncertain or waiting message ends as canceled. Returns False when the message is no
    longer in a state that allows this, or its token was revoked.
    """
    engine = current()
    async with engine.write():
        before = await engine.fetch(STATUS, message_id)
        rows = await _do(verb, message_id, now)
        for row in rows:
            target = f"message {row['public_id']}"
            await audit.record(by, verb, target, before[0]["status"], row["status"], now)
    _notify(verb, rows)
    return bool(rows)


async def apply_to_all(verb: BulkVerb, by: int, now: datetime) -> int:
    """Applies an admin's decision to every failed message (`retry`), or to every uncertain one (`resend`,
    `drop`), as `apply` does. Returns how many were changed.

    A transaction changes BULK messages. The first one also holds the audit entry, with the number of messages
    that there were.
    """
    done, after = 0, 0
    while found := await current().fetch(UNDECIDED, DECIDED[verb], after, BULK):
        changed: list[Row] = []
        async with current().write():
            many = 0 if done else (await current().fetch(UNDECIDED_COUNT, DECIDED[verb]))[0]["messages"]
            for row in found:
                changed += await _do(verb, row["id"], now)
            if changed and not done:
                await audit.record(by, f"{verb} all", "messages", many, many - len(changed), now)
        _notify(verb, changed)
        done += len(changed)
        after = found[-1]["id"]
    return done


async def _do(verb: Verb, message_id: int, now: datetime) -> list[Row]:
    match verb:
        case "send":
            return await current().execute(RETRY_NOW, message_id, now)
        case "drop":
            return await current().execute(DROP, message_id)
        case "retry" | "resend":
            status = "failed" if verb == "retry" else "uncertain"
            return await current().execute(ANEW, message_id, status, new_random_id(), now)


def _notify(verb: Verb, rows: Sequence[Row]) -> None:
    """Logs the decision and sends wakeups. Call it after the commit."""
    for row in rows:
        public_id = str(row["public_id"])
        log.info("an admin decided about a message", id=public_id, chat=row["chat"], verb=verb)
        if row["status"] == "canceled":
            waiters.notify_settled(public_id, "canceled", "dropped")
        wakeups.notify_due(row["chat"])


def _item(row: Row) -> BacklogItem:
    return BacklogItem(**{**row, "public_id": str(row["public_id"]), "urgent": bool(row["urgent"])})

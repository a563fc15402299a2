"""The backlog: messages that wait, failed or are uncertain, as admins see them. It never contains their
text."""

from datetime import datetime
from typing import Literal

import msgspec

from djangobot.db.engine import Row, current

State = Literal["due", "postponed", "failed", "uncertain"]
STATES: tuple[State, ...] = ("due", "postponed", "failed", "uncertain")
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
    sql = LISTED.format(where="" if side is None else f"AND s.{side} = $5")
    only = () if side is None else (of,)
    return [_item(row) for row in await current().fetch(sql, now, state or "", limit, offset, *only)]


async def get(message_id: int) -> BacklogItem | None:
    """Returns a message whatever its status is. None when there is no such message."""
    rows = await current().fetch(f"{ONE} WHERE m.id = $1", message_id)
    return _item(rows[0]) if rows else None


def _item(row: Row) -> BacklogItem:
    return BacklogItem(**{**row, "public_id": str(row["public_id"]), "urgent": bool(row["urgent"])})

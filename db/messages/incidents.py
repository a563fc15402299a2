"""Incidents: of several deliveries about one thing, which opens it, which changes it, which closes it, and
which comes too late.

A foreign program names the thing by a key, such as an alert group or a monitor. Each incident of that thing
has a number, so that the next one gets a message of its own.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count, islice

import msgspec
from piccolo.columns import Boolean, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.engine import Row, current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.errors import TokenInvalid
from djangobot.db.programs.tokens import BotToken

KEPT = timedelta(days=90)
"""How long a thing is remembered of which nothing is heard. Its next incident gets a new message in any
case."""
SWEEP_EVERY, SWEEP_MOST = 100, 200
"""One of every hundred deliveries deletes up to two hundred old rows."""
STATES_MOST = 500
"""States that are remembered of one thing."""


class State(msgspec.Struct, frozen=True, array_like=True):
    """The state of one part of a thing, such as one alert of a group. `order` grows with time, by the
    program's clock or by its steps."""

    order: float
    open: bool


class Incident(Table, tablename="incident"):
    """What is known of one thing: its latest incident."""

    id = SerialOnce(primary_key=True)
    token = ForeignKey(references=BotToken, null=False, on_delete=OnDelete.cascade)
    key = Varchar(length=64)
    """A digest: the program's own key may hold names."""
    number = Integer(default=1)
    opened = Timestamptz(null=True, default=None)
    """When it began. None when only its end was told."""
    states = Text()
    """The latest `State` of each part, as JSON. Parts are named by digests."""
    closed = Boolean(default=False)
    heard = Timestamptz()


INDEXES = (
    "CREATE UNIQUE INDEX incident_of_token ON incident (token, key)",
    "CREATE INDEX incident_heard ON incident (heard)",
)


class Update(msgspec.Struct, frozen=True):
    """One delivery about a thing. It is over when no state is open. `since` and `until`: when it began and
    ended, if the program says that. `partial`: there are more states than it tells."""

    key: str
    states: Mapping[str, State]
    since: datetime | None = None
    until: datetime | None = None
    partial: bool = False

    @property
    def closes(self) -> bool:
        return not any(state.open for state in self.states.values())


class Step(msgspec.Struct, frozen=True):
    """What the delivery is. `key` is the replace key of the incident's message. `late`: newer things are
    known. `lasted`: how long an incident took that this delivery closes."""

    key: str
    late: bool = False
    lasted: timedelta | None = None


ADD = """
INSERT INTO incident (token, key, number, opened, states, closed, heard)
SELECT t.id, $2::varchar, 1, $3::timestamptz, $4::text, $5::boolean, $6::timestamptz
FROM bot_token t WHERE t.id = $1
ON CONFLICT (token, key) DO NOTHING RETURNING id
"""
FIND = """
SELECT i.id AS id, i.number AS number, i.opened AS opened, i.states AS states, i.closed AS closed
FROM incident i WHERE i.token = $1 AND i.key = $2 FOR NO KEY UPDATE OF i
"""
CHANGE = "UPDATE incident SET number = $2, opened = $3, states = $4, closed = $5, heard = $6 WHERE id = $1"
SWEEP = "DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE heard < $1 ORDER BY heard LIMIT $2)"
_decoder = msgspec.json.Decoder(dict[str, State])
_updates = count()


async def follow(token: int, update: Update, now: datetime) -> Step:
    """Notes the delivery. The same one gives the same step again, so that a delivery that broke off in the
    middle can be repeated. Raises TokenInvalid."""
    engine, key = current(), _digest(update.key)
    states = {_digest(part): state for part, state in islice(update.states.items(), STATES_MOST)}
    opened = None if update.closes else update.since or now
    async with engine.write():
        if next(_updates) % SWEEP_EVERY == 0:
            await engine.execute(SWEEP, now - KEPT, SWEEP_MOST)
        if await engine.execute(ADD, token, key, opened, _stored(states), update.closes, now):
            return Step(_name(key, 1))
        rows = await engine.execute(FIND, token, key)
        if not rows:  # deleted with its token
            raise TokenInvalid
        row, known = rows[0], _decoder.decode(rows[0]["states"])
        number: int = row["number"]
        if _is_late(states, known, row, update):
            return Step(_name(key, number), late=True)
        if row["closed"] and _has_news(states, known):
            number += 1
        else:
            opened = row["opened"]
        stored = _stored({**known, **states})
        await engine.execute(CHANGE, row["id"], number, opened, stored, update.closes, now)
    lasted = (update.until or now) - opened if update.closes and opened else None
    return Step(_name(key, number), lasted=lasted)


def _is_late(states: Mapping[str, State], known: Mapping[str, State], row: Row, update: Update) -> bool:
    """Whether all that it tells is known, and more. A program that tells all open states leaves none out."""
    if _has_news(states, known):
        return False
    if any(state.order < known[part].order for part, state in states.items()):
        return True
    if row["closed"]:
        return not update.closes
    return not update.partial and any(state.open for part, state in known.items() if part not in states)


def _has_news(states: Mapping[str, State], known: Mapping[str, State]) -> bool:
    return any(part not in known or state.order > known[part].order for part, state in states.items())


def _stored(states: Mapping[str, State]) -> str:
    """The newest states, as JSON."""
    newest = sorted(states.items(), key=lambda item: item[1].order, reverse=True)[:STATES_MOST]
    return msgspec.json.encode(dict(newest)).decode()


def _name(key: str, number: int) -> str:
    return f"{key}-{number}"


def _digest(name: str) -> str:
    return sha256(name.encode("utf-8", "replace")).hexdigest()[:40]

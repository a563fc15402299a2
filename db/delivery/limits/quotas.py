"""Quotas: how much may wait to be delivered, for one chat, of one token and of one account.

Waiting messages are counted in the database, so the limits hold in every process and after a restart. They
are not counted for each message. A count leaves room, and a part of this room is given away here before the
next count.
"""

import asyncio
import time
from weakref import WeakValueDictionary

import msgspec
from cachetools import LRUCache

from djangobot.db.delivery import heads
from djangobot.db.delivery.limits import disk_floor
from djangobot.db.engine import current
from djangobot.db.errors import DatabaseUnavailable, TooMuchWaiting

MIB = 1 << 20
UNBOUND = 1 << 60
TEXT_BYTES = 4 * 4096
"""The most bytes that one message's text takes."""
GIVEN = 4
"""A quarter of the room is given away between two counts, so several processes together stay within the
limit."""
COUNT_AGAIN = 5.0
"""Seconds after which a refused sender's messages are counted again."""
REMEMBERED = 10_000
"""The number of tokens that are remembered."""


class Bounds(msgspec.Struct, frozen=True):
    """The most messages and bytes of text that may wait for one chat and of one token, and of one account;
    the bytes of files for one chat, and of one account. 0 means no limit."""

    messages: int = 100_000
    bytes: int = 32 * MIB
    account_messages: int = 500_000
    account_bytes: int = 128 * MIB
    file_bytes: int = 4096 * MIB
    account_file_bytes: int = 16_384 * MIB


class Room(msgspec.Struct, weakref=True):
    """What may be given away until the next count, in the place of this `kind`. `full_until` is on the
    monotonic clock. Nothing may be given away before the first count."""

    kind: str
    messages: int = 0
    bytes: int = 0
    full_until: float = 0.0

    def has(self, size: int) -> bool:
        """Whether one more message of this many bytes fits."""
        return self.messages >= 1 and self.bytes >= size


class Pending(msgspec.Struct):
    """The requests of one token that wait for a count. When the database does not answer the first of them,
    all of them fail, because each would wait as long again."""

    lock: asyncio.Lock
    waiting: int = 0
    failed: DatabaseUnavailable | None = None


class Whose(msgspec.Struct, frozen=True):
    """Whom a token is of; one of a chat's own is of no account. `rooms`: where its messages need room."""

    token: int
    chat: int
    account: int | None
    rooms: tuple[Room, ...]


WHOSE = "SELECT id AS token, chat, account FROM bot_token WHERE digest = $1"
BYTES = {"sqlite": "LENGTH(CAST(m.text AS BLOB))", "postgres": "OCTET_LENGTH(m.text)"}

# `||` and the plus keep databases from reading all that a chat ever got, or that an account ever sent.
OF_CHAT = """
SELECT m.token AS token, COUNT(*) AS messages, SUM({bytes}) AS bytes
FROM (
    SELECT m.token AS token, m.text AS text FROM message m
    WHERE m.chat = $1 AND {unsettled} AND m.kind || '' IN ('message', 'edit')
    UNION ALL
    SELECT m.token AS token, m.text AS text FROM message m WHERE m.chat = $1 AND m.status = 'scheduled'
) m GROUP BY m.token
"""
OF_ACCOUNT = """
SELECT COUNT(*) AS messages, SUM({bytes}) AS bytes
FROM (
    SELECT m.text AS text FROM (SELECT DISTINCT t.chat FROM bot_token t WHERE t.account = $1) c
    JOIN message m ON m.chat = c.chat AND {unsettled} AND +m.account = $1
         AND m.kind || '' IN ('message', 'edit')
    UNION ALL
    SELECT m.text AS text FROM (SELECT DISTINCT t.chat FROM bot_token t WHERE t.account = $1) c
    JOIN message m ON m.chat = c.chat AND m.status = 'scheduled' AND +m.account = $1
) m
"""
_bounds = Bounds()
_whose: LRUCache[str, Whose] = LRUCache(REMEMBERED)
_rooms: WeakValueDictionary[tuple[str, int], Room] = WeakValueDictionary()
"""They are kept as long as a token that needs them is remembered."""
_database: object = None
_counting: dict[str, Pending] = {}


def bound(bounds: Bounds) -> None:
    """Sets the limits. Everything is counted again."""
    global _bounds
    _bounds = bounds
    forget()


def bounds() -> Bounds:
    """The limits in force."""
    return _bounds


def forget() -> None:
    """Forgets all counts, because the database or the limits changed."""
    _whose.clear()
    _rooms.clear()


async def check(digest: str, size: int) -> None:
    """Reserves the room for one message of this many bytes. Requests of one token are served in order. Raises
    TooMuchWaiting, DiskNearlyFull."""
    global _database
    if _database is not current():
        forget()
        _database = current()
    disk_floor.check()
    if digest not in _counting and _reserve(digest, size):
        return
    pending = _counting.setdefault(digest, Pending(asyncio.Lock()))
    pending.waiting += 1
    try:
        async with pending.lock:
            if pending.failed is not None:
                raise DatabaseUnavailable from pending.failed.__cause__
            await _count_and_reserve(digest, size)
    except DatabaseUnavailable as exc:
        pending.failed = exc
        raise
    finally:
        pending.waiting -= 1
        if not pending.waiting:
            _counting.pop(digest, None)


async def _count_and_reserve(digest: str, size: int) -> None:
    if digest not in _whose:
        rows = await current().fetch(WHOSE, digest)
        if not rows:
            return  # no token: whoever accepts says so
        _whose[digest] = Whose(**rows[0], rooms=_rooms_of(**rows[0]))
    whose = _whose[digest]
    for room in whose.rooms:
        if not room.has(size) and room.full_until <= time.monotonic():
            await _count(room.kind, whose)
    _reserve(digest, size)


def _reserve(digest: str, size: int) -> bool:
    """Returns False when something must be counted first. Raises TooMuchWaiting."""
    whose = _whose.get(digest)
    if whose is None:
        return False
    for room in whose.rooms:
        if not room.has(size):
            if room.full_until <= time.monotonic():
                return False
            raise TooMuchWaiting(max(1.0, room.full_until - time.monotonic()), _said(room.kind))
    for room in whose.rooms:
        room.messages -= 1
        room.bytes -= size
    return True


def _rooms_of(token: int, chat: int, account: int | None) -> tuple[Room, ...]:
    places = [("chat", chat), ("token", token), ("account", account)]
    bounded = [(kind, number) for kind, number in places if number is not None and any(_of(kind))]
    return tuple(_rooms.setdefault((kind, number), Room(kind)) for kind, number in bounded)


async def _count(kind: str, whose: Whose) -> None:
    """Counts again, including what other processes added and what was delivered."""
    engine = current()
    words = {"bytes": BYTES[engine.engine_type], "unsettled": heads.ALL_UNSETTLED}
    if kind == "account":
        (row,) = await engine.fetch(OF_ACCOUNT.format(**words), whose.account)
        return _leave("account", whose.account or 0, row["messages"], row["bytes"] or 0)
    rows = await engine.fetch(OF_CHAT.format(**words), whose.chat)
    _leave("chat", whose.chat, sum(row["messages"] for row in rows), sum(row["bytes"] for row in rows))
    own = [row for row in rows if row["token"] == whose.token]
    _leave("token", whose.token, sum(row["messages"] for row in own), sum(row["bytes"] for row in own))


def _leave(kind: str, number: int, messages: int, size: int) -> None:
    """Gives away a part of the room that is left, or all of it when it is small."""
    most_messages, most_bytes = _of(kind)
    left = max(0, most_messages - messages) if most_messages else UNBOUND
    bytes_left = max(0, most_bytes - int(size)) if most_bytes else UNBOUND
    given = max(left // GIVEN, min(left, 1))
    part = bytes_left // GIVEN
    if (room := _rooms.get((kind, number))) is None:
        return  # not bounded, or its token is forgotten
    room.messages, room.bytes = given, part if part >= TEXT_BYTES else bytes_left
    room.full_until = time.monotonic() + COUNT_AGAIN if not left or bytes_left < TEXT_BYTES else 0.0


def _of(kind: str) -> tuple[int, int]:
    if kind == "account":
        return _bounds.account_messages, _bounds.account_bytes
    return _bounds.messages, _bounds.bytes


def _said(kind: str) -> str:
    messages, size = _of(kind)
    what = {"chat": "for this person", "token": "of this bot token", "account": "of this account"}[kind]
    bounds = [f"{messages} messages"] * bool(messages) + [f"{size // MIB} MiB of text"] * bool(size)
    return f"{what} (at most {' or '.join(bounds)})"

"""History: the messages of a person, page by page.

Pages are newest first, ordered by time and then by id. The messages of one token, or with one tag, are
ordered by id alone. So an index gives each page without reading the pages before it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from djangobot.db.delivery.outcomes import telegram_ids_of
from djangobot.db.engine import current
from djangobot.db.messages.messages import ENTRY, Entry, entry_of_person
from djangobot.db.programs.tokens import COUNTED_MOST

BATCH = 1000
"""Messages read at once when all are read."""

OF_CHAT = f"{ENTRY} AND m.chat = $1"
# A token has one chat. The check of the token also checks whose messages these are.
OF_TOKEN = f"{ENTRY} AND m.token = (SELECT o.id FROM bot_token o WHERE o.chat = $1 AND o.id = $2)"  # noqa: S608
TAGGED = "JOIN message_tag g ON g.message = m.id AND g.chat = $1 AND g.tag = $2 WHERE"
OF_TAG = ENTRY.replace("WHERE", TAGGED)
BY_TIME = "(m.created, m.id) {sign} (${time}::timestamptz, ${seq}::bigint)"
NEWEST_BEFORE = """
SELECT created FROM message WHERE chat = $1 AND kind = 'message' AND created < $2
ORDER BY created DESC, id DESC LIMIT 1
"""
SENDERS = """
SELECT t.id AS token, a.name AS account, t.name AS name
FROM bot_token t LEFT JOIN account a ON a.id = t.account
WHERE t.chat = $1 AND EXISTS (SELECT 1 FROM message m WHERE m.token = t.id AND m.kind = 'message')
ORDER BY COALESCE(t.last_used, t.created) DESC, t.id DESC
"""
# Each message's files are looked up by an index.
FILES_SINCE = """
SELECT SUM((SELECT COUNT(*) FROM file f WHERE f.message = m.id)) AS files FROM (
    SELECT id, created FROM message WHERE token = $1 AND kind = 'message' ORDER BY id DESC LIMIT $3
) m WHERE m.created > $2
"""
FILES_OF_CHAT = """
SELECT SUM((SELECT COUNT(*) FROM file f WHERE f.message = m.id)) AS files FROM message m
WHERE m.chat = $1 AND m.kind = 'message' AND m.created >= $2 AND m.created < $3
"""
TELEGRAM_IDS = """
SELECT telegram_id, telegram_ids FROM message
WHERE id = $2 AND chat = $1 AND status || '' = 'sent' AND deleted IS NULL
"""
COUNTS = """
SELECT token, COUNT(*) AS messages FROM message
WHERE chat = $1 AND kind = 'message' AND created >= $2 AND created < $3 GROUP BY token
"""


class Place(msgspec.Struct, frozen=True):
    """The position of a message in a history. The message itself may be gone."""

    time: datetime
    seq: int


class Days(msgspec.Struct, frozen=True):
    """From one moment until just before another."""

    since: datetime
    until: datetime


class Page(msgspec.Struct, frozen=True):
    """Newest first. `older` and `newer` say whether there is more on either side."""

    messages: list[Entry]
    older: bool
    newer: bool


class HistorySender(msgspec.Struct, frozen=True):
    """A sender with messages in this history, by the token they were sent with."""

    token: int
    account: str | None
    name: str


async def page(
    chat_id: int,
    *,
    limit: int,
    before: Place | None = None,
    after: Place | None = None,
    token: int | None = None,
    days: Days | None = None,
    tag: str | None = None,
) -> Page:
    """A person's messages: the newest, those just older than `before`, or those just newer than `after`.
    With a folded `tag` (tags.py), only those that have it."""
    sql, args = _tagged(chat_id, tag, token, days) if tag is not None else _chosen(chat_id, token, days)
    by_id = tag is not None or (token is not None and days is None)
    number = "m.id" if tag is None else "g.message"
    bound, sign = (after, ">") if after else (before, "<")
    if bound is not None:
        args += [bound.seq] if by_id else [bound.time, bound.seq]
        last = len(args)
        by_time = BY_TIME.format(sign=sign, time=last - 1, seq=last)
        sql += f" AND {number} {sign} ${last}" if by_id else f" AND {by_time}"
    way = "ASC" if after else "DESC"
    order = f"{number} {way}" if by_id else f"m.created {way}, m.id {way}"
    rows = await current().fetch(f"{sql} ORDER BY {order} LIMIT {limit + 1}", *args)
    more, entries = len(rows) > limit, [entry_of_person(row) for row in rows[:limit]]
    if after:
        return Page(entries[::-1], older=bool(entries), newer=more)
    return Page(entries, older=more, newer=before is not None and bool(entries))


def _chosen(chat_id: int, token: int | None, days: Days | None) -> tuple[str, list[Any]]:
    if days is None:
        return (OF_CHAT, [chat_id]) if token is None else (OF_TOKEN, [chat_id, token])
    # The values are written into the SQL: PostgreSQL's generic plan would read all of the history.
    since, until = (f"'{moment.astimezone(UTC)}'::timestamptz" for moment in (days.since, days.until))
    sql = f"{ENTRY} AND m.chat = {int(chat_id)} AND m.created >= {since} AND m.created < {until}"
    if token is not None:  # uses the chat's index; `IS TRUE` keeps both databases off the token's
        sql += f" AND (m.token = {int(token)}) IS TRUE"
    return sql, []


def _tagged(chat_id: int, tag: str, token: int | None, days: Days | None) -> tuple[str, list[Any]]:
    """The same of the messages with a tag, which its index gives by their ids."""
    sql = OF_TAG
    args: list[Any] = [chat_id, tag]
    if token is not None:
        args.append(token)
        sql += f" AND (m.token = ${len(args)}) IS TRUE"
    if days is not None:
        args += [days.since, days.until]
        sql += f" AND (m.created >= ${len(args) - 1} AND m.created < ${len(args)}) IS TRUE"
    return sql, args


async def one(chat_id: int, seq: int) -> Entry | None:
    """One of this person's messages. None when there is none."""
    rows = await current().fetch(f"{OF_CHAT} AND m.id = $2", chat_id, seq)
    return entry_of_person(rows[0]) if rows else None


async def telegram_ids(chat_id: int, seq: int) -> list[int]:
    """Telegram's ids of all that the chat has of this message, as far as they are known."""
    rows = await current().fetch(TELEGRAM_IDS, chat_id, seq)
    return [one for row in rows for one in telegram_ids_of(row["telegram_id"], row["telegram_ids"]) if one]


async def count(chat_id: int) -> int:
    """How many messages this person has."""
    sql = "SELECT COUNT(*) AS messages FROM message WHERE chat = $1 AND kind = 'message'"
    return int((await current().fetch(sql, chat_id))[0]["messages"])


async def everything(chat_id: int, until: datetime) -> AsyncIterator[list[Entry]]:
    """A person's messages from before that moment, oldest first. They come in batches, so that neither memory
    nor the database is held for long."""
    reached = Place(datetime(1, 1, 1, tzinfo=UTC), 0)
    while True:
        days = Days(reached.time, until)  # SQLite begins to read at the first of these days
        entries = (await page(chat_id, limit=BATCH, after=reached, days=days)).messages[::-1]
        if not entries:
            return
        yield entries
        reached = Place(entries[-1].time, entries[-1].seq)


async def senders(chat_id: int) -> list[HistorySender]:
    """The senders of this person's messages. The one used last comes first."""
    return [HistorySender(**row) for row in await current().fetch(SENDERS, chat_id)]


async def counts(chat_id: int, days: Days) -> dict[int, int]:
    """How many messages this person got in that time, by token."""
    rows = await current().fetch(COUNTS, chat_id, days.since, days.until)
    return {row["token"]: row["messages"] for row in rows}


async def files_of_token(token_id: int, moment: datetime) -> int:
    """How many files the messages of a token have had since then; of COUNTED_MOST messages at most."""
    rows = await current().fetch(FILES_SINCE, token_id, moment, COUNTED_MOST)
    return int(rows[0]["files"] or 0)


async def files_of_chat(chat_id: int, days: Days) -> int:
    """How many files this person got in that time."""
    rows = await current().fetch(FILES_OF_CHAT, chat_id, days.since, days.until)
    return int(rows[0]["files"] or 0)


async def days_with_messages(chat_id: int, zone: tzinfo, *, limit: int, before: datetime) -> Sequence[date]:
    """The newest days, by the person's clock, on which something was sent before that moment."""
    found: list[date] = []
    while len(found) < limit:
        rows = await current().fetch(NEWEST_BEFORE, chat_id, before)
        if not rows:
            break
        found.append(rows[0]["created"].astimezone(zone).date())
        before = start_of(found[-1], zone)
    return found


def whole_day(day: date, zone: tzinfo) -> Days:
    """A day by the person's clock. It has 23 or 25 hours when the clock is changed."""
    return Days(start_of(day, zone), start_of(day + timedelta(days=1), zone))


def start_of(day: date, zone: tzinfo) -> datetime:
    """When a day begins in the person's time zone, as UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)

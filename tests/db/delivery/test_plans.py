"""What the queue asks again and again costs what it touches, whatever the database believes about its tables:
read from the plans of a real PostgreSQL whose statistics are wrong, and from SQLite's."""

import json
import re
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from djangobot.db.admin import broadcasts
from djangobot.db.delivery import claims, outbox, scheduled, settlement, wakeups
from djangobot.db.engine.postgres import CONNECTED
from djangobot.db.engine.sql import for_postgres, for_sqlite
from djangobot.db.messages import acceptance, idempotency
from djangobot.db.messages.acceptance import NewRow
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import digests
from djangobot.db.programs import token_networks

from ..conftest import NOW, migrated, on_sqlite

HISTORY, BACKLOG, PEOPLE = 20_000, 20_000, 2_000
PAGES_MOST = 150
"""Of 8 KiB that a statement may read; the backlog alone has more than 400, the history too."""
SOME = "00000000-0000-7000-8000-000000000001"
LATER = NOW + timedelta(minutes=5)


def new_row(*, key: str | None = None, limit_checked: bool = False) -> tuple[object, ...]:
    """The arguments of the statement that accepts a message."""
    row = NewRow.of(NewMessage("x", key=key), "digest 1", LATER, limit_checked=limit_checked)
    return msgspec.structs.astuple(row)


# ruff: noqa: S608 - our own SQL
# Whatever runs more than once a second in a busy process, with arguments for the filled database below.
ASKED: dict[str, tuple[str, *tuple[object, ...]]] = {
    "claim in some chats": (claims.DUE_IN_CHATS, LATER, 8, [1, 2, 3, 4, 5, 6, 7, 8]),
    "claim": (claims.MARK_SENDING, LATER, LATER, json.dumps([[HISTORY + 1, "x"]])),
    "poll": (outbox.WAITING_CHATS,),
    "health": (outbox.OLDEST_DUE, LATER),
    "sent": (settlement.SENT, LATER, json.dumps([[HISTORY + number, 1, 1] for number in range(10, 20)])),
    "end": (settlement.END, HISTORY + 1, 1, "failed", "x"),
    "hold": (settlement.HOLD, HISTORY + 1, 1, LATER),
    "postpone": (settlement.POSTPONE, HISTORY + 1, 1, LATER, "x"),
    "postpone, not done": (settlement.POSTPONE_NOT_DONE, HISTORY + 1, 1, LATER, "x", None),
    "put back": (settlement.PUT_BACK, HISTORY + 1, 1, LATER, "x", None, None),
    "fix the parts": (claims.FIX, HISTORY + 1, 1, "x"),
    "expiring": (outbox.EXPIRING, LATER, 1000),
    "expire": (outbox.EXPIRE, LATER, "x", [HISTORY + 1, HISTORY + 2]),
    "held and to be told": (digests.TO_TELL, LATER, 100),
    "digest": (digests.RELEASE_HELD, 1, LATER),
    "scheduled jobs": (scheduled.DUE, LATER, 20),
    "waited for": (wakeups.SETTLED_ROWS, [SOME]),
    "accept": (acceptance.INSERT, *new_row()),
    "accept once": (acceptance.INSERT, *new_row(key="k")),
    "accept after the limit was checked": (acceptance.INSERT, *new_row(limit_checked=True)),
    "limit": (acceptance.LATEST, PEOPLE, LATER, 10),
    "key": (idempotency.OF_KEY, "digest 1", "k", LATER, NOW),
    "release of a key": (idempotency.RELEASE, "digest 1", "k", LATER),
    "sweep of keys": (idempotency.SWEEP, LATER, 200),
    "why not": (acceptance.WHY_NOT, "digest 1", LATER),
    "network": (token_networks.KNOW, 1, "10.0.0.0/24", LATER, 20),
    "broadcast's room": (broadcasts.DUE, 1, LATER),
    "broadcast's skips": (broadcasts.SKIP, 1),
    "broadcast's chats": (broadcasts.CHATS, 0, LATER, 100),
}
MESSAGES = """
INSERT INTO message (public_id, kind, account, token, chat, created, type, text, status, random_id, attempts,
                     next_attempt)
SELECT gen_random_uuid(), 'message', 1, (n % {chats}) + 1, (n % {chats}) + 1, '{now}', 'Text',
       repeat('x', 100), '{status}', 1, 0, '{now}'
FROM generate_series(1, {many}) n
"""
PREPARED = "PREPARE asked AS "
READ_THROUGH = "Seq Scan on message"


async def fill(connection: Any) -> None:
    await connection.execute(
        "INSERT INTO account (name, login, password_hash, token_version, created)"
        f" VALUES ('a', 'a', 'x', 1, '{NOW}');"
        "INSERT INTO chat (id, access_hash, first_name, last_name, username, language, created, seen,"
        f" settings) SELECT n, 1, 'Ann', '', '', 'en', '{NOW}', '{NOW}', '{{}}'"
        f" FROM generate_series(1, {PEOPLE}) n;"
        "INSERT INTO bot_token (digest, prefix, account, chat, name, created)"
        f" SELECT 'digest ' || n, 'abcd', 1, n, 't', '{NOW}' FROM generate_series(1, {PEOPLE}) n"
    )


async def add(connection: Any, status: str, many: int, chats: int) -> None:
    await connection.execute(MESSAGES.format(status=status, many=many, chats=chats, now=NOW))


@pytest.fixture
async def connection(postgresql: str) -> AsyncIterator[Any]:
    """To a database of its own, set up as the engine sets up its connections."""
    server = await asyncpg.connect(postgresql)
    await server.execute("CREATE DATABASE plans TEMPLATE template0")
    url = migrated(postgresql.replace("/postgres?", "/plans?"))
    connection = await asyncpg.connect(url)
    try:
        await connection.fetchrow(CONNECTED)
        for table in ("message", "chat", "bot_token", "account"):
            await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        yield connection
    finally:
        await connection.close()
        await server.execute("DROP DATABASE plans WITH (FORCE)")
        await server.close()


def literal(value: object) -> str:
    """As SQL text."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, list):
        return "'{" + ",".join(map(str, value)) + "}'"
    return "'" + (value.isoformat() if isinstance(value, datetime) else str(value)) + "'"


async def explain(connection: Any, prepared: str, args: tuple[object, ...]) -> tuple[int, str]:
    """Pages read by a prepared statement, and its plan; what it does is undone."""
    call = f"{prepared}({', '.join(map(literal, args))})" if args else prepared
    undone = connection.transaction()
    await undone.start()
    try:
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE {call}")
    finally:
        await undone.rollback()
    plan = "\n".join(row[0] for row in rows)
    first = re.search(r"Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?", plan)
    return sum(int(number or 0) for number in first.groups()) if first else 0, plan


async def expensive(connection: Any) -> dict[str, int]:
    """The statements that read more than they touch, with the pages they read: planned for their arguments,
    and for any."""
    found = {}
    for mode in ("force_custom_plan", "force_generic_plan"):
        await connection.execute(f"SET plan_cache_mode = {mode}")
        for name, (sql, *args) in ASKED.items():
            await connection.execute(PREPARED + for_postgres(sql))
            pages, plan = await explain(connection, "asked", tuple(args))
            await connection.execute("DEALLOCATE asked")
            if pages > PAGES_MOST or READ_THROUGH in plan:
                found[f"{name}, {mode}"] = pages
    return found


async def test_a_backlog_the_statistics_know_nothing_of_costs_what_is_touched(connection: Any) -> None:
    """ANALYZE while the queue was empty; then much was accepted and nobody delivered."""
    await fill(connection)
    await add(connection, "sent", HISTORY, PEOPLE)
    await connection.execute("VACUUM ANALYZE")
    await add(connection, "queued", BACKLOG, 2)
    assert await expensive(connection) == {}


async def test_a_queue_the_statistics_think_full_costs_what_is_touched(connection: Any) -> None:
    """ANALYZE while all there was waited; then it was delivered, and a little came."""
    await fill(connection)
    await add(connection, "queued", HISTORY + BACKLOG, 2)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("UPDATE message SET status = 'sent'")
    await connection.execute("VACUUM message")  # what is dead is gone, what is believed stays
    await add(connection, "queued", 20, 10)
    assert await expensive(connection) == {}


async def test_a_plan_from_when_the_tables_were_empty_does_no_harm(connection: Any) -> None:
    """A new service: its statements are prepared before there is anything, and much comes at once."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    found: dict[str, tuple[str, tuple[object, ...]]] = {}
    for name, (sql, *args) in ASKED.items():
        statement = PREPARED.replace("asked", f"asked{len(found)}") + for_postgres(sql)
        await connection.execute(statement)
        found[name] = (f"asked{len(found)}", tuple(args))
    await fill(connection)
    await add(connection, "sent", HISTORY, PEOPLE)
    await add(connection, "queued", BACKLOG, 2)
    for name, (prepared, given) in found.items():
        pages, plan = await explain(connection, prepared, given)
        assert READ_THROUGH not in plan, name
        assert pages <= PAGES_MOST, (name, plan)


@on_sqlite
@pytest.mark.parametrize("name", [name for name in ASKED if name != "waited for"])
async def test_sqlite_finds_it_by_an_index_too(database: str, name: str) -> None:
    """No table is read through, and no index of the history either."""
    sql, *_ = ASKED[name]
    connection = sqlite3.connect(database.removeprefix("sqlite:///"))
    connection.create_function("LOWER", 1, str.lower, deterministic=True)
    bound = re.sub(r"\?\d+", "NULL", for_sqlite(sql))
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {bound}")]
    connection.close()
    read_through = [line for line in plan if re.match(r"SCAN (m|message|s|c|chat|t|a|n)\b", line)]
    few = ("message_held", "message_expires", "message_idempotency_key_age", "message_sending")
    assert [line for line in read_through if not line.endswith(few)] == [], plan

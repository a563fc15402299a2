"""What the queue asks again and again costs what it touches, whatever the database believes about its tables:
read from the plans of a real PostgreSQL whose statistics are wrong, and from SQLite's."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime

import asyncpg
import pytest

from djangobot.db.engine.postgres import CONNECTED
from djangobot.db.engine.sql import THEN, for_postgres, for_sqlite

from ..conftest import NOW, migrated, on_sqlite
from .asked import ASKED, BACKLOG, COUNTED, FOUND, HISTORY, PEOPLE

PAGES_MOST = 200
"""Of 8 KiB that a statement may read; the backlog alone has more than 400, the history too."""
MESSAGES = """
INSERT INTO message (public_id, kind, account, token, chat, created, type, text, status, random_id, attempts,
                     next_attempt, is_edit, replaces, replace_key, send_at)
SELECT gen_random_uuid(), CASE WHEN is_edit THEN 'edit' ELSE 'message' END, 1, (n % {chats}) + 1,
       (n % {chats}) + 1, '{now}', 'Text', repeat('x', 100), '{status}', 1, 0, '{now}', is_edit,
       CASE WHEN is_edit THEN n END, CASE WHEN n % 4 < 2 THEN '{status} ' || n END,
       CASE '{status}' WHEN 'scheduled' THEN '{now}'::timestamptz + n * interval '1 minute' END
FROM (SELECT n, n % 2 = 0 AND '{status}' <> 'scheduled' AS is_edit FROM generate_series(1, {many}) n) s
"""
"""Every second one that is not scheduled is an edit. Every second one has a replace key."""
FILES = """
INSERT INTO file (message, position, name, mime, size, digest, storage, chat, account, created)
SELECT m.id, 0, 'a.txt', 'text/plain', 1, 'x', '{storage}', m.chat, 1, '{now}'
FROM (SELECT id, chat FROM message WHERE status = '{status}' ORDER BY id LIMIT {many}) m
"""
PAGES_A_CHAT = 8
"""A chat without a backlog is looked up in two indexes, and these are three pages deep."""
SCHEDULED = 10_000
ON_POSTGRESQL = ("waited for", "watch")
"""Only there, another process may have changed something."""
PREPARED = "PREPARE asked AS "
READ_THROUGH = re.compile(r"Seq Scan on (message|file)\b")


# ruff: noqa: S608 - our own SQL
async def fill(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "INSERT INTO account (name, login, password_hash, token_version, created)"
        f" VALUES ('a', 'a', 'x', 1, '{NOW}');"
        "INSERT INTO chat (id, access_hash, first_name, last_name, username, language, created, seen,"
        f" settings) SELECT n, 1, 'Ann', '', '', 'en', '{NOW}', '{NOW}', '{{}}'"
        f" FROM generate_series(1, {PEOPLE}) n;"
        "INSERT INTO bot_token (digest, prefix, account, chat, name, created)"
        f" SELECT 'digest ' || n, 'abcd', 1, n, 't', '{NOW}' FROM generate_series(1, {PEOPLE}) n"
    )


async def add(connection: asyncpg.Connection, status: str, many: int, chats: int) -> None:
    await connection.execute(MESSAGES.format(status=status, many=many, chats=chats, now=NOW))


async def add_files(connection: asyncpg.Connection, status: str, many: int, storage: str) -> None:
    """A file for each of so many messages."""
    await connection.execute(FILES.format(status=status, many=many, storage=storage, now=NOW))


async def add_backlog(connection: asyncpg.Connection) -> None:
    """Much waits, now and for later, and a little of it has files."""
    await add(connection, "queued", BACKLOG, 2)
    await add(connection, "scheduled", SCHEDULED, 2)
    await add_files(connection, "queued", 20, "disk")


@pytest.fixture
async def connection(postgresql: str) -> AsyncIterator[asyncpg.Connection]:
    """To a database of its own, set up as the engine sets up its connections."""
    server = await asyncpg.connect(postgresql)
    await server.execute("CREATE DATABASE plans TEMPLATE template0")
    url = migrated(postgresql.replace("/postgres?", "/plans?"))
    connection = await asyncpg.connect(url)
    try:
        await connection.fetchrow(CONNECTED)
        for table in ("message", "file", "chat", "bot_token", "account"):
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


async def explain(connection: asyncpg.Connection, prepared: str, args: tuple[object, ...]) -> tuple[int, str]:
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


async def expensive(connection: asyncpg.Connection) -> dict[str, int]:
    """The statements that read more than they touch, with the pages they read: planned for their arguments,
    and for any."""
    found = {}
    for mode in ("force_custom_plan", "force_generic_plan"):
        await connection.execute(f"SET plan_cache_mode = {mode}")
        for name, (sql, *args) in ASKED.items():
            await connection.execute(PREPARED + for_postgres(sql))
            pages, plan = await explain(connection, "asked", tuple(args))
            await connection.execute("DEALLOCATE asked")
            if pages > PAGES_MOST or READ_THROUGH.search(plan):
                found[f"{name}, {mode}"] = pages
    return found


async def test_a_backlog_the_statistics_know_nothing_of_costs_what_is_touched(
    connection: asyncpg.Connection,
) -> None:
    """ANALYZE while the queue was empty; then much was accepted and nobody delivered."""
    await fill(connection)
    await add(connection, "sent", HISTORY, PEOPLE)
    await add_files(connection, "sent", HISTORY, "gone")
    await connection.execute("VACUUM ANALYZE")
    await add_backlog(connection)
    assert await expensive(connection) == {}


async def test_a_queue_the_statistics_think_full_costs_what_is_touched(
    connection: asyncpg.Connection,
) -> None:
    """ANALYZE while all there was waited; then it was delivered, and a little came."""
    await fill(connection)
    await add(connection, "queued", HISTORY + BACKLOG, 2)
    await add(connection, "scheduled", SCHEDULED, 2)
    await add_files(connection, "queued", HISTORY, "disk")
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("UPDATE message SET status = 'sent', replace_key = NULL")
    await connection.execute("UPDATE file SET storage = 'gone'")
    await connection.execute("VACUUM message, file")  # what is dead is gone, what is believed stays
    await add(connection, "queued", 20, 10)
    assert await expensive(connection) == {}


async def test_a_plan_from_when_the_tables_were_empty_does_no_harm(connection: asyncpg.Connection) -> None:
    """A new service: its statements are prepared before there is anything, and much comes at once."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    found: dict[str, tuple[str, tuple[object, ...]]] = {}
    for name, (sql, *args) in ASKED.items():
        statement = PREPARED.replace("asked", f"asked{len(found)}") + for_postgres(sql)
        await connection.execute(statement)
        found[name] = (f"asked{len(found)}", tuple(args))
    await fill(connection)
    await add(connection, "sent", HISTORY, PEOPLE)
    await add_files(connection, "sent", HISTORY, "gone")
    await add_backlog(connection)
    for name, (prepared, given) in found.items():
        pages, plan = await explain(connection, prepared, given)
        assert not READ_THROUGH.search(plan), (name, plan)
        assert pages <= PAGES_MOST, (name, plan)


@pytest.mark.parametrize("name", COUNTED)
async def test_what_waits_is_counted_without_the_history(connection: asyncpg.Connection, name: str) -> None:
    """An account that has written to many chats for a long time has little that waits."""
    await fill(connection)
    await add(connection, "sent", HISTORY, PEOPLE)
    await add(connection, "queued", 20, 10)
    await connection.execute("VACUUM ANALYZE")
    for mode in ("force_custom_plan", "force_generic_plan"):
        await connection.execute(f"SET plan_cache_mode = {mode}")
        await connection.execute(PREPARED + for_postgres(COUNTED[name]))
        pages, plan = await explain(connection, "asked", (1,))
        await connection.execute("DEALLOCATE asked")
        assert pages <= PAGES_A_CHAT * PEOPLE, plan
        assert not READ_THROUGH.search(plan), plan


@on_sqlite
@pytest.mark.parametrize("name", COUNTED)
async def test_sqlite_counts_what_waits_without_the_history(database: str, name: str) -> None:
    """SQLite's planner is told of no statistics; it must choose by the form of the statement."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        sql = re.sub(r"\?\d+", "1", for_sqlite(COUNTED[name]))
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    indexes = {found[1] for line in plan if (found := re.search(r"SEARCH m USING INDEX (\w+)", line))}
    assert indexes == {"message_unsettled", "message_scheduled_of_chat"}, plan


@on_sqlite
@pytest.mark.parametrize("name", FOUND)
async def test_sqlite_finds_a_part_of_the_backlog_without_the_history(database: str, name: str) -> None:
    """Not by an index of all that a chat got, or that a token or an account sent."""
    sql, expected = FOUND[name]
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        bound = re.sub(r"\?\d+", "NULL", for_sqlite(sql))
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {bound}")]
    by_index = re.compile(r"(?:SEARCH|SCAN) (?:m|message) USING (?:COVERING )?INDEX (\w+)")
    assert {found[1] for line in plan if (found := by_index.match(line))} == expected, plan


@on_sqlite
async def test_whatever_refers_to_a_row_is_found_when_that_is_deleted(database: str) -> None:
    """By an index that has all rows. Without one, the whole table is read at each deletion."""
    lacking = []
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            whole = connection.execute(f"SELECT name FROM pragma_index_list('{table}') WHERE NOT partial")
            columns = "SELECT name FROM pragma_index_info('{}') WHERE seqno = 0"
            first = {connection.execute(columns.format(name)).fetchone()[0] for (name,) in whole.fetchall()}
            referring = connection.execute(f"SELECT \"from\" FROM pragma_foreign_key_list('{table}')")
            lacking += [f"{table}.{column}" for (column,) in referring if column not in first]
    assert lacking == []


@on_sqlite
@pytest.mark.parametrize("name", [name for name in ASKED if name not in ON_POSTGRESQL])
async def test_sqlite_finds_it_by_an_index_too(database: str, name: str) -> None:
    """No table is read through, and no index of the history either."""
    sql, *_ = ASKED[name]
    connection = sqlite3.connect(database.removeprefix("sqlite:///"))
    connection.create_function("LOWER", 1, str.lower, deterministic=True)
    bound = re.sub(r"\?\d+", "NULL", for_sqlite(sql).partition(THEN)[0])
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {bound}")]
    connection.close()
    read_through = [line for line in plan if re.match(r"SCAN (m|message|s|c|chat|t|a|n|e|r|f|file)\b", line)]
    few = (
        "message_held", "message_expires", "message_idempotency_key_age", "message_sending",
        "message_scheduled", "file_kept",
        "file_kept_of_account",
    )  # fmt: skip
    assert [line for line in read_through if not line.endswith(few)] == [], plan

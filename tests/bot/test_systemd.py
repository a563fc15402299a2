"""What systemd hears, and the files for it in deploy/systemd."""

import asyncio
import re
import secrets
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from djangobot.bot import systemd
from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.errors import DatabaseUnavailable

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"


@pytest.fixture(params=["path", "abstract"])
def heard(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """The socket of an init system, by a path or in Linux' abstract namespace."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1) if request.param == "abstract" else name)
        listening.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listening


def test_a_state_is_sent_in_one_piece(heard: socket.socket) -> None:
    """As sd_notify(3) wants it."""
    systemd.notify("READY=1\nSTATUS=fine")
    assert heard.recv(100) == b"READY=1\nSTATUS=fine"


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No socket, or one that is gone: the service goes on."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    systemd.notify("READY=1")


@pytest.mark.parametrize(
    ("pid", "microseconds", "seconds"),
    [("", "60000000", 60), ("1", "60000000", 0), ("", "", 0), ("", "x", 0)],
)
def test_the_watchdog_is_ours_or_there_is_none(
    pid: str, microseconds: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child inherits the variables, and is not meant."""
    monkeypatch.setenv("WATCHDOG_PID", pid)
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    assert systemd.patience() == seconds


async def test_the_watchdog_is_fed_only_when_the_database_has_answered(heard: socket.socket) -> None:
    """Not when it refuses, and not while it says nothing."""
    asked: list[str] = []

    async def ask() -> None:
        asked.append("refused" if len(asked) < 2 else "silent" if len(asked) < 4 else "answered")
        if asked[-1] == "refused":
            raise DatabaseUnavailable
        if asked[-1] == "silent":
            await asyncio.Event().wait()

    feeding = asyncio.create_task(systemd.keep_watchdog_fed(ask, 0.1))
    said = await asyncio.to_thread(heard.recv, 100)
    feeding.cancel()
    assert said == b"WATCHDOG=1"
    assert asked[:5] == ["refused", "refused", "silent", "silent", "answered"]


def test_backups_beyond_the_newest_are_deleted(tmp_path: Path) -> None:
    """By the second command of the unit, which runs only when the backup has succeeded."""
    unit = (UNITS / "djangobot-backup.service").read_text()
    _, rotate = re.findall(r"^ExecStart=/bin/sh -c '(.+)'$", unit, re.MULTILINE)
    (kept,) = re.findall(r"^Environment=BACKUPS=(\d+)$", unit, re.MULTILINE)
    names = [f"2026-11-{day:02}T03-30-00Z.backup" for day in range(1, 21)]
    for name in [*names, "mine.txt"]:
        (tmp_path / name).touch()
    command = rotate.replace("$$", "$").replace("%%", "%").replace("/var/backups/djangobot", str(tmp_path))
    for _ in range(2):
        subprocess.run(["/bin/sh", "-c", command], env={"BACKUPS": kept, "PATH": "/usr/bin:/bin"}, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names[-int(kept) :], "mine.txt"]


def test_the_documents_install_everything_with_the_pip_of_debian_12() -> None:
    """Which finds no hash for the extra in `pydantic[email]`, unless it resolves nothing."""
    lines = [
        line
        for name in ("systemd.md", "hosting.md")
        for line in (ROOT / "docs" / name).read_text().splitlines()
        if "--require-hashes" in line
    ]
    assert len(lines) == 2
    assert all("--no-deps" in line for line in lines)


def test_the_documents_install_into_folders_that_a_bare_debian_has() -> None:
    """/etc/sysusers.d is not one; our own folders are there before `doctor` and the first start."""
    document = (ROOT / "docs" / "systemd.md").read_text()
    made = re.findall(r"^d\s+(\S+)", (UNITS / "djangobot.tmpfiles.conf").read_text(), re.MULTILINE)
    for folder in re.findall(r"^install -m 06?44 .* (/\S+/)\S*$", document, re.MULTILINE):
        assert folder == "/etc/systemd/system/"
    assert set(made) == {"/etc/djangobot", "/var/lib/djangobot", "/var/backups/djangobot"}
    assert all(folder in document for folder in made)


def test_a_source_archive_has_what_the_documents_install() -> None:
    """docs/hosting.md begins in "a clone of this repository, or an unpacked source archive"."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    held = settings["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    assert {"deploy", "docs", "requirements.lock", "README.md", "SECURITY.md", "CHANGELOG.md"} <= set(held)

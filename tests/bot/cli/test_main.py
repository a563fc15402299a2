"""The command line: whatever a setting or a file holds, people get sentences, never a traceback, never a
secret."""

import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from djangobot.bot.cli.main import cli
from djangobot.bot.settings import NAMES

SECRET = "Sup3rS3cretCanary0123456789abcdef"
BAD = [
    "   ", "-1", "0", "nan", "inf", "1e999", "٣", "9" * 5000, "True", "[]", "%", "\x1b[31m", "line\nbreak",
    "\udcff", f"x{SECRET}", f"{SECRET}:{SECRET}", f"//{SECRET}@", f"https://u:{SECRET}@[::1",
    f"postgresql://u:{SECRET}?x@h/d", "/proc/none", "/dev/null", "/", "a/" * 3000, "n" * 300,
]  # fmt: skip
LOOKING = (["stats"], ["doctor"], ["doctor", "--no-bot"], ["admin", "list"], ["backup", "copy"])


@pytest.fixture(autouse=True)
def _logs_as_before(logs_restored: None) -> None:
    """A command points the logs at its own stderr."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with no setting of the machine's own."""
    for name in [name for name in os.environ if name.startswith("DJANGOBOT_") or name in NAMES]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str, **env: str) -> Result:
    return CliRunner().invoke(cli, arguments, env=env)


def assert_sentences(done: Result, *about: object) -> None:
    """It ended by itself, said something, and no secret."""
    assert isinstance(done.exception, SystemExit | None), (*about, done.exc_info)
    assert done.output.strip() or done.exit_code == 0, about
    assert "Traceback" not in done.output, about
    assert SECRET not in done.output, (*about, done.output)
    assert max(map(len, done.output.splitlines()), default=0) < 1000, about


@pytest.mark.parametrize("name", NAMES)
def test_no_value_of_a_setting_makes_a_traceback_or_shows_a_secret(name: str, folder: Path) -> None:
    """Each setting with each kind of nonsense, and each command with it."""
    for number, value in enumerate(BAD):
        if name == "DJANGOBOT_DATA" and SECRET in value:
            continue  # a folder's name is no secret
        for arguments in (["run"], ["doctor"], ["stats"], ["admin", "list"]):
            assert_sentences(call(*arguments, **{name: value}), number, name, value[:40], arguments)


@pytest.mark.parametrize("name", ["DJANGOBOT_DATA", "DATABASE_URL"])
def test_no_place_for_the_database_makes_a_traceback(name: str, folder: Path) -> None:
    """Of the commands that make one."""
    before = "sqlite:///" if name == "DATABASE_URL" else ""
    for value in ("/proc/none", "/dev/null", "/dev/null/x", "n" * 300, "a/" * 3000):
        for arguments in (["migrate"], ["admin", "add", "1"], ["restore", __file__]):
            done = call(*arguments, **{name: before + value})
            assert_sentences(done, name, value[:40], arguments)
            assert done.exit_code == 1, (name, value[:40], arguments)


@pytest.mark.parametrize(
    "url", [f"mysql://u:{SECRET}@h", f"postgresql://u:{SECRET}?x@h/d", "sqlite:///:memory:"]
)
def test_only_commands_that_need_a_database_look_at_its_address(url: str, folder: Path) -> None:
    """Help, sandbox and demo have nothing to do with it; the others name the variable, with the other wrong
    ones."""
    env = {"DATABASE_URL": url, "DJANGOBOT_HTTP_PORT": "x"}
    for arguments in (["--help"], ["run", "--help"], ["--version"]):
        assert call(*arguments, **env).exit_code == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments in (["demo", "--http-port", port], ["demo", "--walkthrough", "--http-port", port]):
            done = call(*arguments, **env)
            assert_sentences(done, arguments)
            assert "--http-port" in done.output
            assert "DATABASE_URL" not in done.output
    for arguments in (["run"], ["run", "--no-bot"], ["migrate"], ["admin", "add", "1"], *LOOKING):
        done = call(*arguments, **env)
        assert_sentences(done, arguments)
        assert done.exit_code == 1
        assert "DATABASE_URL: " in done.output
        assert "DJANGOBOT_HTTP_PORT: " in done.output


def test_commands_that_only_look_make_nothing(folder: Path) -> None:
    """No folder, no database, no secret; they say that there is nothing yet."""
    for arguments in LOOKING:
        done = call(*arguments)
        assert_sentences(done, arguments)
        assert list(folder.iterdir()) == [], arguments
    assert "no such file yet" in call("stats").output


def test_commands_that_only_look_change_nothing(folder: Path) -> None:
    """Not even the tables of an older version."""
    (folder / "data").mkdir()
    with closing(sqlite3.connect(folder / "data" / "djangobot.sqlite")) as old:
        old.execute("CREATE TABLE something (id INTEGER)")
    before = (folder / "data" / "djangobot.sqlite").read_bytes()
    for arguments in LOOKING:
        assert_sentences(call(*arguments), arguments)
        assert [path.name for path in folder.rglob("*")] == ["data", "djangobot.sqlite"], arguments
    assert (folder / "data" / "djangobot.sqlite").read_bytes() == before
    assert "djangobot migrate" in call("stats").output


@pytest.mark.parametrize(
    ("migration", "why"),
    [
        ("2099-01-01T00:00:00:000000", "newer version"),
        ("2026-11-23T06:01:12:867874", "before the first release"),
    ],
)
def test_a_database_of_another_version_is_refused_by_every_command(
    migration: str, why: str, folder: Path
) -> None:
    """It may have tables and rules we know nothing of."""
    assert call("migrate").exit_code == 0
    with closing(sqlite3.connect(folder / "data" / "djangobot.sqlite")) as database:
        database.execute("UPDATE migration SET name = ? WHERE id = 1", (migration,))
        database.commit()
    before = (folder / "data" / "djangobot.sqlite").read_bytes()
    telegram = {
        "DJANGOBOT_API_ID": "1",
        "DJANGOBOT_API_HASH": "0" * 32,
        "DJANGOBOT_BOT_TOKEN": f"1:{'x' * 35}",
        "DJANGOBOT_HTTP_PORT": "1",
    }
    with socket.create_server(("127.0.0.1", 0)) as found:
        telegram["DJANGOBOT_HTTP_PORT"] = str(found.getsockname()[1])
    for arguments in (["migrate"], ["admin", "add", "1"], ["admin", "remove", "1"], *LOOKING):
        done = call(*arguments)
        assert_sentences(done, arguments)
        assert (done.exit_code, why in done.output) == (1, True), (arguments, done.output)
    refused = call("run", **telegram)
    assert why in refused.output
    assert (folder / "data" / "djangobot.sqlite").read_bytes() == before


@pytest.mark.parametrize("spoiled", ["text", "folder", "empty secret", "data is a file", "lock is a folder"])
def test_a_file_of_ours_that_is_no_good_is_named(spoiled: str, folder: Path) -> None:
    """Whatever somebody, or a full disk, has left in the data folder."""
    data = folder / "data"
    if spoiled == "data is a file":
        data.touch()
    else:
        data.mkdir()
    if spoiled == "text":
        (data / "djangobot.sqlite").write_text(f"not a database: {SECRET}" * 100)
    elif spoiled == "folder":
        (data / "djangobot.sqlite").mkdir()
    elif spoiled == "empty secret":
        (data / "jwt_secret").touch()
    elif spoiled == "lock is a folder":
        (data / "djangobot.sqlite.lock").mkdir()
        (data / "djangobot.sqlite.in-use").mkdir()
        (data / "lock").mkdir()
    (folder / "backup").write_bytes(b"no backup")
    telegram = {
        "DJANGOBOT_API_ID": "1",
        "DJANGOBOT_API_HASH": "0" * 32,
        "DJANGOBOT_BOT_TOKEN": f"1:{'x' * 35}",
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = {"DJANGOBOT_HTTP_PORT": str(taken.getsockname()[1])}
        for arguments in (["migrate"], ["admin", "add", "1"], ["restore", "backup"], *LOOKING):
            assert_sentences(call(*arguments), spoiled, arguments)
        assert_sentences(call("run", **telegram, **port), spoiled, "run")


def test_a_backup_overwrites_nothing_unless_forced(folder: Path) -> None:
    """And never what is no regular file, nor the database."""
    assert call("migrate").exit_code == 0
    assert call("backup", "copy").exit_code == 0
    (folder / "copy").write_bytes(b"precious")
    refused = call("backup", "copy")
    assert (refused.exit_code, "--force" in refused.output) == (1, True)
    assert (folder / "copy").read_bytes() == b"precious"
    (folder / "link").symlink_to("copy")
    assert call("backup", "link").exit_code == 1
    assert call("backup", "link", "--force").exit_code == 0
    assert (folder / "link").is_symlink()
    assert (folder / "copy").read_bytes()[:2] == b"\x1f\x8b"
    (folder / "copy").unlink()
    assert call("backup", "link").exit_code == 1
    for name in ("data/djangobot.sqlite", "database"):
        (folder / "database").unlink(missing_ok=True)
        (folder / "database").symlink_to("data/djangobot.sqlite")
        assert "the database itself" in call("backup", name, "--force").output
    assert [path.name for path in folder.glob(".djangobot-*")] == []


def test_only_a_regular_file_is_written_or_read_as_a_backup(folder: Path) -> None:
    """A device node stays one, and a pipe is not waited for."""
    assert call("migrate").exit_code == 0
    os.mkfifo(folder / "pipe")
    (folder / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        for name in ("/dev/full", "/dev/null", "pipe", "null", "socket"):
            for arguments in (["backup", name], ["backup", name, "--force"], ["restore", name]):
                done = call(*arguments)
                assert_sentences(done, arguments)
                assert "no regular file" in done.output
    assert Path("/dev/full").is_char_device()
    assert Path("/dev/null").is_char_device()
    assert (folder / "null").is_symlink()


def test_a_demo_on_a_folder_in_use_names_its_own_option(folder: Path) -> None:
    """`--data`, which it has, and not the sandbox's or a variable it does not read."""
    from djangobot.bot.startup import only_one

    with only_one(folder):
        done = call("demo", "--data", str(folder))
    assert "Another djangobot" in done.output
    assert done.output.strip().endswith("--data")
    (folder / "file").touch()
    assert "--data: the folder" in call("demo", "--data", str(folder / "file" / "x")).output


def test_a_demo_names_its_own_options_for_the_sandboxs() -> None:
    """Its ports have other names there."""
    from djangobot.bot.cli.demo import _in_our_words

    assert (
        _in_our_words("choose another one with --port, or 0")
        == "choose another one with --telegram-port, or 0"
    )
    assert _in_our_words("another one with --web-port") == "another one with --web-port"
    assert _in_our_words("another folder with --state") == "another folder with --data"

"""A sandbox that can't start says why in one line, and one that starts has whole files."""

import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from djangobot.bot.sandbox import whole_file
from djangobot.bot.sandbox.mtproto import rsa_key
from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.settings import Settings
from djangobot.bot.sandbox.state import State, StateUnusable

COMMAND = [sys.executable, "-m", "djangobot.bot.sandbox"]
FREE = ("--port", "0", "--web-port", "0")


def said(*options: str) -> tuple[int, str]:
    """The exit code and the words of one that does not start."""
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


def garbage(folder: Path) -> None:
    (folder / "state.sqlite").write_bytes(b"not a database, though of its size" * 300)


def other_tables(folder: Path) -> None:
    database = sqlite3.connect(folder / "state.sqlite")
    database.execute("CREATE TABLE document (other)")
    database.close()


def folder_in_its_place(folder: Path) -> None:
    (folder / "state.sqlite").mkdir()


def document(kind: str, key: str, body: bytes) -> Callable[[Path], None]:
    """One that no sandbox has written."""

    def write(folder: Path) -> None:
        State(folder).close()
        database = sqlite3.connect(folder / "state.sqlite", isolation_level=None)
        database.execute("INSERT INTO document VALUES (?, ?, ?)", (kind, key, body))
        database.close()

    return write


@pytest.mark.parametrize(
    "damage",
    [
        garbage,
        other_tables,
        folder_in_its_place,
        document("user", "1", b"\xc1"),
        document("message", "1", b"\x93\x01\x02\x03"),
        document("auth_key", "no hex", b"\x80"),
        document("bots", "order", b""),
    ],
)
def test_a_damaged_state_is_refused_in_a_sentence(
    tmp_path: Path, sandbox_key: str, damage: Callable[[Path], None]
) -> None:
    """It names the file and what to do, and lets the folder go."""
    (tmp_path / rsa_key.SECRET).write_text(sandbox_key)
    damage(tmp_path)
    for _ in range(2):
        with pytest.raises(StateUnusable, match=r"state\.sqlite .*with --state$"):
            TelegramServer(tmp_path, Settings())


@pytest.mark.parametrize("content", ["", "\n", "12", "x y", "1\n1", "0 0", "-5 -5", "щ щ", "cut"])
def test_a_damaged_key_is_refused_in_a_sentence(tmp_path: Path, sandbox_key: str, content: str) -> None:
    """An empty one is what a full disk leaves; another one would make clients of others hang."""
    cut = sandbox_key[: len(sandbox_key) // 2]
    (tmp_path / rsa_key.SECRET).write_text(cut if content == "cut" else content)
    with pytest.raises(StateUnusable, match=r"key\.private is damaged: .*delete it"):
        TelegramServer(tmp_path, Settings())
    assert not (tmp_path / rsa_key.PUBLIC).exists()


@pytest.mark.parametrize("left", ["", "half of it", None])
def test_the_public_key_is_made_whole_again(tmp_path: Path, sandbox_key: str, left: str | None) -> None:
    """It follows from the private one; a good one is not written anew."""
    (tmp_path / rsa_key.SECRET).write_text(sandbox_key)
    public = tmp_path / rsa_key.PUBLIC
    if left is not None:
        public.write_text(left)
    key = rsa_key.load(tmp_path)
    assert public.read_text() == key.pem()
    made = public.stat().st_ino
    rsa_key.load(tmp_path)
    assert public.stat().st_ino == made


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What was there stays when the new one can't be written, and nothing else is left."""
    path = tmp_path / "file"
    whole_file.write(path, "old", 0o600)
    with pytest.raises(UnicodeEncodeError):
        whole_file.write(path, "new \ud800", 0o600)
    assert path.read_text() == "old"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("below", ["", "below"])
def test_a_state_folder_that_can_be_none_is_one_line(tmp_path: Path, below: str) -> None:
    """A file is there, or on the way."""
    file = tmp_path / "file"
    file.touch()
    code, words = said("--state", str(file / below), *FREE)
    assert code == 1
    assert words.count("\n") == 1
    assert "can't be used" in words
    assert "--state" in words


@pytest.fixture
def taken() -> Iterator[str]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


@pytest.mark.parametrize("option", ["--port", "--web-port"])
def test_a_port_in_use_is_one_line_that_names_the_option(tmp_path: Path, taken: str, option: str) -> None:
    """Of both ports."""
    code, words = said("--state", str(tmp_path), *FREE, option, taken)
    assert code == 1
    assert words == (
        f"sandbox: port {taken} is already in use: choose another one with {option}, or 0 for any free one\n"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--port", "99999"), "argument --port: '99999' is not a port"),
        (("--web-port", "-1"), "argument --web-port: "),
        (("--web-port=-1",), "argument --web-port: '-1' is not a port"),
        (("--port", "x"), "argument --port: 'x' is not a port"),
        (("--port", "9" * 5000), "argument --port: "),
        (("--port", "18001", "--web-port", "18001"), "port 18001 can't be both"),
        (("--salt-lifetime", "0"), "argument --salt-lifetime: '0' is not"),
        (("--salt-lifetime", "nan"), "argument --salt-lifetime: 'nan' is not"),
        (("--salt-lifetime", "1e300"), "argument --salt-lifetime: '1e300' is not"),
        (("--repeats", "x"), "argument --repeats: "),
        (("--nothing",), "unrecognized arguments: --nothing"),
    ],
)
def test_a_wrong_option_is_one_line(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    """It says which one, and what it takes."""
    from djangobot.bot.sandbox.app import main

    with pytest.raises(SystemExit) as ended:
        main(list(options))
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith(f"sandbox: {words}")
    assert error.count("\n") == 1

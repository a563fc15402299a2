"""What keeps a process from starting: each time one sentence that names the setting to change."""

import os
import socket
import stat
from pathlib import Path

import pytest

from djangobot.bot.startup import StartError, alone_on, listen, only_one


@pytest.mark.parametrize("host", ["nosuch.invalid", "192.0.2.1", "2001:db8::1", "a" * 70 + ".example"])
def test_a_host_that_is_not_this_machines_is_blamed_on_the_hosts_variable(host: str) -> None:
    """Not on the port, which nobody uses."""
    with pytest.raises(StartError, match="address or a name of this machine: HOST") as refused:
        listen(host, 8000, "PORT", "HOST")
    assert "PORT" not in str(refused.value)


def test_a_port_that_is_taken_is_blamed_on_the_ports_variable() -> None:
    """With who has it to be stopped, or another to be chosen."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError, match="another: PORT"):
        listen("127.0.0.1", taken.getsockname()[1], "PORT", "HOST")


def test_a_door_on_every_ipv6_address_is_open_on_ipv4_too() -> None:
    """As people expect of `::`."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with listen("::", 0, "PORT") as door:
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, door.getsockname()[1]), timeout=10).close()


def test_a_name_with_both_kinds_of_addresses_is_listened_to_on_ipv4() -> None:
    """Where nearly all programs look first when they are given 127.0.0.1."""
    with listen("localhost", 0, "PORT") as door:
        assert door.family is socket.AF_INET


@pytest.mark.parametrize(("written", "mode"), [("", 0o600), ("?mode=660", 0o660), ("?mode=0666", 0o666)])
def test_a_unix_socket_has_the_mode_it_was_given(written: str, mode: int, tmp_path: Path) -> None:
    """From the first moment on, whatever the process's umask. One that nobody answers on is replaced."""
    path = tmp_path / "http.sock"
    before = os.umask(0o077)
    try:
        for _ in range(2):
            with (
                listen(f"unix:{path}{written}", 8000, "PORT", "HOST"),
                socket.socket(socket.AF_UNIX) as asking,
            ):
                asking.connect(str(path))
                assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        assert os.umask(before) == 0o077


def test_a_unix_socket_that_cannot_be_had_is_blamed_on_the_hosts_variable(tmp_path: Path) -> None:
    """Another service listens on it, a file has its name, its folder is not there; nothing is removed."""
    (tmp_path / "file").write_text("kept")
    with listen(f"unix:{tmp_path / 'taken'}", 0, "PORT"):
        for name in ("taken", "file", "no/folder"):
            with pytest.raises(StartError, match=f"Can't listen on {tmp_path / name} .*: HOST"):
                listen(f"unix:{tmp_path / name}", 0, "PORT", "HOST")
    assert (tmp_path / "file").read_text() == "kept"


def test_one_folder_has_one_service(tmp_path: Path) -> None:
    """The other is named, and the setting."""
    with (
        only_one(tmp_path),
        pytest.raises(StartError, match=rf"pid {os.getpid()}.*DJANGOBOT_DATA"),
        only_one(tmp_path),
    ):
        pass


def by_another_way(folder: Path, way: str) -> Path:
    """Another path to the file `database` in `folder`."""
    (folder / "elsewhere").mkdir()
    other = folder / "elsewhere" / "database"
    if way == "a link to the file":
        other.symlink_to(folder / "database")
    elif way == "a link to the folder":
        (folder / "linked").symlink_to(folder)
        return folder / "linked" / "database"
    elif way == "dots":
        return folder / "elsewhere" / ".." / "database"
    return other if way == "a link to the file" else folder / "database"


@pytest.mark.parametrize("way", ["the same path", "dots", "a link to the file", "a link to the folder"])
@pytest.mark.parametrize("exists", [True, False])
def test_one_sqlite_database_has_one_service_whatever_its_folder(
    way: str, exists: bool, tmp_path: Path
) -> None:
    """Two would answer each /start twice and deliver everything twice; also before the file is there."""
    if exists:
        (tmp_path / "database").touch()
    other = by_another_way(tmp_path, way)
    with (
        alone_on(f"sqlite:///{tmp_path}/database"),
        pytest.raises(StartError, match=rf"pid {os.getpid()}.*DATABASE_URL"),
        alone_on(f"sqlite:///{other}"),
    ):
        pass
    with alone_on(f"sqlite:///{other}"):
        pass


def test_a_database_with_two_hard_links_is_refused(tmp_path: Path) -> None:
    """Each name has a journal of its own: SQLite itself could not keep two users apart."""
    (tmp_path / "database").touch()
    os.link(tmp_path / "database", tmp_path / "other")
    with pytest.raises(StartError, match="hard link"), alone_on(f"sqlite:///{tmp_path}/other"):
        pass


def test_postgresql_may_have_many_services() -> None:
    """Doors and standbys."""
    with alone_on("postgresql://h/d"), alone_on("postgresql://h/d"):
        pass


def test_a_folder_that_cannot_be_locked_is_named(tmp_path: Path) -> None:
    """One line instead of a traceback."""
    (tmp_path / "lock").mkdir()
    with pytest.raises(StartError, match="can't be used: Is a directory"), only_one(tmp_path):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="can't be used"), alone_on(f"sqlite:///{tmp_path}/file/database"):
        pass

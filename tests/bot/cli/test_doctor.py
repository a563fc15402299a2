"""`doctor`: it warns of what is probably not meant, and says what to set."""

import resource
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import msgspec
import pytest

from djangobot.bot.cli import doctor
from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.settings import load
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.sign_in import SignInFailed, try_sign_in

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("registration", "more", "says"),
    [
        ("", {}, "open, to this machine alone"),
        ("", {"DJANGOBOT_HTTP_HOST": "::1"}, "open, to this machine alone"),
        ("", {"DJANGOBOT_HTTP_HOST": "localhost"}, "open, to this machine alone"),
        ("", {"DJANGOBOT_HTTP_HOST": "0.0.0.0"}, "warning: open to everybody who reaches the API"),  # noqa: S104
        ("open", {"DJANGOBOT_HTTP_HOST": "::"}, "warning: open to everybody who reaches the API"),
        ("open", {"DJANGOBOT_PUBLIC_URL": "https://bot.example.org"}, "(DJANGOBOT_PUBLIC_URL)"),
        ("invite", {"DJANGOBOT_HTTP_HOST": "0.0.0.0"}, "DJANGOBOT_REGISTRATION=invite"),  # noqa: S104
        ("closed", {"DJANGOBOT_HTTP_HOST": "0.0.0.0"}, "DJANGOBOT_REGISTRATION=closed"),  # noqa: S104
    ],
)
def test_doctor_says_when_anybody_may_register(registration: str, more: dict[str, str], says: str) -> None:
    """Open is the default, and meant for one machine; others hear what to set."""
    finding = doctor._registration(load({"DJANGOBOT_REGISTRATION": registration, **more}))
    assert finding.good
    assert says in finding.says


@pytest.mark.parametrize(
    ("environ", "good", "says"),
    [
        ({}, True, "not believed"),
        ({"DJANGOBOT_TRUSTED_PROXIES": "127.0.0.1"}, True, "believed from 127.0.0.1"),
        ({"DJANGOBOT_TRUSTED_PROXIES": "127.0.0.1,0.0.0.0/0"}, False, "every address"),
        ({"DJANGOBOT_PUBLIC_URL": "https://bot.example.org"}, True, "DJANGOBOT_TRUSTED_PROXIES"),
    ],
)
def test_the_doctor_looks_at_the_trusted_proxies(environ: dict[str, str], good: bool, says: str) -> None:
    """All programs behind a proxy that is not named share its limits; who trusts all has none."""
    finding = doctor._proxies(load(environ))
    assert (finding.good, says in finding.says) == (good, True)


@pytest.mark.parametrize(
    ("hard", "says"),
    [
        (resource.RLIM_INFINITY, "up to 1000 at a time"),
        (1128, "up to 1000 at a time"),
        (1127, "it takes up to 999"),
        (64, "it takes up to 1;"),
    ],
)
def test_it_warns_of_fewer_files_than_connections(
    hard: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service works with fewer; whoever asked for so many wants to know."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, hard))
    finding = doctor._connections(load({"DJANGOBOT_HTTP_CONNECTIONS": "1000"}))
    assert finding.good
    assert says in finding.says


def test_it_leaves_as_many_files_as_the_server_does() -> None:
    """The figure is the server's own; the doctor may not import it."""
    from djangobot.http.server import server

    assert server.RESERVE + server.LINGERING == doctor.OTHER_FILES


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "what may wait is bounded"),
        ({"LIMIT_WAITING": "600000"}, "LIMIT_WAITING_ACCOUNT=500000 is reached before"),
        ({"LIMIT_WAITING": "0"}, "LIMIT_WAITING_ACCOUNT=500000 is reached before"),
        ({"LIMIT_WAITING_ACCOUNT_MIB": "31"}, "LIMIT_WAITING_ACCOUNT_MIB=31 is reached before"),
        ({"LIMIT_WAITING_ACCOUNT": "0", "LIMIT_WAITING_ACCOUNT_MIB": "0"}, "what may wait is bounded"),
        (
            {"LIMIT_WAITING_MIB": "0", "LIMIT_WAITING_ACCOUNT_MIB": "0", "DISK_FLOOR": "0"},
            "can fill the disk",
        ),
    ],
)
def test_it_warns_of_limits_that_decide_nothing(environ: dict[str, str], says: str) -> None:
    """A limit of an account that is below the one of a chat leaves the latter without effect."""
    finding = doctor._waiting(load({f"DJANGOBOT_{name}": value for name, value in environ.items()}))
    assert finding.good
    assert says in finding.says


@pytest.mark.parametrize(("free", "good"), [(128, True), (127, False)])
def test_it_says_when_the_disk_is_below_the_floor(
    free: int, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sends would get 503 from the first minute on. The folder need not be there yet."""
    usage = Usage(1 << 40, 0, free * doctor.MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    finding = doctor._disk(load({"DATABASE_URL": f"sqlite:///{tmp_path}/to/come/x.sqlite"}))
    assert finding.good == good
    assert f"{free} MiB free" in finding.says


def test_a_floor_is_nothing_to_a_postgresql_elsewhere() -> None:
    """Its disk is not ours."""
    finding = doctor._disk(load({"DATABASE_URL": "postgresql://127.0.0.1/x"}))
    assert finding.good


async def test_it_says_why_telegram_was_not_reached(sandbox: SandboxProcess) -> None:
    """With the address, and what to check."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        use_server("127.0.0.1", port, sandbox.key)
        settings = msgspec.structs.replace(
            load({"DJANGOBOT_API_ID": "1"}), api_hash="sandbox", bot_token="1:sandbox"
        )
        with pytest.raises(SignInFailed, match=rf"connection refused by 127\.0\.0\.1:{port}: check the"):
            await try_sign_in(settings, 0.3)


@pytest.mark.parametrize(
    ("free", "good", "says"),
    [(178, True, "178 MiB free; up to 50 MiB"), (177, False, "FILE_LIMIT=50")],
)
def test_it_wants_room_for_the_files_of_one_message(
    free: int, good: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many MiB as a message may have, above those that must stay free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, free * doctor.MIB))
    finding = doctor._files(load({}))
    assert (finding.good, says in finding.says) == (good, True)


def test_files_in_postgresql_need_no_room_here() -> None:
    """The disk of its server is not known here."""
    finding = doctor._files(load({"DATABASE_URL": "postgresql://user@127.0.0.1/name"}))
    assert finding.good
    assert "kept in PostgreSQL" in finding.says

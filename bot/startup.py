"""What can keep a process from starting; each error names the fix. Short-lived commands import this, so it
imports nothing of Telegram or HTTP."""

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from djangobot.bot.setting_values import UNIX_SOCKET
from djangobot.db.engine import address

EVERYWHERE = "::"


class StartError(Exception):
    """Why the service cannot start, and what to do about it."""


def listen(host: str, port: int, setting: str, host_setting: str = "") -> socket.socket:
    """Returns a listening socket; on `::` it also takes IPv4. Raises StartError. The error names the
    `setting` of the port when the port is taken, and the `host_setting` when this machine has no such
    address."""
    if unix := UNIX_SOCKET.fullmatch(host):
        return _listen_on_socket(Path(unix["path"]), int(unix["mode"] or "600", 8), host_setting)
    try:
        family, where = _resolved(host, port)
        both = host == EVERYWHERE and socket.has_dualstack_ipv6()
        return socket.create_server(where, family=family, backlog=2048, dualstack_ipv6=both)
    except (OSError, UnicodeError) as exc:
        if getattr(exc, "errno", None) in (errno.EADDRINUSE, errno.EACCES) or not host_setting:
            fix = f"Stop what uses this port, or choose another: {setting}"
        else:
            fix = f"This must be an address or a name of this machine: {host_setting}"
        shown = f"[{host}]" if ":" in host else host
        raise StartError(f"Can't listen on {shown}:{port} ({_words(exc)}). {fix}") from exc


def _listen_on_socket(path: Path, mode: int, setting: str) -> socket.socket:
    """Returns a socket that listens at this path. Takes the place of one that nobody listens on any more."""
    listening = socket.socket(socket.AF_UNIX)
    try:
        if path.is_socket() and not _is_answered(path):
            path.unlink()
        umask = os.umask(0o777 ^ mode)
        try:
            listening.bind(str(path))
        finally:
            os.umask(umask)
        listening.listen(2048)
    except OSError as exc:
        listening.close()
        fix = f"Its folder must be there and ours, and nobody else may listen on it: {setting}"
        raise StartError(f"Can't listen on {path} ({_words(exc)}). {fix}") from exc
    return listening


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(path))
        except OSError:
            return False
    return True


def _words(exc: Exception) -> str:
    """The system's description of the error, without the address that Python adds."""
    if isinstance(exc, OSError) and not isinstance(exc, socket.gaierror) and exc.errno:
        return os.strerror(exc.errno)
    return str(getattr(exc, "strerror", None) or exc)


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """The address to listen on: an IPv4 address of the name, if it has one."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, where = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, where  # type: ignore[return-value]  # IPv6 adds flow and scope, which bind takes


@contextlib.contextmanager
def only_one(data: Path, setting: str = "DJANGOBOT_DATA") -> Iterator[None]:
    """Ensures that one process uses a data folder. Two would share a session and deliver everything twice.
    Raises StartError."""
    with _locked(
        data / "lock", f"uses the folder {data}. Stop it, or give this one a folder of its own: {setting}"
    ):
        yield


@contextlib.contextmanager
def alone_on(url: str) -> Iterator[None]:
    """Ensures that one service uses an SQLite database, whatever its data folder and whatever name it has for
    the file. PostgreSQL allows many. Raises StartError."""
    if not address.is_sqlite(url):
        yield
        return
    path = Path(os.path.realpath(url.removeprefix(address.SQLITE)))
    with contextlib.suppress(OSError):
        if path.is_file() and path.stat().st_nlink > 1:
            raise StartError(
                f"The database {path} has another name (a hard link), by which it can be used without our "
                "knowing and be damaged (sqlite.org/howtocorrupt.html). Remove that name, or make a copy"
            )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise StartError(
            f"The database's folder {path.parent} can't be used: {exc.strerror}. "
            "Change DATABASE_URL or DJANGOBOT_DATA"
        ) from exc
    what = (
        f"uses the database {path}. Stop it, or give this one a database of its own: DATABASE_URL. "
        "For several processes on one database there is PostgreSQL"
    )
    with _locked(path.with_name(f"{path.name}.in-use"), what):
        yield


@contextlib.contextmanager
def _locked(path: Path, what: str) -> Iterator[None]:
    """Locks the file, and writes into it which process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise StartError(f"{path} can't be used: {exc.strerror}") from exc
    with open(descriptor, "r+", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise StartError(f"Another djangobot (pid {file.read(20).strip() or 'unknown'}) {what}") from exc
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield

"""What may keep a process from starting, in words that name the fix. Imported by commands that are over in a
moment: nothing of Telegram's or HTTP's is."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO


class StartError(Exception):
    """Why the service cannot start, and what to do about it."""


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket. Raises StartError when the port is taken, naming `setting`."""
    try:
        return socket.create_server((host, port), backlog=2048, family=_family(host))
    except OSError as exc:
        raise StartError(
            f"Can't listen on {host}:{port} ({os.strerror(exc.errno or 0)}). "
            f"Stop what uses this port, or choose another: {setting}"
        ) from exc


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[IO[str]]:
    """Two processes on one data folder would share a session and deliver everything twice."""
    path = data / "lock"
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise StartError(
                f"Another djangobot (pid {file.read().strip() or 'unknown'}) uses the folder {data}. "
                "Stop it, or give this one a folder of its own: DJANGOBOT_DATA"
            ) from exc
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield file


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET

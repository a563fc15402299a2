"""Ports of processes that tests start. They must be known before the process is there."""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

_kept: list[IO[str]] = []
"""Locks on the ports this process has given out."""


def free_port() -> int:
    """A port for one test alone: below those the system gives to clients, and no other run's."""
    folder = Path(tempfile.gettempdir()) / f"djangobot-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        port = random.randrange(10_000, 30_000)
        lock = (folder / str(port)).open("w")
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.create_server(("127.0.0.1", port)):
                _kept.append(lock)
                return port
        lock.close()

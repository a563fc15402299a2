"""Tells systemd that the process is up and alive, when systemd has asked for it (sd_notify(3)).

`WATCHDOG=1` is sent only after the event loop and the database have answered. Without it for `WatchdogSec=`,
systemd ends the process and starts it again.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import structlog

from djangobot.db.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

SHARE = 0.4
"""The part of the watchdog's time after which it is told again: one try may fail."""


def notify(state: str) -> None:
    """Sends this state, if systemd listens. A state that can't be sent is logged."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # Linux' abstract namespace
        address = f"\0{address[1:]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.connect(address)
            sending.sendall(state.encode())
    except OSError as exc:
        log.warning("systemd not told", reason=exc.strerror or str(exc))


def patience() -> float:
    """Seconds within which systemd wants to hear from this process; 0 when it does not."""
    of_process = os.environ.get("WATCHDOG_PID", "")
    if of_process and of_process != str(os.getpid()):
        return 0.0
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() else 0.0


async def keep_watchdog_fed(ask_database: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Asks the database again and again, and tells systemd each time it has answered."""
    while True:
        try:
            async with asyncio.timeout(seconds * SHARE):
                await ask_database()
        except (DatabaseUnavailable, TimeoutError):
            log.error("systemd's watchdog is not fed: the database does not answer")
        else:
            notify("WATCHDOG=1")
        await asyncio.sleep(seconds * SHARE)

"""The service under an init system that listens."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import Sandbox, Service


def test_it_says_when_it_is_ready_that_it_lives_and_when_it_stops(box: Sandbox, tmp_path: Path) -> None:
    """`Type=notify` and `WatchdogSec=` of deploy/systemd/djangobot.service stand on these three."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening, ThreadPoolExecutor(1) as init:
        listening.bind(address)
        listening.settimeout(4 * PATIENCE)

        def hear_until(last: bytes) -> list[bytes]:
            """What is said, up to this."""
            heard = [b""]
            while heard[-1] != last:
                heard.append(listening.recv(200).partition(b"\n")[0])
            return heard[1:]

        starting = init.submit(hear_until, b"WATCHDOG=1")
        service = Service(box, tmp_path / "data", NOTIFY_SOCKET=address, WATCHDOG_USEC="1000000")
        assert starting.result() == [b"READY=1", b"WATCHDOG=1"]
        ending = init.submit(hear_until, b"STOPPING=1")
        assert service.stop() == 0
        assert set(ending.result()) <= {b"WATCHDOG=1", b"STOPPING=1"}
        service.client.close()

"""A machine that does not reach Telegram: the log says why and where, and the service tries less and less
often."""

import json
import socket
import subprocess
from pathlib import Path

from ..ports import free_port
from .conftest import Sandbox, start


def test_the_log_says_why_telegram_is_not_reached_and_when_it_is_tried_again(
    box: Sandbox, tmp_path: Path
) -> None:
    """`djangobot run` on a port that refuses: the reason, the address, and pauses that grow."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        settings = {
            "DJANGOBOT_API_ID": "1",
            "DJANGOBOT_API_HASH": "sandbox",
            "DJANGOBOT_BOT_TOKEN": "1:sandbox",
            "DJANGOBOT_DATA": str(tmp_path / "data"),
            "DJANGOBOT_HTTP_PORT": str(free_port()),
            "DJANGOBOT_LOG_FORMAT": "json",
            "DJANGOBOT_TELEGRAM_SERVER": address,
            "DJANGOBOT_TELEGRAM_KEY": str(box.key),
        }
        process = start("run", env=settings, cwd=tmp_path, stderr=subprocess.PIPE)
        try:
            assert process.stderr is not None
            events = (json.loads(line) for line in process.stderr)
            failed = (event for event in events if event["event"] == "telegram is not reachable")
            first, second, third = next(failed), next(failed), next(failed)
        finally:
            process.terminate()
            process.communicate()
    assert {event["reason"] for event in (first, second, third)} == {f"connection refused by {address}"}
    assert first["again_in"] <= 0.5 <= second["again_in"] <= 1.0 <= third["again_in"] <= 2.0

"""`djangobot health`: asks the service that runs with the same settings whether it accepts messages.
Containers are watched with it. It imports little, because it is called often."""

import socket
from http.client import HTTPConnection, HTTPException

from djangobot.bot.setting_values import UNIX_SOCKET
from djangobot.bot.settings import Settings

PATIENCE = 8.0
"""Seconds until an answer must be there. The service itself needs up to four when the database is silent."""
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound, but what stands in the setting


def ask(settings: Settings) -> tuple[bool, str]:
    """Whether GET /health/ready is answered with 200, and what it says."""
    connection = HTTPConnection("localhost", timeout=PATIENCE)
    try:
        connection.sock = _connect(settings)
        connection.request("GET", f"{settings.base_path}/health/ready")
        answer = connection.getresponse()
        return answer.status == 200, answer.read().decode("utf-8", "replace")
    except (OSError, HTTPException) as exc:
        return False, f"{settings.listening} does not answer ({exc or type(exc).__name__})"
    finally:
        connection.close()


def _connect(settings: Settings) -> socket.socket:
    if unix := UNIX_SOCKET.fullmatch(settings.http_host):
        connected = socket.socket(socket.AF_UNIX)
        connected.settimeout(PATIENCE)
        connected.connect(unix["path"])
        return connected
    host = EVERYWHERE.get(settings.http_host, settings.http_host)
    return socket.create_connection((host, settings.http_port), PATIENCE)

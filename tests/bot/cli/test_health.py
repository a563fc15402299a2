"""`djangobot health`: asks the service that runs with these settings, wherever it listens."""

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from djangobot.bot.cli.health import ask
from djangobot.bot.settings import Settings

from ...ports import free_port


class Door(BaseHTTPRequestHandler):
    """Answers as /health/ready does, under one path, with a status that a test chooses."""

    def __init__(self, status: int, path: str, *arguments: object) -> None:
        self.status, self.only = status, path
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == self.only else 404)
        self.end_headers()
        self.wfile.write(b'{"answer":"as it is"}')

    def address_string(self) -> str:
        return ""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def a_door(settings: Settings, status: int = 200) -> Iterator[None]:
    handler = partial(Door, status, f"{settings.base_path}/health/ready")
    if settings.http_host.startswith("unix:"):
        path = settings.http_host.removeprefix("unix:").partition("?")[0]
        server: HTTPServer | UnixStreamServer = UnixStreamServer(path, handler)
    else:
        server = HTTPServer(("127.0.0.1", settings.http_port), handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "unix:{folder}/http.sock?mode=660"])  # noqa: S104
def test_it_is_asked_where_it_listens(host: str, tmp_path: Path) -> None:
    """Everywhere is loopback, too; a prefix that the proxy leaves is asked for."""
    where = host.format(folder=tmp_path)
    settings = Settings(database_url="sqlite://", http_host=where, http_port=free_port(), base_path="/notify")
    with a_door(settings):
        assert ask(settings) == (True, '{"answer":"as it is"}')


def test_what_does_not_accept_messages_is_not_well() -> None:
    """It says why, or that nobody answers."""
    settings = Settings(database_url="sqlite://", http_port=free_port())
    with a_door(settings, 503):
        assert ask(settings) == (False, '{"answer":"as it is"}')
    well, says = ask(settings)
    assert not well
    assert says.startswith(f"http://127.0.0.1:{settings.http_port} does not answer")

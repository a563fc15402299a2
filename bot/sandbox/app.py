"""Starts and stops the sandbox: the Telegram port and the web port in one loop."""

import argparse
import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop

from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.settings import Settings
from djangobot.bot.sandbox.state import StateInUse
from djangobot.bot.sandbox.web.application import Web

HOST = "127.0.0.1"
log = logging.getLogger(__name__)
NOT_MODELLED = "groups, channels, inline queries, payments, passwords and more (docs/sandbox.md)"


@dataclass(frozen=True)
class SandboxOptions:
    """How to start a sandbox. Port 0 means a free port."""

    state: Path
    port: int = 8443
    web_port: int = 8081
    strict_limits: bool = False
    repeats: str = "echo"
    """"echo" or "error": what a repeated random_id gets."""
    salt_lifetime: float = 1800
    first_steps: str = ""
    """Base URL of the HTTP API whose first steps the page shows; "": it shows none."""


@dataclass(frozen=True)
class Ready:
    """Where a started sandbox listens."""

    port: int
    web_port: int
    key: Path

    def line(self) -> str:
        """The one machine-readable line."""
        return f"sandbox ready telegram={HOST}:{self.port} web=http://{HOST}:{self.web_port} key={self.key}"


class PortTaken(Exception):
    """A port is in use; the text names it and the option to change."""

    def __init__(self, port: int, option: str) -> None:
        super().__init__(
            f"port {port} is already in use: choose another one with {option}, or 0 for any free one"
        )


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, and with an event for when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    options: SandboxOptions,
    *,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[Ready], Awaitable[None] | None] | None = None,
) -> None:
    """Runs a sandbox until `stop` is set, or for ever; `PortTaken` when a port is in use."""
    web_socket = _bind(options.web_port, "--web-port")
    settings = Settings(
        strict_limits=options.strict_limits, repeats="error" if options.repeats == "error" else "echo"
    )
    try:
        telegram = TelegramServer(options.state, settings, salt_lifetime=options.salt_lifetime)
    except BaseException:
        web_socket.close()
        raise
    try:
        try:
            await telegram.listen(HOST, options.port)
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                raise PortTaken(options.port, "--port") from exc
            raise
        await _serve_web(telegram, options, web_socket, stop or asyncio.Event(), on_ready)
    finally:
        await telegram.close()
        web_socket.close()


async def _serve_web(
    telegram: TelegramServer,
    options: SandboxOptions,
    web_socket: socket.socket,
    stop: asyncio.Event,
    on_ready: Callable[[Ready], Awaitable[None] | None] | None,
) -> None:
    web = Web(telegram, options.first_steps)
    config = uvicorn.Config(
        web.application(),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        ws="none",
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[web_socket]))
    listening = asyncio.create_task(server.listening.wait())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([listening, task], return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and on_ready is not None:
            ready = Ready(telegram.address[1], web_socket.getsockname()[1], options.state / "key.pem")
            notified = on_ready(ready)
            if notified is not None:
                await notified
        await asyncio.wait([stopping, task], return_when=asyncio.FIRST_COMPLETED)
    finally:
        listening.cancel()
        stopping.cancel()
        web.stop()
        server.should_exit = True
        await task


def _bind(port: int, option: str) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as exc:
        bound.close()
        if exc.errno == errno.EADDRINUSE:
            raise PortTaken(port, option) from exc
        raise
    return bound


async def _run(options: SandboxOptions) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def print_line(ready: Ready) -> None:
        sys.stdout.write(ready.line() + "\n")
        sys.stdout.flush()
        gc.collect()
        gc.freeze()  # the schema lives as long as the process: no collection need look at it again
        gc.enable()
        log.info(
            "this is a sandbox, not Telegram: nothing leaves this machine; not modelled: %s", NOT_MODELLED
        )

    await serve(options, stop=stop, on_ready=print_line)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="djangobot sandbox", description="A Telegram of our own on loopback."
    )
    parser.add_argument(
        "--port", type=int, default=8443, help="where Telegram clients connect; 0 means a free one"
    )
    parser.add_argument(
        "--web-port", type=int, default=8081, help="chat page and JSON API; 0 means a free one"
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("data/sandbox"),
        metavar="DIR",
        help="folder for all that is kept (default: data/sandbox)",
    )
    parser.add_argument("--strict-limits", action="store_true", help="hold bots to Telegram's sending rates")
    parser.add_argument(
        "--repeats", choices=("echo", "error"), default="echo", help="what a repeated random_id gets"
    )
    parser.add_argument(
        "--salt-lifetime", type=float, default=1800, metavar="SECONDS", help="how often server salts change"
    )
    parser.add_argument(
        "--first-steps", default="", metavar="URL", help="have the page show DjangoBot's first steps at URL"
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    log.setLevel(logging.INFO)
    options = SandboxOptions(**vars(given))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(options))
    except (PortTaken, StateInUse, PermissionError) as exc:
        sys.stderr.write(f"sandbox: {exc}\n")
        return 1
    return 0

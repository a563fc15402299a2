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
from typing import NoReturn

import uvicorn
import uvloop

from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.settings import Settings
from djangobot.bot.sandbox.state import StateUnusable
from djangobot.bot.sandbox.web.application import Web

HOST = "127.0.0.1"
LIFETIMES = (0.1, 86_400)
"""Seconds of a server salt, at least and at most."""
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


class PortUnusable(Exception):
    """A port can't be opened; the text names it and the option to change."""

    def __init__(self, port: int, option: str, reason: OSError) -> None:
        taken = reason.errno == errno.EADDRINUSE
        why = "is already in use" if taken else f"can't be opened ({reason.strerror or reason})"
        super().__init__(f"port {port} {why}: choose another one with {option}, or 0 for any free one")


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
    """Runs a sandbox until `stop` is set, or for ever. Raises PortUnusable, StateUnusable."""
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
            raise PortUnusable(options.port, "--port", exc) from exc
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
        raise PortUnusable(port, option, exc) from exc
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


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"sandbox: {message}; {self.prog} --help shows what there is\n")


def _port(given: str) -> int:
    if not (given.isdecimal() and len(given) < 6 and int(given) < 65536):
        raise argparse.ArgumentTypeError(f"{given!r} is not a port: give 0 to 65535")
    return int(given)


def _lifetime(given: str) -> float:
    with contextlib.suppress(ValueError):
        if LIFETIMES[0] <= float(given) <= LIFETIMES[1]:
            return float(given)
    raise argparse.ArgumentTypeError(
        f"{given!r} is not a number of seconds from {LIFETIMES[0]:g} to {LIFETIMES[1]}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="djangobot sandbox", description="A Telegram of our own on loopback.")
    parser.add_argument(
        "--port", type=_port, default=8443, help="where Telegram clients connect; 0 means a free one"
    )
    parser.add_argument(
        "--web-port", type=_port, default=8081, help="chat page and JSON API; 0 means a free one"
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
        "--salt-lifetime",
        type=_lifetime,
        default=1800,
        metavar="SECONDS",
        help="how often server salts change",
    )
    parser.add_argument(
        "--first-steps", default="", metavar="URL", help="have the page show DjangoBot's first steps at URL"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.port == given.web_port != 0:
        parser.error(f"port {given.port} can't be both: choose another one with --port or --web-port")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    log.setLevel(logging.INFO)
    options = SandboxOptions(**vars(given))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(options))
    except (PortUnusable, StateUnusable) as exc:
        sys.stderr.write(f"sandbox: {exc}\n")
        return 1
    return 0

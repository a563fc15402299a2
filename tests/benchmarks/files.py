"""How fast a file goes from curl through the service into the sandbox, beside a bare upload of the same file.

    uv run python tests/benchmarks/files.py [--rounds 3] [--mib 200]

The bare upload is by the same gateway client, from the disk. The service stores the file first, so it has
more to do. A pair after the other; the median of the ratios counts. The memory is that of the service's
process.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import uvloop
from latency import Service, connected, link  # type: ignore[import-not-found]

from djangobot.bot import log
from djangobot.bot.sandbox.testing import SandboxProcess
from djangobot.bot.telegram.files.uploads import File
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.text import Text
from djangobot.db.delivery.random_ids import new_random_id

GOAL = 0.7
"""Of the rate of a bare upload, at least."""
GROWTH = 32
"""MiB of resident memory, at most."""


class Memory:
    """Watches how far the memory of a process grows while the block runs."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ends = threading.Event()
        self.before = self.most = 0

    def __enter__(self) -> "Memory":
        self.before = self.most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._ends.wait(0.02):
            self.most = max(self.most, self._process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    @property
    def growth(self) -> float:
        """MiB."""
        return (self.most - self.before) / (1 << 20)


def through_curl(service: Service, token: str, path: Path) -> float:
    """Seconds until the file is in the chat."""
    began = time.perf_counter()
    answer = subprocess.run(
        ["curl", "-sS", f"{service.http.base_url}/api/send_message", "-H", f"Authorization: Bearer {token}",
         "-H", "Prefer: wait=60", "-F", "type=Document", "-F", f"file=@{path}"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    taken = time.perf_counter() - began
    assert b'"status":"sent"' in answer, answer
    return taken


def arrived(sandbox: SandboxProcess, person: int, path: Path) -> bool:
    """Whether the last message of the chat has a file of this name."""
    return path.name in str(sandbox.request_now("GET", f"/chats/{person}/messages")[-1])


async def bare(gateway: Gateway, peer: Peer, path: Path) -> float:
    """Seconds."""
    began = time.perf_counter()
    file = File(path.name, "application/octet-stream", path)
    await gateway.send_file(peer, file, Text(""), new_random_id())
    return time.perf_counter() - began


async def measure(sandbox: SandboxProcess, service: Service, path: Path, rounds: int) -> tuple[float, float]:
    person, token = await asyncio.to_thread(link, sandbox, service)
    client, peer = await connected(sandbox, person)
    gateway, size = Gateway(client), os.stat(path).st_size / (1 << 20)
    warm_up = path.with_name("warm-up")
    warm_up.write_bytes(os.urandom(12 << 20))
    await bare(gateway, peer, warm_up)
    await asyncio.to_thread(through_curl, service, token, warm_up)
    ratios, grown = [], []
    print(f"{'bare MiB/s':>11} {'curl to chat MiB/s':>19} {'ratio':>6} {'grown MiB':>10}")
    for _ in range(rounds):
        alone = await bare(gateway, peer, path)
        with Memory(service.process.pid) as memory:
            whole = await asyncio.to_thread(through_curl, service, token, path)
        assert await asyncio.to_thread(arrived, sandbox, person, path)
        ratios.append(alone / whole)
        grown.append(memory.growth)
        print(f"{size / alone:11.1f} {size / whole:19.1f} {ratios[-1]:6.2f} {grown[-1]:10.1f}")
    await client.stop()
    return statistics.median(ratios), max(grown)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mib", type=int, default=200)
    asked = parser.parse_args()
    log.set_up("json")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sandbox").mkdir()
        path = folder / "large.bin"
        path.write_bytes(os.urandom(asked.mib << 20))
        sandbox = SandboxProcess(folder / "sandbox")
        service = Service(sandbox, folder, DJANGOBOT_FILE_LIMIT=str(asked.mib + 1))
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                ratio, grown = runner.run(measure(sandbox, service, path, asked.rounds))
        finally:
            service.process.terminate()
            service.process.wait()
            sandbox.stop()
    print(f"\nratio, median of the rounds: {ratio:.2f} (goal: at least {GOAL})")
    print(f"memory grew by {grown:.1f} MiB (goal: at most {GROWTH})")
    return 0 if ratio >= GOAL and grown <= GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())

"""How much the sandbox bears: messages a second on few connections and on many, memory, and a start with all.

    uv run --group dev python tests/benchmarks/sandbox.py [--messages 100000] [--connections 10,100]

Each connection is a bot that sends to its own person, several calls at once. The clients need as much of the
processor as the sandbox: its own time for a message tells more on a machine that has other work to do.
"""

import argparse
import asyncio
import importlib
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import uvloop

from djangobot.bot.sandbox.mtproto import constructors
from djangobot.bot.sandbox.testing import SandboxProcess

sys.path.append(str(Path(__file__).parents[1] / "bot" / "sandbox"))
# The bare client of the tests: it costs the least.
Probe: Any = importlib.import_module("probe").Probe

WINDOW = 32
"""Calls that a connection has under way."""
TEXT = "A message of usual length, such as programs send: build 4711 has passed in 93 seconds."
GOAL_RATE, GOAL_MEMORY, GOAL_START = 4000, 60, 1.5
"""Messages a second of the sandbox's processor, MB for 100 000 messages, seconds of the processor."""


class Result(NamedTuple):
    """One round."""

    connections: int
    per_second: float
    cpu: float
    """The sandbox's processor time for a message, in microseconds."""


def cpu_of(process: psutil.Process) -> float:
    """The processor time a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


class Sender:
    """A bot on a connection of its own, and its person."""

    def __init__(self, sandbox: SandboxProcess, number: int) -> None:
        self._sandbox, self._number = sandbox, number
        self._probe = Probe(sandbox)
        self._person = 0

    async def sign_in(self) -> None:
        """Signs in; the person starts the bot."""
        await self._probe.connect()
        await self._probe.sign_in(self._number)
        self._person = await self._sandbox.person("Ann")
        await self._sandbox.say(self._person, "/start", self._number)

    async def send(self, count: int) -> None:
        """Sends so many messages."""
        peer = {"_": "inputPeerUser", "user_id": self._person, "access_hash": 0}
        request = {"_": "messages.sendMessage", "peer": peer, "message": TEXT}
        sent = answered = 0
        while answered < count:
            while sent < min(answered + WINDOW, count):
                self._probe.send(self._probe.schema.write({**request, "random_id": next(RANDOM)}))
                sent += 1
            results = [m for m in await self._probe.receive(60) if m.constructor == constructors.RPC_RESULT]
            self._probe.seen.clear()
            answered += len(results)
            if results:
                self._probe.acknowledge(*(message.msg_id for message in results))

    def close(self) -> None:
        """Ends the connection."""
        self._probe.close()


RANDOM = itertools.count(1 << 40)


async def load(sandbox: SandboxProcess, connections: int, messages: int, first: int) -> Result:
    """A round: so many connections share the messages."""
    senders = [Sender(sandbox, number) for number in range(first, first + connections)]
    for sender in senders:
        await sender.sign_in()
    process = psutil.Process(sandbox.process.pid)
    began, used = time.monotonic(), cpu_of(process)
    each = messages // connections
    await asyncio.gather(*(sender.send(each) for sender in senders))
    took, used = time.monotonic() - began, cpu_of(process) - used
    for sender in senders:
        sender.close()
    return Result(connections, each * connections / took, used / (each * connections) * 1e6)


async def run(messages: int, counts: list[int]) -> None:
    """All rounds, and then a start on what they have left."""
    with tempfile.TemporaryDirectory() as scratch:
        sandbox = SandboxProcess(Path(scratch) / "sandbox")
        process = psutil.Process(sandbox.process.pid)
        empty = process.memory_info().rss
        share = messages // len(counts)
        for place, connections in enumerate(counts):
            result = await load(sandbox, connections, share, 10_000 * (place + 1))
            own = 1e6 / result.cpu
            sys.stdout.write(
                f"{connections} connections: {result.per_second:.0f} messages/s, the sandbox alone {own:.0f} "
                f"({result.cpu:.0f} µs each; goal {GOAL_RATE})\n"
            )
        grown = (process.memory_info().rss - empty) / (share * len(counts)) * 100_000 / 1e6
        sys.stdout.write(f"memory: {grown:.0f} MB for 100 000 messages (goal {GOAL_MEMORY})\n")
        sandbox.stop()
        sandbox.start_again()
        again = psutil.Process(sandbox.process.pid)
        sys.stdout.write(
            f"a start with {messages} messages: {cpu_of(again):.2f} s of the processor (goal {GOAL_START}), "
            f"{again.memory_info().rss / 1e6:.0f} MB\n"
        )
        sandbox.stop()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000, help="in all rounds together")
    parser.add_argument("--connections", default="10,100", help="one round for each number")
    given = parser.parse_args()
    uvloop.run(run(given.messages, [int(number) for number in given.connections.split(",")]))


if __name__ == "__main__":
    main()

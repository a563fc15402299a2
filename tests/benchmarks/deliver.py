"""How fast the outbox drains into the sandbox, beside a bare loop of raw sends through the same client.

    uv run python tests/benchmarks/deliver.py [--rounds 15] [--chats 500] [--messages 5000]

The sandbox runs in a process of its own, pacing is off. Raw: 50 sends at once, nothing stored. Outbox:
claim, send, record, on SQLite with every step on disk. In turn, the ratio pair by pair; the median counts.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from djangobot.bot import log
from djangobot.bot.app import tune_python
from djangobot.bot.delivery.mute_prompts import SEVERAL, MutePrompts
from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import SessionStorage
from djangobot.bot.telegram.text import Text
from djangobot.db import migrate
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery import outbox
from djangobot.db.delivery.random_ids import new_random_id
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.messages.rich_text.spans import Span
from djangobot.db.people import chats, codes
from djangobot.db.programs import accounts

GOAL = 0.6
AT_ONCE = 50
FIRST = 10_000


class Measured(NamedTuple):
    """Messages a second, and the processor's time for one, in microseconds."""

    per_second: float
    cpu: float


class _Clock:
    """Measures from the moment it is made."""

    def __init__(self) -> None:
        self.began, self.cpu_began = time.perf_counter(), time.process_time()

    def measured(self, count: int) -> Measured:
        lasted, cpu = time.perf_counter() - self.began, time.process_time() - self.cpu_began
        return Measured(count / lasted, cpu / count * 1e6)


async def _raw(gateway: Gateway, hashes: dict[int, int], count: int) -> Measured:
    """Raw sends of messages that look the same: `AT_ONCE` workers share the chats."""
    todo = iter(range(count))
    people = list(hashes)

    bold = Span("bold", 0, 5)

    async def worker() -> None:
        for number in todo:
            person = people[number % len(people)]
            text = Text(f"Bench\noutbox {number}", (bold,))
            await gateway.send(Peer(person, hashes[person]), text, new_random_id())

    clock = _Clock()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return clock.measured(count)


async def _outbox(gateway: Gateway, tokens: list[str], count: int, mute_prompts: MutePrompts) -> Measured:
    """Messages from accepted to settled; accepting is done before the clock starts."""
    now = datetime.now(UTC)
    for start in range(0, count, 200):
        numbers = range(start, min(start + 200, count))
        await asyncio.gather(
            *(acceptance.accept(tokens[n % len(tokens)], NewMessage(f"outbox {n}"), now) for n in numbers)
        )
    delivery = Worker(gateway, Pacing(0, 0), mute_prompts=mute_prompts)
    clock = _Clock()
    running = asyncio.create_task(delivery.run())
    while not delivery.idle or await outbox.oldest_due(datetime.now(UTC)) is not None:
        await asyncio.sleep(0.02)
    measured = clock.measured(count)
    delivery.stop()
    await running
    return measured


async def _prepare(web: str, count: int, met: dict[int, int]) -> list[str]:
    now = datetime.now(UTC)
    account = await accounts.register("Bench", "bench", "password1234", now)
    tokens = []
    for person in range(FIRST, FIRST + count):
        await asyncio.to_thread(_call, f"{web}/people", f'{{"id": {person}, "first_name": "P"}}')
        await asyncio.to_thread(_call, f"{web}/chats/{person}/say", '{"text": "/start"}')
    while len(met) < count:
        await asyncio.sleep(0.02)
    for person, access_hash in met.items():
        chat = await chats.meet(
            person, access_hash=access_hash, first_name="P", last_name="", username="", language="en", now=now
        )
        tokens.append((await codes.redeem(account, await codes.issue(chat, now), now))[1])
    return tokens


def _call(url: str, body: str) -> None:
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request).read()


async def _measure(rounds: int, people: int, count: int, folder: Path, ready: dict[str, str]) -> float:
    host, _, port = ready["telegram"].rpartition(":")
    use_server(host, int(port), Path(ready["key"]))
    met: dict[int, int] = {}

    async def meet(update: Any, users: dict[int, Any]) -> None:
        met.update({user.id: user.access_hash for user in users.values() if not user.bot})

    client = TelegramClient(SessionStorage(), 1, "bench", "1:bench")
    client.on_update = meet
    await client.start()
    gateway = Gateway(client)
    await open_database(f"sqlite:///{folder / 'deliver.sqlite'}")
    await migrate.run()
    tokens = await _prepare(ready["web"], people, met)
    mute_prompts = MutePrompts()
    # Warm-up, and the notices of the redeemed codes. Each chat's third message carries buttons to mute, which
    # the raw ones do not; after that none does for an hour.
    await _outbox(gateway, tokens, people * SEVERAL, mute_prompts)
    tune_python()
    pairs = []
    print(f"{'':>8} {'messages/s':>11} {'CPU us':>8}   {people} chats, {count} messages")
    for _ in range(rounds):
        bare = await _raw(gateway, met, count)
        stored = await _outbox(gateway, tokens, count, mute_prompts)
        for name, measured in (("raw", bare), ("outbox", stored)):
            print(f"{name:>8} {measured.per_second:>11.0f} {measured.cpu:>8.0f}")
        pairs.append((stored.per_second / bare.per_second, stored.cpu / bare.cpu))
    await client.stop()
    await close_database()
    ratio, cpu = (float(statistics.median(ratios)) for ratios in zip(*pairs, strict=True))
    print(f"outbox / raw: {ratio:.2f} (goal: at least {GOAL}); CPU {cpu:.2f}")
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--chats", type=int, default=500)
    parser.add_argument("--messages", type=int, default=5000)
    given = parser.parse_args()
    log.set_up("json")  # as the process has it: events below INFO are dropped
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "djangobot", "sandbox", "--port", "0", "--web-port", "0"]
        sandbox = subprocess.Popen(
            [*command, "--state", f"{folder}/sandbox"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert sandbox.stdout is not None
            line = next(line for line in sandbox.stdout if line.startswith("sandbox ready"))
            ready = dict(part.split("=", 1) for part in line.split()[2:])
            ratio = uvloop.run(_measure(given.rounds, given.chats, given.messages, Path(folder), ready))
        finally:
            sandbox.terminate()
            sandbox.wait()
    sys.exit(0 if ratio >= GOAL else 1)


if __name__ == "__main__":
    main()

"""A load of messages, and the proof that each accepted one is in its chat once, in order."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import httpx

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import Sandbox, Service

PAUSE = 0.03
"""Seconds between a program's messages: a steady load for as long as the killing takes."""
DRAIN = 4 * PATIENCE
"""Seconds without a message that was missing, after the last kill."""


def seeded() -> random.Random:
    """Dice of CHAOS_SEED, or of a seed that is printed."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))
    print(f"CHAOS_SEED={seed}")
    return random.Random(seed)


class Sender:
    """A program that writes to one chat, one message after the other, and notes which were accepted."""

    def __init__(self, port: int, chat: int, token: str) -> None:
        self.port, self.chat, self.token = port, chat, token
        self.accepted: list[str] = []
        self.unanswered: set[str] = set()

    async def send(self, least: int, killing: asyncio.Event) -> None:
        """At least so many, and as long as the killing goes on."""
        number = 0
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE) as client:
            while number < least or killing.is_set():
                await self._one(client, f"{self.chat}-{number:06}")
                await asyncio.sleep(PAUSE)
                number += 1

    async def _one(self, client: httpx.AsyncClient, text: str) -> None:
        while True:
            try:
                answer = await self._post(client, text)
            except httpx.ConnectError:
                await asyncio.sleep(0.05)  # down: it was certainly not accepted, and comes back
            except httpx.TransportError:
                self.unanswered.add(text)  # killed in between: it may be there once, or not at all
                return
            else:
                assert answer.status_code == 202, answer.text
                self.accepted.append(text)
                return

    async def _post(self, client: httpx.AsyncClient, text: str) -> httpx.Response:
        body = {"text": text, "type": "Text", "bot_token": self.token}
        return await client.post("/api/send_message", json=body, headers={"Prefer": "respond-async"})


async def kill_under_load(
    box: Sandbox, senders: Sequence[Sender], least: int, kills: int, kill: Callable[[], Awaitable[None]]
) -> None:
    """Sends while something is killed so many times; Telegram misbehaves no longer than that."""
    killing = asyncio.Event()
    killing.set()
    load = asyncio.gather(*(sender.send(least, killing) for sender in senders))
    for _ in range(kills):
        await kill()
    killing.clear()
    await asyncio.to_thread(box.delete, "/faults")
    await load


async def misbehave_and_kill(
    box: Sandbox, service: Service, dice: random.Random, methods: list[str], kinds: list[str], times: int
) -> None:
    """At any moment Telegram begins to misbehave, and the service is killed soon after."""
    await asyncio.sleep(dice.uniform(0.02, 0.8))
    fault = {"method": dice.choice(methods), "kind": dice.choice(kinds), "times": times}
    await asyncio.to_thread(box.post, "/faults", **fault)
    await asyncio.sleep(dice.uniform(0, 0.2))
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)


def drained(box: Sandbox, senders: list[Sender]) -> dict[int, list[str]]:
    """What is in each chat once nothing more is to come; the bot's own notices left out."""
    deadline, least = time.monotonic() + DRAIN, sum(len(sender.accepted) for sender in senders)
    while True:
        shown = {
            sender.chat: [
                message["text"].partition("\n")[2]
                for message in box.messages(sender.chat)
                if message["from"] == "bot" and f"\n{sender.chat}-" in message["text"]
            ]
            for sender in senders
        }
        if all(set(sender.accepted) <= set(shown[sender.chat]) for sender in senders):
            return shown
        left = {sender.chat: len(set(sender.accepted) - set(shown[sender.chat])) for sender in senders}
        if sum(left.values()) < least:
            deadline, least = time.monotonic() + DRAIN, sum(left.values())
        assert time.monotonic() < deadline, left
        time.sleep(0.2)  # the sandbox says when a chat changes, not when all of them are complete


def check(box: Sandbox, senders: list[Sender]) -> int:
    """None lost, none doubled, order kept. How many were accepted."""
    shown = drained(box, senders)
    doubled = {
        chat: [text for text, times in Counter(texts).items() if times > 1] for chat, texts in shown.items()
    }
    assert not any(doubled.values()), doubled
    for sender in senders:
        texts = shown[sender.chat]
        assert set(texts) - set(sender.accepted) <= sender.unanswered
        assert texts == sorted(texts), "order of acceptance"
    return sum(len(sender.accepted) for sender in senders)

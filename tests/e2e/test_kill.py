"""SIGKILL at any moment: what was answered with 2xx is in the chat once, in order."""

import asyncio
import random

import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .chaos import Sender, check, seeded
from .conftest import Sandbox, Service


async def _load_and_kill(
    box: Sandbox, service: Service, senders: list[Sender], least: int, kills: int, dice: random.Random
) -> None:
    """Before each kill Telegram begins to misbehave: connections cut before or after a message was
    executed."""
    killing = asyncio.Event()
    killing.set()
    load = asyncio.gather(*(sender.send(least, killing) for sender in senders))
    for _ in range(kills):
        await asyncio.sleep(dice.uniform(0.02, 0.8))
        kind = dice.choice(["cut_before", "cut_after", "cut_after", "drop_answer"])
        await asyncio.to_thread(box.post, "/faults", method="messages.sendMessage", kind=kind, times=3)
        await asyncio.sleep(dice.uniform(0, 0.2))
        await asyncio.to_thread(service.kill)
        await asyncio.to_thread(service.start)
    killing.clear()
    await asyncio.to_thread(box.delete, "/faults")
    await load


def _run(box: Sandbox, service: Service, *, chats: int, least: int, kills: int) -> None:
    dice = seeded()
    bearer = service.account("Chaos")
    senders = []
    for _ in range(chats):
        chat = box.person()
        senders.append(Sender(service.port, chat, service.bot_token(chat, bearer)))
    asyncio.run(_load_and_kill(box, service, senders, least, kills, dice))
    accepted = check(box, senders)
    repeats = box.get("/journal")["repeats"]
    print(f"{kills} kills, {accepted} accepted, {repeats} repeats recognised; none lost, none doubled")


def test_killed_a_few_times_nothing_is_lost_or_doubled(box: Sandbox, service: Service) -> None:
    """The short form: eight chats, five kills."""
    _run(box, service, chats=8, least=40, kills=5)


@pytest.mark.chaos
@pytest.mark.timeout(120 * PATIENCE)
def test_killed_fifty_times_nothing_is_lost_or_doubled(box: Sandbox, service: Service) -> None:
    """The long form: forty chats, two thousand messages and more, fifty kills."""
    _run(box, service, chats=40, least=60, kills=50)

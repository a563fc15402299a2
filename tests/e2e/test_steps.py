"""SIGKILL at every step of a send: whatever was done by then, the message is in the chat once, in order."""

import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import Sandbox, Service, Wait

CHATS = 4
DYING = """
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db.messages import acceptance
from djangobot.db.delivery import settlement

add_claimed, settle, send, insert = Worker.add_claimed, settlement.settle, Gateway.send, acceptance._insert

def die_of(step, *texts):
    if any("boom" in text for text in texts):
        die(step)

def claim_and_die(self, claimed):
    die_of("claimed", *(message.text for message in claimed))
    add_claimed(self, claimed)

async def settle_and_die(results, now):
    texts = [result.message.text for result in results]
    die_of("before it is recorded", *texts)
    await settle(results, now)
    die_of("recorded", *texts)

async def send_and_die(self, peer, text, random_id):
    die_of("before the send", text.text)
    first = text.text.startswith("Fedor")
    if not first:
        die_of("before the second part", text.text)
    telegram_id = await send(self, peer, text, random_id)
    die_of("sent" if first else "second part sent", text.text)
    return telegram_id

async def insert_and_die(digest, message, now, **rest):
    accepted = await insert(digest, message, now, **rest)
    die_of("accepted", message.text)
    return accepted

Worker.add_claimed, settlement.settle = claim_and_die, settle_and_die
Gateway.send, acceptance._insert = send_and_die, insert_and_die
"""
STEPS = [
    "accepted", "claimed", "before the send", "sent", "before the second part", "second part sent",
    "before it is recorded", "recorded",
]  # fmt: skip
LONG = " ".join(["boom"] * 819)
"""With its sender's name above it, two parts."""


def send(service: Service, token: str, text: str) -> bool | None:
    """Whether it was accepted; None: nobody knows."""
    try:
        return bool(service.send(token, text, prefer="respond-async").status_code == 202)
    except httpx.ConnectError:
        return False
    except httpx.TransportError:
        return None


def shown(box: Sandbox, chat: int) -> list[str]:
    """What the chat shows of ours, told from the parts of one message by its first."""
    texts = [m["text"].removeprefix("Fedor\n") for m in box.messages(chat) if m["from"] == "bot"]
    return ["boom" if text.startswith("boom") else text for text in texts]


def is_shown(box: Sandbox, chat: int, text: str) -> bool:
    return text in shown(box, chat)


def kill_once(
    box: Sandbox, service: Service, tokens: dict[int, str], step: str, number: int, wait_until: Wait
) -> None:
    service.kill()
    service.start_to_die(DYING, step)
    before = {chat: len(shown(box, chat)) for chat in tokens}
    tried: dict[int, list[tuple[str, bool | None]]] = {chat: [] for chat in tokens}
    for text in (f"first {number}", LONG, f"last {number}"):
        for chat, token in tokens.items():
            tried[chat].append((text, send(service, token, text)))
    assert service.process.wait(PATIENCE) == -signal.SIGKILL, step
    service.start()
    for chat, token in tokens.items():
        end = f"end {number}"
        assert send(service, token, end)
        wait_until(partial(is_shown, box, chat, end))
        there = shown(box, chat)[before[chat] :]
        sure = [text for text, accepted in [*tried[chat], (end, True)] if accepted]
        unsure = [text for text, accepted in tried[chat] if accepted is None]
        parts = Counter({text: 2 if text == "boom" else 1 for text in set(there)})
        assert Counter(there) == parts, (step, there)
        assert {text if text != LONG else "boom" for text in sure} <= set(there), (step, there)
        assert set(there) <= {text if text != LONG else "boom" for text in (*sure, *unsure)}
        order = ["first", "boom", "last", "end"]
        places = [order.index(text.partition(" ")[0]) for text in there]
        assert places == sorted(places), (step, there)


@pytest.fixture
def tokens(box: Sandbox, service: Service) -> Iterator[dict[int, str]]:
    """Chats with their bot tokens; afterwards the service runs as ever."""
    bearer = service.account("Fedor")
    people = [box.person() for _ in range(CHATS)]
    yield {chat: service.bot_token(chat, bearer) for chat in people}
    if service.process.poll() is not None:
        service.start()


@pytest.mark.parametrize("step", ["claimed", "sent", "second part sent", "before it is recorded"])
def test_killed_at_this_step_of_a_send_nothing_is_lost_or_doubled(
    box: Sandbox, service: Service, tokens: dict[int, str], step: str, wait_until: Wait
) -> None:
    """Once at each of the steps behind which most differs; a message of two parts among others. The chaos run
    takes all of them."""
    kill_once(box, service, tokens, step, 0, wait_until)


@pytest.mark.chaos
@pytest.mark.timeout(30 * PATIENCE)
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_this_step_again_and_again_nothing_is_lost_or_doubled(
    box: Sandbox, service: Service, tokens: dict[int, str], step: str, wait_until: Wait
) -> None:
    """Ten times for each step, answers dropped and connections cut besides."""
    for number in range(10):
        kind = ("cut_before", "cut_after", "drop_answer")[number % 3]
        box.post("/faults", method="messages.sendMessage", kind=kind, times=1)
        kill_once(box, service, tokens, step, number, wait_until)

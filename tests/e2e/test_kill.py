"""SIGKILL at any moment: what was answered with 2xx is in the chat once, in order."""

import asyncio
from functools import partial

import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .chaos import Sender, check, kill_under_load, misbehave_and_kill, seeded
from .conftest import Sandbox, Service, guess_code, guess_password

FAULTS = ["cut_before", "cut_after", "cut_after", "drop_answer"]
"""Connections are cut before or after a message was executed."""


def _run(box: Sandbox, service: Service, *, chats: int, least: int, kills: int) -> None:
    dice = seeded()
    bearer = service.account("Chaos")
    senders = []
    for _ in range(chats):
        chat = box.person()
        senders.append(Sender(service.port, chat, service.bot_token(chat, bearer)))
    kill = partial(misbehave_and_kill, box, service, dice, ["messages.sendMessage"], FAULTS, 3)
    asyncio.run(kill_under_load(box, senders, least, kills, kill))
    accepted = check(box, senders)
    repeats = box.get("/journal")["repeats"]
    print(f"{kills} kills, {accepted} accepted, {repeats} repeats recognised; none lost, none doubled")


def test_killed_a_few_times_nothing_is_lost_or_doubled(box: Sandbox, service: Service) -> None:
    """The short form: eight chats, five kills."""
    _run(box, service, chats=8, least=40, kills=5)


def test_who_guesses_gains_nothing_by_a_kill(service: Service) -> None:
    """Wrong passwords and codes that were tried before it count after it."""
    bearer = service.account("Guessed")
    assert [guess_code(service, bearer) for _ in range(10)] == [403] * 10
    assert [guess_password(service) for _ in range(20)] == [401] * 20
    service.kill()
    service.start()
    assert guess_code(service, bearer) == 429
    assert guess_password(service) == 429


@pytest.mark.chaos
@pytest.mark.timeout(120 * PATIENCE)
def test_killed_fifty_times_nothing_is_lost_or_doubled(box: Sandbox, service: Service) -> None:
    """The long form: forty chats, two thousand messages and more, fifty kills."""
    _run(box, service, chats=40, least=60, kills=50)

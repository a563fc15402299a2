"""SIGKILL while /start is answered: a code that is redeemed before the update comes again is the only one."""

import signal
import time

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import CODE, Sandbox, Service, Wait, start

DYING = """
import re
from djangobot.bot.telegram.gateway import Gateway
from djangobot.bot.telegram.updates import Inbox
from djangobot.db.people import codes

send, shown, save = Gateway.send, codes.shown, Inbox.save
answered = False

def die_once_answered(step):
    if answered:
        die(step)

async def send_and_die(self, peer, text, random_id):
    global answered
    telegram_id = await send(self, peer, text, random_id)
    answered = answered or re.search(r"\\d{3} \\d{3} \\d{4}", text.text) is not None
    die_once_answered("answered")
    return telegram_id

async def shown_and_die(*arguments):
    await shown(*arguments)
    die_once_answered("the message with the code is recorded")

async def save_and_die(self):
    die_once_answered("before the update is noted")
    await save(self)

Gateway.send, codes.shown, Inbox.save = send_and_die, shown_and_die, save_and_die
"""
STEPS = ["answered", "the message with the code is recorded", "before the update is noted"]


def start_without_telegram(service: Service) -> None:
    """The service once more: programs can call, Telegram can't be reached."""
    service.sandbox.post("/faults", method="*", kind="refuse_connections", times=100_000)
    with service.log.open("a") as log:
        service.process = start("run", env=service.env, stdout=log, stderr=log)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            service.client.get("/health")
        except httpx.TransportError:
            time.sleep(0.05)  # nothing announces that a port begins to listen
        else:
            return
    raise AssertionError(f"nobody listens after {PATIENCE} s:\n{service.log.read_text()}")


def codes_in(box: Sandbox, chat: int) -> list[str]:
    """Every code that the chat shows or showed."""
    return [code for message in box.messages(chat) for code in CODE.findall(message["text"])]


@pytest.mark.parametrize("step", STEPS)
def test_killed_while_start_is_answered_there_is_no_second_code(
    box: Sandbox,
    service: Service,
    wait_until: Wait,
    step: str,
) -> None:
    """The update comes again after the restart. Its answer has the same code, which Telegram recognises."""
    bearer = service.account()
    alex = box.person()
    service.stop()
    service.start_to_die(DYING, step)
    box.post(f"/chats/{alex}/say", text="/start")
    assert service.process.wait(PATIENCE) == -signal.SIGKILL, step
    (first,) = codes_in(box, alex)
    start_without_telegram(service)
    answer = service.client.post("/api/cabinet/", json={"code": first}, headers=bearer)
    assert answer.status_code == 200
    service.kill()
    box.delete("/faults")
    service.start()
    box.say(alex, "/help")
    wait_until(lambda: any("/code" in message["text"] for message in box.messages(alex)))
    assert set(codes_in(box, alex)) <= {first}
    greetings = [message for message in box.messages(alex) if message["text"].startswith("Hello")]
    assert len(greetings) == 1
    wait_until(lambda: any("Fedor" in message["text"] for message in box.messages(alex)))
    assert set(codes_in(box, alex)) <= {first}

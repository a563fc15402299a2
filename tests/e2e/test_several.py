"""Several processes on one PostgreSQL: doors anywhere, one that delivers, a standby that takes over."""

import asyncio
import random
import secrets
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.delivery import leader

from ..ports import free_port
from .chaos import Sender, check, kill_under_load, seeded
from .conftest import WAIT, Run, Sandbox, Service, Wait, guess_code, guess_password

TAKEOVER = PATIENCE
"""Seconds within which a standby leads after the other's death; ten are promised on a machine with room."""


class Cluster:
    """Two processes that may deliver, two doors; each has a folder of its own, the secrets are shared."""

    def __init__(self, box: Sandbox, folder: Path, url: str, doors: int = 2, **settings: str) -> None:
        same = {f"DJANGOBOT_{name}": secrets.token_hex(32) for name in ("JWT_SECRET", "SESSION_KEY")}
        self.root = box.person()
        shared = {"DATABASE_URL": url, "DJANGOBOT_ADMINS": str(self.root), **same, **settings}
        self.bots = [Service(box, folder / f"bot{number}", **shared) for number in range(2)]
        self.doors = [Service(box, folder / f"door{number}", "--no-bot", **shared) for number in range(doors)]

    @property
    def every(self) -> list[Service]:
        return self.bots + self.doors

    def active(self) -> Service:
        """The one that leads, once there is one."""
        deadline = time.monotonic() + 3 * TAKEOVER
        while time.monotonic() < deadline:
            for bot in self.bots:
                if bot.process.poll() is None and telegram(bot) == "connected":
                    return bot
            time.sleep(0.02)  # nothing announces who leads
        raise AssertionError("nobody leads")

    def stop(self) -> None:
        for service in self.every:
            service.stop()
            service.client.close()


def telegram(service: Service) -> str:
    return str(service.client.get("/health").json()["telegram"])


def database(postgresql_server: str) -> str:
    """The address of a new one."""
    name = f"several_{secrets.token_hex(4)}"

    async def create() -> None:
        connection = await asyncpg.connect(postgresql_server)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(create())
    return postgresql_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="module")
def cluster(
    box: Sandbox, postgresql_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    running = Cluster(box, tmp_path_factory.mktemp("cluster"), database(postgresql_server))
    yield running
    running.stop()


def test_every_door_sends_and_hears_what_became_of_it(box: Sandbox, cluster: Cluster) -> None:
    """One leads, one stands by, two have no bot; whoever is asked answers `sent`, for all hear of it."""
    assert sorted(telegram(service) for service in cluster.every) == ["connected", "off", "off", "standby"]
    alex = box.person()
    bearer = cluster.active().account()
    token = cluster.doors[0].bot_token(alex, bearer)
    for number, service in enumerate(cluster.every):
        answer = service.send(token, f"through {number}", prefer=WAIT)
        assert (answer.status_code, answer.json()["status"]) == (200, "sent")
    shown = [message["text"].partition("\n")[2] for message in box.messages(alex)[-4:]]
    assert shown == [f"through {number}" for number in range(4)]


def test_a_file_and_its_deletion_come_through_any_door(box: Sandbox, cluster: Cluster) -> None:
    """The door that takes the bytes has no bot, and the process that sends them has no folder of the door's.
    Another door deletes the message."""
    alex = box.person()
    one, other = cluster.doors
    token = one.bot_token(alex, cluster.active().account())
    bearer = {"Authorization": f"Bearer {token}", "Prefer": WAIT}
    seed = random.randrange(2**32)
    print("seed", seed)
    content = random.Random(seed).randbytes(3_000_000)
    files = {"file": ("a.bin", content)}
    answer = one.client.post("/api/send_message", headers=bearer, data={"text": "a file"}, files=files)
    assert (answer.status_code, answer.json()["status"]) == (200, "sent")
    message = box.messages(alex)[-1]
    assert httpx.get(box.web + message["file"]["url"]).content == content
    answer = other.client.delete(f"/api/messages/{answer.json()['id']}", headers=bearer)
    assert (answer.status_code, answer.json()["answer"]) == (200, "message was deleted")
    assert box.messages(alex)[-1]["deleted"]


def test_a_ban_holds_at_every_door_at_once(box: Sandbox, cluster: Cluster) -> None:
    """From the answer to the button on; so does the end of the ban."""
    alex = box.person()
    token = cluster.doors[0].bot_token(alex, cluster.active().account("Banned"))
    found = box.say(cluster.root, "/users Banned")
    opened = found["buttons"][0][0]["data"]
    box.post(f"/chats/{cluster.root}/press", message_id=found["id"], data=opened)
    who = opened.removeprefix("user:")
    for entry, status in (("ban", 403), ("unban", 200)):
        data = f"user_do:{entry}:{who}"
        box.post(f"/chats/{cluster.root}/press", message_id=found["id"], data=data)
        statuses = {service.send(token, entry, prefer=WAIT).status_code for service in cluster.every}
        assert statuses == {status}


def test_guesses_at_every_door_are_counted_together_and_a_restart_forgets_none(
    box: Sandbox, cluster: Cluster
) -> None:
    """Passwords and codes, tried in turn at two doors: together no more than at one. A door that is killed
    and comes back knows of them."""
    one, other = cluster.doors
    bearer = one.account("Guessed")
    codes = [guess_code(door, bearer) for door in (one, other) * 5]
    assert codes == [403] * 10
    passwords = [guess_password(door) for door in (one, other) * 10]
    assert passwords == [401] * 20
    one.kill()
    one.start()
    for door in cluster.every:
        assert guess_code(door, bearer) == 429
        assert guess_password(door) == 429


def test_a_standby_takes_over_from_the_dead_and_need_not_sign_in(box: Sandbox, cluster: Cluster) -> None:
    """Within ten seconds, with what was accepted meanwhile; Telegram sees the same session again."""
    assert leader.TRUSTED + leader.PULSE + leader.STANDBY_PAUSE < 10
    alex = box.person()
    active = cluster.active()
    (standby,) = [bot for bot in cluster.bots if bot is not active]
    token = cluster.doors[0].bot_token(alex, active.account())
    before = box.get("/journal")["sign_ins"]
    active.kill()
    died = time.monotonic()
    assert cluster.doors[1].send(token, "meanwhile", prefer="respond-async").status_code == 202
    assert cluster.active() is standby
    assert time.monotonic() - died < 3 * TAKEOVER
    assert standby.send(token, "after", prefer=WAIT).json()["status"] == "sent"
    shown = [message["text"] for message in box.messages(alex) if message["text"].startswith("Fedor\n")]
    assert shown == ["Fedor\nmeanwhile", "Fedor\nafter"]
    assert box.get("/journal")["sign_ins"] == before
    active.start()
    assert telegram(active) == "standby"


def test_a_deliverer_that_stood_still_begins_no_send_of_what_was_deleted_meanwhile(
    postgresql_server: str, tmp_path: Path, wait_until: Wait
) -> None:
    """Stopped with messages in hand and a send under way, replaced, and let go on: it can't know that it was
    deposed, so it asks Telegram nothing, and the next one leads. It stands by, although an answer comes as it
    ends. Eight messages wait in one chat, four in each of two others."""
    box = Sandbox(tmp_path / "sandbox")  # the other tests' processes are the same bot on theirs
    cluster = Cluster(box, tmp_path, database(postgresql_server), doors=0, DJANGOBOT_RATE_CHAT="0.25")
    try:
        active = cluster.active()
        (standby,) = [bot for bot in cluster.bots if bot is not active]
        bearer = active.account("Gone")
        people = [box.person() for _ in range(3)]

        def from_gone() -> list[str]:
            said = [message["text"] for person in people for message in box.messages(person)]
            return [text for text in said if text.startswith("Gone\n")]

        for person, many in zip(people, (8, 4, 4), strict=True):
            token = active.bot_token(person, bearer)
            for number in range(many):
                answer = active.send(token, f"number {number}", prefer="respond-async")
                assert answer.status_code == 202
        first = people[0]
        box.post("/faults", method="messages.sendMessage", kind="delay", value=1, times=1, chat=first)
        wait_until(lambda: box.get("/faults") == [])
        active.process.send_signal(signal.SIGSTOP)
        shown = len(box.messages(first))
        stopped = time.monotonic()
        try:
            gone = standby.client.request("DELETE", "/api/user/", headers=bearer, json={})
            assert gone.json() == {"answer": "success user was deleted"}
            wait_until(lambda: len(box.messages(first)) == shown + 1)
            before = from_gone()
            assert len(before) < 16, "some wait"
            while telegram(standby) != "connected":
                time.sleep(0.05)  # nothing announces who leads
                assert time.monotonic() - stopped < 3 * TAKEOVER
        finally:
            active.process.send_signal(signal.SIGCONT)
        while (states := sorted(telegram(bot) for bot in cluster.bots)) != ["connected", "standby"]:
            time.sleep(0.05)  # as above
            assert time.monotonic() - stopped < 6 * TAKEOVER, states
        assert from_gone() == before
        said = [message["text"] for person in people for message in box.messages(person)]
        assert sum("Gone" in text and "deleted" in text for text in said) <= len(people)
    finally:
        cluster.stop()
        box.stop()


def test_a_process_with_another_session_key_is_refused(
    box: Sandbox, cluster: Cluster, tmp_path: Path, run: Run
) -> None:
    """It could not go on with the session; it says which setting is wrong, before anything needs it."""
    env = {**cluster.bots[0].env, "DJANGOBOT_SESSION_KEY": "x" * 32, "DJANGOBOT_DATA": str(tmp_path)}
    refused = run(tmp_path, "run", **{**env, "DJANGOBOT_HTTP_PORT": str(free_port())})
    assert refused.returncode == 1
    assert "DJANGOBOT_SESSION_KEY" in refused.stderr


def test_a_door_with_another_secret_for_access_tokens_says_so(
    box: Sandbox, cluster: Cluster, tmp_path: Path
) -> None:
    """Who signed in elsewhere is refused there; the log names the setting."""
    secret = cluster.doors[0].env["DJANGOBOT_JWT_SECRET"]
    env = {**cluster.doors[0].env, "DJANGOBOT_JWT_SECRET": "x" * 32}
    assert "DJANGOBOT_JWT_SECRET" not in cluster.doors[0].log.read_text()
    env = {name: env[name] for name in ("DATABASE_URL", "DJANGOBOT_JWT_SECRET", "DJANGOBOT_SESSION_KEY")}
    other = Service(box, tmp_path / "data", "--no-bot", **env)
    try:
        bearer = cluster.doors[0].account()
        assert other.client.get("/api/cabinet", headers=bearer).status_code == 401
        assert "DJANGOBOT_JWT_SECRET" in other.log.read_text()
    finally:
        other.stop()
        other.client.close()
    right = Service(box, tmp_path / "right", "--no-bot", **{**env, "DJANGOBOT_JWT_SECRET": secret})
    right.stop()
    right.client.close()
    assert "DJANGOBOT_JWT_SECRET" not in right.log.read_text(), "the first to be there is right"


async def _kill_the_active(cluster: Cluster, dice: random.Random) -> None:
    active = await asyncio.to_thread(cluster.active)
    await asyncio.sleep(dice.uniform(0.02, 1.5))
    await asyncio.to_thread(active.kill)
    await asyncio.to_thread(active.start)


def _run(box: Sandbox, cluster: Cluster, *, chats: int, least: int, kills: int, dice: random.Random) -> None:
    bearer = cluster.active().account("Chaos")
    senders = []
    for number in range(chats):
        chat = box.person()
        token = cluster.doors[0].bot_token(chat, bearer)
        senders.append(Sender(cluster.doors[number % 2].port, chat, token))
    kill = partial(_kill_the_active, cluster, dice)
    asyncio.run(kill_under_load(box, senders, least, kills, kill))
    accepted = check(box, senders)
    repeats = box.get("/journal")["repeats"]
    print(f"{kills} deliverers killed, {accepted} accepted, {repeats} repeats; none lost, none doubled")


def test_the_active_one_killed_twice_nothing_is_lost_or_doubled(box: Sandbox, cluster: Cluster) -> None:
    """The short form: eight chats, two doors."""
    _run(box, cluster, chats=8, least=40, kills=2, dice=seeded())


@pytest.mark.chaos
@pytest.mark.timeout(120 * PATIENCE)
def test_the_active_one_killed_again_and_again_nothing_is_lost_or_doubled(
    box: Sandbox, cluster: Cluster
) -> None:
    """The long form: forty chats, two doors, twenty-five kills."""
    _run(box, cluster, chats=40, least=60, kills=25, dice=seeded())

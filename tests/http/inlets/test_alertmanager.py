"""Debian's Alertmanager, run for real with the snippet of docs/senders.md: it groups, repeats, is killed."""

import asyncio
import contextlib
import re
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from djangobot.bot.rendering.snippets import BY_KEY, snippet
from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.http.limits.limits import Limits

from ..conftest import Api, Clock, Telegram, a_client, an_app, served

PROGRAM = shutil.which("prometheus-alertmanager")
ROUTE = """
route:
  receiver: telegram
  group_by: [alertname]
  group_wait: 10ms
  group_interval: 100ms
  repeat_interval: 1h
"""

SLACK = """
receivers:
  - name: telegram
    slack_configs:
      - api_url: {address}/api/hook/{token}
        channel: "#alerts"
"""

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Alertmanager is not installed (Debian's package prometheus-alertmanager)"
)


class Door:
    """Our application, which may keep its answers back."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.statuses: asyncio.Queue[int] = asyncio.Queue()
        """Of each webhook, once its message is on disk, and before the answer goes."""
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def gated(message: Any) -> None:
            if message["type"] == "http.response.start" and scope["path"].startswith("/api/hook"):
                self.statuses.put_nowait(message["status"])
                await self.open.wait()
            await send(message)

        await self.app(scope, receive, gated)

    async def status(self) -> int:
        """The status of the next webhook."""
        return await asyncio.wait_for(self.statuses.get(), PATIENCE)


class Alertmanager:
    """The program, with one receiver: the one of the snippet."""

    def __init__(self, folder: Path, address: str, token: str) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.given = {"address": address, "token": token}
        self.snippet = snippet(BY_KEY["alertmanager"], address, token)
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, receivers: str = "") -> None:
        assert PROGRAM is not None
        (self.folder / "alertmanager.yml").write_text(ROUTE + (receivers or self.snippet))
        self.process = await asyncio.create_subprocess_exec(
            PROGRAM,
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.external-url=https://alertmanager.example.org",
            "--web.route-prefix=/",
            "--cluster.listen-address=",
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await self.client.get("/-/ready")).is_success:
                        return
                await asyncio.sleep(0.02)  # nothing announces that a port begins to listen

    async def kill(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def tell(self, name: str, *instances: str, resolved: bool = False) -> None:
        """What Prometheus tells every few seconds."""
        now = datetime.now(UTC)
        ends = {"endsAt": now.isoformat()} if resolved else {}
        alerts = [
            {
                "labels": {"alertname": name, "instance": instance, "severity": "critical"},
                "annotations": {"summary": f"{instance} is ill"},
                "startsAt": (now - timedelta(minutes=5)).isoformat(),
                **ends,
            }
            for instance in instances
        ]
        assert (await self.client.post("/api/v2/alerts", json=alerts)).status_code == 200


class World:
    """The service, the person, and Alertmanager."""

    def __init__(
        self, api: Api, door: Door, clock: Clock, access: dict[str, str], program: Alertmanager
    ) -> None:
        self.api, self.door, self.clock, self.access, self.program = api, door, clock, access, program

    async def chat(self) -> list[str]:
        """The titles or texts of what the person sees, the oldest first."""
        history = await self.api.told(self.access)
        return [line.get("title") or line["text"] for line in history[::-1]]

    async def until(self, title: str) -> None:
        """Waits for webhooks until the first message has this title. Alertmanager may tell a change in two
        steps."""
        shown = ""
        while shown != title:
            assert await self.door.status() == 200
            await self.api.deliver()
            shown = (await self.chat())[0]


Start = Callable[[int], Awaitable[World]]


@pytest.fixture
async def start(database: None, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts all of it. The argument: how many messages a minute are taken; 0 for any number."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(limit_send: int) -> World:
            clock = Clock()
            door = Door(an_app(limits=Limits(limit_send=limit_send, clock=clock)))
            address = await stack.enter_async_context(served(door))
            api = Api(await stack.enter_async_context(a_client(address)), clock, Telegram())
            access = await api.access()
            program = Alertmanager(tmp_path, address, await api.bot_token(access))
            await program.start()
            stack.push_async_callback(program.client.aclose)
            stack.push_async_callback(program.kill)
            return World(api, door, clock, access, program)

        yield begin


async def test_a_group_is_one_message_from_firing_to_resolved(start: Start) -> None:
    """More alerts and fewer change it; the end turns it green, and is told."""
    world = await start(0)
    await world.program.tell("Ill", "db1.example.org")
    await world.until("🔴 Ill")
    await world.program.tell("Ill", "db1.example.org", "db2.example.org")
    await world.until("🔴 Ill · 2 firing")
    await world.program.tell("Ill", "db1.example.org", "db2.example.org", resolved=True)
    await world.until("🟢 Ill · resolved")
    _, reply = await world.chat()
    assert re.fullmatch(r"🟢 Resolved after \d+ min", reply)


async def test_killed_in_mid_notification_it_has_sent_one_message(start: Start) -> None:
    """It never got our answer, knows nothing of it after its restart, and sends the group again."""
    world = await start(0)
    world.door.open.clear()
    await world.program.tell("Ill", "db1.example.org")
    assert await world.door.status() == 200
    await world.program.kill()
    world.door.open.set()
    await world.api.deliver()
    await world.program.start()
    await world.program.tell("Ill", "db1.example.org")
    await world.until("🔴 Ill")
    assert len(await world.chat()) == 1
    await world.program.tell("Ill", "db1.example.org", resolved=True)
    await world.until("🟢 Ill · resolved")
    assert len(await world.chat()) == 2


async def test_its_messages_for_slack_arrive(start: Start) -> None:
    """By the address alone; Alertmanager takes an answer that is not Slack's for a failure, and repeats."""
    world = await start(0)
    await world.program.kill()
    await world.program.start(SLACK.format(**world.program.given))
    await world.program.tell("Ill", "db1.example.org")
    await world.until("Alertmanager")
    (line,) = await world.api.told(world.access)
    assert "[FIRING:1] Ill" in line["text"]
    metrics = (await world.program.client.get("/metrics")).text
    assert 'alertmanager_notifications_failed_total{integration="slack"} 0' in metrics


async def test_what_is_throttled_comes_again(start: Start) -> None:
    """503, which it repeats; at 429 it would give up."""
    world = await start(1)
    await world.program.tell("Ill", "db1.example.org")
    assert await world.door.status() == 200
    await world.program.tell("Old", "db1.example.org")
    assert await world.door.status() == 503
    world.clock.now += 60
    while (status := await world.door.status()) == 503:
        pass
    assert status == 200
    assert await world.chat() == ["🔴 Ill", "🔴 Old"]

"""The whole product as its users have it: real processes, real HTTP, real MTProto against the sandbox."""

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess

from ..ports import free_port
from . import dying

Run = Callable[..., subprocess.CompletedProcess[str]]
Wait = Callable[[Callable[[], bool]], None]
CODE = re.compile(r"\b\d{3} \d{3} \d{4}\b")
WAIT = f"wait={min(int(PATIENCE), 60)}"
"""The `Prefer` of a call whose message is to arrive: the service waits a minute at most."""
WORK = 0.2
"""Seconds of a processor that count as progress of a start."""


PROGRAM = ("-m", "djangobot")
# argon2id as ever, but with the least it can do: in earnest, each account takes half a second of a processor.
CHEAP_HASHES = """
import functools, sys
import argon2
argon2.PasswordHasher = functools.partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
from djangobot.__main__ import main
sys.exit(main())
"""


def work_of(process: subprocess.Popen[str]) -> float:
    """Seconds of a processor it has had."""
    with contextlib.suppress(psutil.Error):
        times = psutil.Process(process.pid).cpu_times()
        return float(times.user + times.system)
    return 0.0


def start(
    *arguments: str,
    program: Sequence[str] = PROGRAM,
    env: dict[str, str] | None = None,
    **options: Any,
) -> subprocess.Popen[str]:
    """The `djangobot` program, or another of Python's, with no setting of the machine's own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DJANGOBOT_")}
    return subprocess.Popen(
        [sys.executable, *program, *arguments], env={**clean, **(env or {})}, text=True, **options
    )


class Sandbox:
    """A Telegram on loopback in its own process, and the people in it."""

    def __init__(self, state: Path, *options: str) -> None:
        self.process = SandboxProcess(state, *options)
        self.telegram, self.key, self.web = self.process.address, self.process.key, self.process.web
        self.post("/settings", press_timeout=PATIENCE)

    def post(self, path: str, **body: Any) -> Any:
        return self.process.request_now("POST", path, body)

    def get(self, path: str, **query: Any) -> Any:
        return self.process.request_now("GET", path, **query)

    def delete(self, path: str) -> Any:
        return self.process.request_now("DELETE", path)

    def person(self, language: str = "en", first_name: str = "Alex") -> int:
        return int(self.post("/people", first_name=first_name, language=language)["id"])

    def messages(self, chat: int, after: int = 0) -> list[dict[str, Any]]:
        return list(self.get(f"/chats/{chat}/messages", after=after))

    def say(self, chat: int, text: str) -> dict[str, Any]:
        """Writes to the bot; returns what the bot answers first."""
        seen = max((message["id"] for message in self.messages(chat)), default=0)
        self.post(f"/chats/{chat}/say", text=text)
        return self.next_from_bot(chat, seen)

    def next_from_bot(self, chat: int, after: int) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for message in self.get(f"/chats/{chat}/messages", after=after, wait=PATIENCE):
                after = message["id"]
                if message["from"] == "bot":
                    return dict(message)
        raise AssertionError(f"the bot said nothing in chat {chat} for {PATIENCE} s")

    def stop(self) -> None:
        self.process.stop()


class Service:
    """`djangobot run`, with `options`, against a sandbox, on a data folder that survives it."""

    program: Sequence[str] = ("-c", CHEAP_HASHES)

    def __init__(self, sandbox: Sandbox, data: Path, *options: str, **settings: str) -> None:
        self.sandbox = sandbox
        self.options = options
        self.port = free_port()
        self.env = {
            "DJANGOBOT_API_ID": "1",
            "DJANGOBOT_API_HASH": "sandbox",
            "DJANGOBOT_BOT_TOKEN": "1:sandbox",
            "DJANGOBOT_DATA": str(data),
            "DATABASE_URL": f"sqlite:///{data}/djangobot.sqlite",
            "DJANGOBOT_HTTP_PORT": str(self.port),
            "DJANGOBOT_TELEGRAM_SERVER": sandbox.telegram,
            "DJANGOBOT_TELEGRAM_KEY": str(sandbox.key),
            "DJANGOBOT_RATE_CHAT": "0",
            "DJANGOBOT_RATE_TOTAL": "0",
            **settings,
        }
        self.log = data.parent / f"{data.name}.log"
        url = f"http://127.0.0.1:{self.port}"
        # No TLS: to read the machine's certificates takes longer than many a test.
        self.client = httpx.Client(base_url=url, timeout=PATIENCE + 10, verify=False)  # noqa: S501
        self.start()

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.client.close()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = start(
                "run", *self.options, program=self.program, env=self.env, stdout=log, stderr=log
            )
        self.wait_until_healthy()

    def start_to_die(self, steps: str, step: str) -> None:
        """Starts it to kill itself at this one of the steps."""
        with self.log.open("a") as log:
            env = {**self.env, "KILL_AT": step}
            self.process = start("run", program=("-c", dying.program(steps)), env=env, stdout=log, stderr=log)
        self.wait_until_healthy()

    def wait_until_healthy(self) -> None:
        worked, deadline = 0.0, time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            if (works := work_of(self.process)) > worked + WORK:  # it moves: it is the machine that is slow
                worked, deadline = works, time.monotonic() + PATIENCE
            try:
                if self.client.get("/health").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)  # nothing announces that a port begins to listen
        raise AssertionError(f"not healthy in {PATIENCE} s:\n{self.log.read_text()}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def account(self, name: str = "Fedor") -> dict[str, str]:
        """Registers somebody new and signs in; returns the Authorization header."""
        person = {"login": f"{name}-{secrets.token_hex(6)}", "psw": "password1234"}
        assert self.client.post("/api/user/", json={"name": name, **person}).status_code == 201
        token = self.client.post("/api/auth/", json=person).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def code(self, chat: int) -> str:
        found = CODE.search(self.sandbox.say(chat, "/code")["text"])
        assert found
        return found.group()

    def bot_token(self, chat: int, bearer: dict[str, str], **more: str) -> str:
        """Links a chat; returns once the chat was told."""
        code = self.code(chat)
        seen = self.sandbox.messages(chat)[-1]["id"]
        answer = self.client.post("/api/cabinet/", json={"code": code, **more}, headers=bearer)
        assert answer.status_code == 200, answer.text
        self.sandbox.next_from_bot(chat, seen)
        return str(answer.json()["bot_token"])

    def send(self, token: str, text: str, prefer: str = WAIT) -> httpx.Response:
        headers = {"Prefer": prefer}
        body = {"text": text, "type": "Text", "bot_token": token}
        return self.client.post("/api/send_message", json=body, headers=headers)

    def wait_until_sent(self, token: str, public_id: str) -> None:
        """Returns once this message is in its chat, and so all before it, however long that takes."""
        headers = {"Authorization": f"Bearer {token}"}
        query: dict[str, Any] = {"wait": 0}
        while True:
            answer = self.client.get(f"/api/messages/{public_id}", params=query, headers=headers)
            if answer.status_code != 304:
                status = answer.json()["status"]
                if status == "sent":
                    return
                assert status in ("queued", "sending"), answer.text
                headers["If-None-Match"] = answer.headers["etag"]
            query = {"wait": 20}


def guess_password(service: Service, login: str = "nobody-here") -> int:
    """Signs in with a wrong password; the status."""
    return service.client.post("/api/auth/", json={"login": login, "psw": "guess1234"}).status_code


def guess_code(service: Service, bearer: dict[str, str]) -> int:
    """Redeems a code that nobody has; the status."""
    return service.client.post("/api/cabinet/", json={"code": "0000000000"}, headers=bearer).status_code


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox for a module's tests; each makes people of its own."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="module")
def service(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on it, connected; a test that stops it starts it again."""
    with Service(box, tmp_path_factory.mktemp("service") / "data") as running:
        yield running


@pytest.fixture
def run() -> Run:
    """The program to its end, in a folder and an environment of its own."""

    def call(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        process = start(*arguments, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said, complained = process.communicate(timeout=4 * PATIENCE)
        return subprocess.CompletedProcess(arguments, process.returncode, said, complained)

    return call


@pytest.fixture
def wait_until() -> Wait:
    """For what another process does and nobody announces."""

    def wait(true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"not so after {PATIENCE} s"
            time.sleep(0.02)

    return wait

"""For tests: a sandbox in its own process, and its JSON API as plain methods.

It needs a process of its own: client libraries keep state in their modules (message ids, server keys), which
a server in the same process would share.
"""

import asyncio
import contextlib
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from djangobot.bot.sandbox.mtproto.rsa_key import read_public

PATIENCE = float(os.environ.get("TEST_PATIENCE", "30"))
"""Seconds something that must happen may take while nothing moves; raise it on a busy machine."""
_READY = re.compile(r"^sandbox ready telegram=([\d.]+):(\d+) web=(\S+) key=(.+)$")


class SandboxError(Exception):
    """The sandbox refused a request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


class SandboxProcess:
    """A running sandbox."""

    def __init__(self, state: Path, *options: str, port: int = 0, web_port: int = 0) -> None:
        """Starts it and returns when both ports listen; `options` go to the command line."""
        self.state = state
        self.options = options
        self.host = "127.0.0.1"
        self.port = port
        self.web_port = web_port
        self.web = ""
        self.key = state / "key.pem"
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "djangobot.bot.sandbox", "--state", str(self.state)]
        command += ["--port", str(self.port), "--web-port", str(self.web_port), *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
        assert self.process.stdout is not None  # noqa: S101 - PIPE was asked for
        line = self.process.stdout.readline().strip()
        found = _READY.match(line)
        if found is None:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        self.port, self.web = int(found.group(2)), found.group(3)
        self.web_port = int(self.web.rpartition(":")[2])

    @property
    def address(self) -> str:
        """host:port of the Telegram side."""
        return f"{self.host}:{self.port}"

    def stop(self) -> int:
        """Ends it in order; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def kill(self) -> None:
        """Kills it as a crash would."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def start_again(self) -> None:
        """Starts it once more, with its state, on the same ports."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._start()
            except RuntimeError:
                # The kernel may need a moment to free the ports of a killed process.
                if time.monotonic() > deadline:
                    raise

    # ---- the JSON API

    def request_now(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """One request, blocking; `SandboxError` when it is refused."""
        asked = {name: value for name, value in query.items() if value is not None}
        url = f"{self.web}{path}" + (f"?{urllib.parse.urlencode(asked)}" if asked else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60 + PATIENCE) as answer:  # noqa: S310 - our own address
                return json.load(answer)
        except urllib.error.HTTPError as exc:
            text = exc.read().decode(errors="replace")
            with contextlib.suppress(ValueError, KeyError):
                text = json.loads(text)["error"]
            raise SandboxError(exc.code, text) from exc

    async def request(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """One request, in a thread, so that a bot in this loop can go on."""
        return await asyncio.to_thread(self.request_now, method, path, body, **query)

    async def person(self, first_name: str = "Ann", **rest: object) -> int:
        """A new person's id."""
        return int((await self.request("POST", "/people", {"first_name": first_name, **rest}))["id"])

    async def say(self, chat: int, text: str, bot: int | None = None, **rest: object) -> int:
        """The person writes, or sends what `rest` names (file, contact, location …); the message's id."""
        body = {"text": text, **rest} | ({} if bot is None else {"bot": bot})
        return int((await self.request("POST", f"/chats/{chat}/say", body))["id"])

    async def press(self, chat: int, message_id: int, data: str, bot: int | None = None) -> dict[str, Any]:
        """The person presses a button; returns the bot's answer."""
        body = {"message_id": message_id, "data": data} | ({} if bot is None else {"bot": bot})
        return dict(await self.request("POST", f"/chats/{chat}/press", body))

    async def block(self, chat: int, bot: int | None = None) -> None:
        """The person blocks the bot."""
        await self.request("POST", f"/chats/{chat}/block", {} if bot is None else {"bot": bot})

    async def unblock(self, chat: int, bot: int | None = None) -> None:
        """The person unblocks the bot."""
        await self.request("POST", f"/chats/{chat}/unblock", {} if bot is None else {"bot": bot})

    async def messages(
        self, chat: int, *, after: int = 0, wait: float = 0, bot: int | None = None
    ) -> list[dict[str, Any]]:
        """The chat's messages after an id; with `wait`, holds until there is one."""
        return list(await self.request("GET", f"/chats/{chat}/messages", after=after, wait=wait, bot=bot))

    async def from_bot(
        self, chat: int, *, after: int = 0, wait: float = PATIENCE, count: int = 1, bot: int | None = None
    ) -> list[dict[str, Any]]:
        """Waits until the bot has sent `count` messages after an id, or nothing happens for `wait` seconds;
        returns what it has sent."""
        deadline = time.monotonic() + wait
        seen = after
        while True:
            left = max(deadline - time.monotonic(), 0)
            new = await self.messages(chat, after=seen, wait=left, bot=bot)
            every = await self.messages(chat, after=after, bot=bot)
            found = [message for message in every if message["from"] == "bot"]
            if len(found) >= count or left <= 0:
                return found
            if new:
                seen, deadline = new[-1]["id"], time.monotonic() + wait

    async def file(self, number: int) -> bytes:
        """The bytes of a file that was sent; small ones, for they are held in memory."""

        def read() -> bytes:
            with urllib.request.urlopen(f"{self.web}/files/{number}", timeout=PATIENCE) as answer:  # noqa: S310 - our own address
                return bytes(answer.read())

        return await asyncio.to_thread(read)

    async def commands(self, chat: int | None = None, bot: int | None = None) -> list[dict[str, str]]:
        """The commands the bot has set for this person."""
        return list(await self.request("GET", "/commands", chat=chat, bot=bot))

    async def fault(self, kind: str, method: str = "*", **rest: object) -> None:
        """Orders a fault: value, times, chat as in `faults.FaultOrder`."""
        await self.request("POST", "/faults", {"kind": kind, "method": method, **rest})

    async def faults(self) -> list[dict[str, Any]]:
        """The faults not yet used up."""
        return list(await self.request("GET", "/faults"))

    async def clear_faults(self) -> None:
        """Forgets all ordered faults."""
        await self.request("DELETE", "/faults")

    async def journal(self, bot: int | None = None) -> dict[str, Any]:
        """What has happened."""
        return dict(await self.request("GET", "/journal", bot=bot))

    async def settings(self, **changes: object) -> dict[str, Any]:
        """Changes settings; returns all of them."""
        return dict(await self.request("POST", "/settings", changes))

    async def cut(self) -> None:
        """Cuts every Telegram connection."""
        await self.request("POST", "/cut")

    # ---- client libraries

    def point_pyrogram(self) -> None:
        """Makes Pyrogram 2.0.106, in this process, connect to this sandbox and to nothing else."""
        connection: Any = importlib.import_module("pyrogram.connection.connection")
        rsa: Any = importlib.import_module("pyrogram.crypto.rsa")
        modulus, exponent, fingerprint = read_public(self.key)
        rsa.server_public_keys.clear()
        rsa.server_public_keys[fingerprint] = rsa.PublicKey(modulus, exponent)
        connection.DataCenter = lambda *_: (self.host, self.port)

    def point_telethon(self, client: Any) -> None:
        """Makes a Telethon client that is not yet connected use this sandbox."""
        rsa: Any = importlib.import_module("telethon.crypto.rsa")
        rsa.add_key(self.key.read_text(), old=False)
        client.session.set_dc(2, self.host, self.port)

"""Draws the pictures of the documentation: `uv run python docs/pictures/draw.py`.

It starts a demo, sends one message of each kind over HTTP, and takes the messages from the chat page with
Debian's Chromium, as wide as a phone.
"""  # noqa: INP001 - a command, not a module

import base64
import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
WIDTH = 390
BYTES_MOST = 60_000
PATIENCE = 60.0
REPORT = """## Backup finished
All **3 databases** are saved, *one with warnings*:

- [x] `users` in 12 s
- [x] `orders` in 48 s
- [ ] `events`: ~~skipped~~ ||disk is full||

> See [the log](https://example.org/log)."""


def photo(red: int, green: int, blue: int) -> str:
    """A small picture in base64: from a colour to its half."""
    shades = Image.linear_gradient("L").resize((96, 72))
    bands = [shades.point(lambda shade, most=most: most - most * shade // 512) for most in (red, green, blue)]
    file = io.BytesIO()
    Image.merge("RGB", bands).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


MESSAGES: dict[str, dict[str, Any]] = {
    "formatted": {"text": REPORT, "format": "markdown"},
    "title": {
        "text": "Copying to the second disk",
        "title": "Nightly backup",
        "tags": ["backup", "nightly"],
        "progress": 0.42,
    },
    "silent": {"text": "Certificates are valid for 61 days.", "silent": True},
    "document": {
        "text": "The report of the week",
        "type": "Document",
        "files": [{"name": "report.csv", "base64": base64.b64encode(b"day;sent\n" * 4000).decode()}],
    },
    "spoiler": {"text": "The new password is ||correct horse||.", "format": "markdown"},
    "album": {
        "text": "The cameras at noon",
        "files": [
            {"name": f"camera{number}.png", "base64": photo(*colour)}
            for number, colour in enumerate([(90, 140, 220), (220, 160, 80), (110, 190, 120)])
        ],
    },
    "buttons": {
        "text": "The disk of db1 is 97 % full.",
        "replace": "disk",
        "buttons": [
            [{"text": "Clean up", "value": "clean"}, {"text": "Ignore", "value": "ignore"}],
            [{"text": "Dashboard", "url": "https://example.org/db1"}],
        ],
    },
    "reply": {"text": "It is clean again: 41 % are used.", "reply_to": "disk"},
}
"""What is sent for each picture."""


def until(found: Callable[[], Any]) -> Any:
    """Waits for something to be there."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if result := found():
                return result
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit("the demo does not answer")


class Demo:
    """A running demo, and the token of its one person."""

    def __init__(self, http: str, web: str) -> None:
        self.http, self.web = http, web
        self.person = until(lambda: httpx.get(f"{web}/people").json())[0]["id"]
        until(lambda: httpx.get(f"{http}/health").is_success)
        self.say("/token backup")
        self.token = until(self._token)

    def say(self, text: str) -> None:
        """What the person writes."""
        httpx.post(f"{self.web}/chats/{self.person}/say", json={"text": text}).raise_for_status()

    def send(self, message: dict[str, Any], expected: int = httpx.codes.OK) -> None:
        """Sends a message, and waits until it is in the chat, unless it is for later."""
        body = {"type": "Text", "bot_token": self.token, **message}
        sent = httpx.post(f"{self.http}/api/send_message", json=body, headers={"Prefer": "wait=10"})
        if sent.status_code != expected:
            raise SystemExit(f"not sent: {sent.text}")

    def _token(self) -> str | None:
        said = httpx.get(f"{self.web}/chats/{self.person}/messages").json()
        found = [re.search(r"\b[A-Za-z0-9]{25}\b", message["text"]) for message in said]
        return next((one[0] for one in found if one), None)


def draw(browser: Browser, demo: Demo) -> None:
    """One picture of each message, and one of the history by a tag."""
    page = browser.new_page(
        viewport={"width": WIDTH, "height": 1400}, color_scheme="light", reduced_motion="reduce"
    )
    page.goto(f"{demo.web}/#/{demo.person}")
    for name, message in MESSAGES.items():
        demo.send(message)
        keep(page, name, message["text"].split()[1].strip("*"))
        if name == "title":
            demo.send({"text": "The third message carries buttons to mute its sender."})
    demo.send({"text": "Water the plants in the office", "delay": 3 * 86_400}, httpx.codes.ACCEPTED)
    demo.say("/scheduled")
    keep(page, "scheduled", "Water the plants")
    demo.say("/history #backup")
    keep(page, "history", "newest first")


def keep(page: Page, name: str, words: str) -> None:
    """Takes the newest message of the bot, which has these words."""
    bubble = page.locator(".theirs .bubble").last
    bubble.filter(has_text=words).wait_for()
    page.evaluate("Promise.all(document.getAnimations().map(one => one.finished.catch(() => null)))")
    box = page.locator(".theirs").last.bounding_box()
    if box is None:
        raise SystemExit(f"{name} is not shown")
    clip = {"x": 0, "y": box["y"] - 2, "width": WIDTH, "height": box["height"] + 4}
    shot = Image.open(io.BytesIO(page.screenshot(clip=clip)))  # type: ignore[arg-type]
    file = HERE / f"{name}.png"
    shot.convert("P", palette=Image.Palette.ADAPTIVE).save(file, optimize=True)
    if file.stat().st_size > BYTES_MOST:
        raise SystemExit(f"{file.name} is too large")


def main() -> None:
    """Draws all of them. The first of three free ports may be given."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 21050
    ports = ("--http-port", str(port), "--web-port", str(port + 1), "--telegram-port", str(port + 2))
    with tempfile.TemporaryDirectory() as data:
        demo = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "djangobot", "demo", *ports, "--data", data], stdout=subprocess.DEVNULL
        )
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
                )
                draw(browser, Demo(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"))
                browser.close()
        finally:
            demo.terminate()
            demo.wait()


if __name__ == "__main__":
    main()

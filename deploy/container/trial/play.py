"""Plays the trial of several processes: `play.py COMMAND…`, where COMMAND… is podman with its options. A
program sends through both doors, the process that delivers is killed, and the other one goes on."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from typing import Any

DOORS = ("http://127.0.0.1:8001", "http://127.0.0.1:8002")
PATIENCE = 120.0
IN_CONTAINER = """
import sys, urllib.error, urllib.request
method, url, body = sys.argv[1:]
json = {"content-type": "application/json"}
try:
    call = urllib.request.Request(url, body.encode() or None, json, method=method)
    print(urllib.request.urlopen(call, timeout=60).read().decode())
except urllib.error.HTTPError as exc:
    print(exc.read().decode())
"""


def podman(*arguments: str) -> str:
    return subprocess.run([*sys.argv[1:], *arguments], check=True, capture_output=True, text=True).stdout


def inside(service: str, method: str, url: str, body: Any = None) -> Any:
    """A call from inside a container, where its own loopback is."""
    sent = "" if body is None else json.dumps(body)
    return json.loads(
        podman("exec", f"djangobot_{service}_1", "python3", "-c", IN_CONTAINER, method, url, sent)
    )


def call(door: str, path: str, body: Any, **headers: str) -> Any:
    request = urllib.request.Request(door + path, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read())


def until(true: Any) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if value := true():
                return value
        except (OSError, ValueError, subprocess.CalledProcessError):
            pass
        time.sleep(0.5)
    raise SystemExit(f"not so after {PATIENCE} s")


def telegram_of(service: str) -> str:
    return str(inside(service, "GET", "http://127.0.0.1:8000/health").get("telegram"))


def leading() -> str | None:
    for service in ("bot", "standby"):
        try:
            if telegram_of(service) == "connected":
                return service
        except (ValueError, subprocess.CalledProcessError):
            continue
    return None


def main() -> None:
    for door in DOORS:
        until(lambda door=door: urllib.request.urlopen(f"{door}/health/ready", timeout=5).status == 200)
    leader = until(leading)
    print(f"both doors are ready; {leader} delivers")
    chat = inside(
        "telegram", "POST", "http://127.0.0.1:8081/people", {"first_name": "Ann", "language": "en"}
    )["id"]
    messages = f"http://127.0.0.1:8081/chats/{chat}/messages?after=0"
    inside("telegram", "POST", f"http://127.0.0.1:8081/chats/{chat}/say", {"text": "/code"})
    code = until(lambda: re.search(r"\d{3} \d{3} \d{4}", str(inside("telegram", "GET", messages))))[0]
    person = {"login": "trial", "psw": "password1234"}
    call(DOORS[0], "/api/user/", {"name": "Trial", **person})
    access = call(DOORS[0], "/api/auth/", person)["access_token"]
    token = call(DOORS[1], "/api/cabinet/", {"code": code}, Authorization=f"Bearer {access}")["bot_token"]

    def send(door: str, text: str) -> str:
        body = {"text": text, "type": "Text", "bot_token": token}
        return str(call(door, "/api/send_message", body, Prefer="wait=60")["status"])

    print("through each door:", *(send(door, f"through {door[-1]}") for door in DOORS))
    podman("kill", "--signal", "KILL", f"djangobot_{leader}_1")
    print(f"{leader} killed; a message sent meanwhile:", send(DOORS[0], "meanwhile"))
    other = until(lambda: (now := leading()) != leader and now)
    shown = str(inside("telegram", "GET", messages))
    counts = [shown.count(text) for text in ("through 1", "through 2", "meanwhile")]
    print(f"{other} delivers; each message is in the chat {counts} times")
    if counts != [1, 1, 1]:
        raise SystemExit("not once each")


main()

"""The JSON API: what it refuses and how, and what else the page lives on."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from djangobot.bot.sandbox.testing import PATIENCE, SandboxError, SandboxProcess

from ..probe import Probe

Factory = Callable[..., SandboxProcess]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/people", {}, 400, "first_name"),
        ("POST", "/people", {"first_name": ""}, 400, "length"),
        ("POST", "/people", {"first_name": "A", "age": 3}, 400, "age"),
        ("POST", "/people", {"first_name": "A", "id": "7"}, 400, "id"),
        ("POST", "/people", {"first_name": "A", "language": "english"}, 400, "language"),
        ("POST", "/chats/999999/say", {"text": "x"}, 404, "no person"),
        ("POST", "/chats/1/say", {"text": "x", "bot": 31337}, 404, "no bot 31337"),
        ("POST", "/faults", {"kind": "earthquake"}, 400, "kind"),
        ("POST", "/faults", {"kind": "flood_wait"}, 400, "seconds"),
        ("POST", "/faults", {"kind": "error"}, 400, "name"),
        ("POST", "/faults", {"kind": "delay", "value": "soon"}, 400, "seconds"),
        ("POST", "/faults", {"kind": "cut_before", "times": 0}, 400, "times"),
        ("POST", "/faults", {"kind": "refuse_connections", "chat": 1}, 400, "neither"),
        ("POST", "/faults", {"kind": "forget_parts", "value": "all"}, 400, "number of a part"),
        ("POST", "/settings", {"repeats": "maybe"}, 400, "repeats"),
        ("POST", "/settings", {"clock_shift": 1e9}, 400, "clock_shift"),
        ("GET", "/chats/x/messages", None, 404, "nothing at"),
        ("GET", "/chats/999999/messages?after=x", None, 400, "after"),
        ("DELETE", "/people", None, 405, "DELETE"),
        ("GET", "/page/../web.py", None, 404, "nothing at"),
        ("GET", "/files/1", None, 404, "no file"),
    ],
)
async def test_wrong_requests_are_refused_with_a_sentence(
    shared_sandbox: SandboxProcess,
    new_id: Callable[[], int],
    method: str,
    path: str,
    body: Any,
    status: int,
    says: str,
) -> None:
    """{"error": ...} that names what is wrong, and a fitting status."""
    await sign_in(shared_sandbox, new_id())
    with pytest.raises(SandboxError) as caught:
        await shared_sandbox.request(method, path, body)
    assert caught.value.status == status
    assert says in caught.value.text


async def sign_in(sandbox: SandboxProcess, bot: int) -> None:
    """Has a bot sign in, so that there is one."""
    async with Probe(sandbox) as probe:
        await probe.sign_in(bot)


@pytest.mark.parametrize("body", [b'{"kind": ', b"[]", b"", b'{"kind": "\xff"}', b'{"kind": "\\ud800"}'])
async def test_malformed_json_is_refused(shared_sandbox: SandboxProcess, body: bytes) -> None:
    """400, not a stack trace."""
    async with httpx.AsyncClient(base_url=shared_sandbox.web) as browser:
        answer = await browser.post("/faults", content=body)
    assert answer.status_code == 400
    assert "error" in answer.json()


EVIL = "http://evil.example"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 201),
        ({"Content-Type": "text/plain", "Origin": EVIL}, 403),
        ({"Content-Type": "application/json", "Origin": EVIL}, 403),
        ({"Content-Type": "application/json", "Origin": "null"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Content-Type": "application/json", "Host": "evil.example:8081"}, 403),
        ({"Content-Type": "application/json", "Host": "evil.example:8081", "Origin": EVIL + ":8081"}, 403),
        ({"Content-Type": "application/json", "Host": "127.0.0.1.evil.example"}, 403),
        ({"Content-Type": "application/json", "Host": "[::1]:8081", "Origin": "http://[::1]:8081"}, 201),
        ({"Content-Type": "application/json", "Host": "localhost:8081"}, 201),
    ],
)
async def test_a_page_of_another_site_acts_in_no_chat(
    shared_sandbox: SandboxProcess, headers: dict[str, str], status: int
) -> None:
    """JSON, from our own page or a program, under a name of this machine; nothing else."""
    async with httpx.AsyncClient(base_url=shared_sandbox.web) as browser:
        answer = await browser.post("/people", content=b'{"first_name": "Ann"}', headers=headers)
    assert answer.status_code == status, answer.text
    assert status == 201 or answer.json()["error"]


@pytest.mark.parametrize("path", ["/", "/people", "/journal", "/events", "/page/app.js", "/settings"])
async def test_no_name_but_this_machines_reads_the_chats(shared_sandbox: SandboxProcess, path: str) -> None:
    """Another site's name may be made to point at loopback (DNS rebinding)."""
    async with httpx.AsyncClient(base_url=shared_sandbox.web) as browser:
        answer = await browser.get(path, headers={"Host": "evil.example:8081"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/cut", "/chats/1/block", "/chats/1/deactivate", "/faults"])
async def test_a_call_without_a_body_is_not_for_other_sites_either(
    shared_sandbox: SandboxProcess, path: str
) -> None:
    """A form needs none."""
    async with httpx.AsyncClient(base_url=shared_sandbox.web) as browser:
        method = "DELETE" if path == "/faults" else "POST"
        answer = await browser.request(method, path, headers={"Origin": EVIL})
    assert answer.status_code == 403


async def test_without_any_bot_people_are_told_so(sandbox: SandboxProcess) -> None:
    """409 until one has signed in; then they can talk to it although it is away."""
    person = await sandbox.person()
    with pytest.raises(SandboxError, match="409: no bot has signed in yet"):
        await sandbox.say(person, "hello")
    assert await sandbox.request("GET", "/bots") == []
    await sign_in(sandbox, 5)
    assert await sandbox.say(person, "hello") == 1
    assert [(m["id"], m["from"], m["text"]) for m in await sandbox.messages(person)] == [
        (1, "person", "hello")
    ]
    [known] = await sandbox.request("GET", "/people")
    assert (known["id"], known["started"], known["blocked"]) == (person, True, False)


async def test_messages_wait_until_there_is_one(
    shared_sandbox: SandboxProcess, new_id: Callable[[], int]
) -> None:
    """?wait= holds the answer, and gives up in time."""
    bot, person = new_id(), await shared_sandbox.person(id=new_id())
    await sign_in(shared_sandbox, bot)
    assert await shared_sandbox.messages(person, wait=0.1, bot=bot) == []
    waiting = asyncio.ensure_future(shared_sandbox.messages(person, wait=20, bot=bot))
    await shared_sandbox.say(person, "now", bot)
    assert [m["text"] for m in await waiting] == ["now"]


async def test_a_person_known_by_id_gets_new_names(
    shared_sandbox: SandboxProcess, new_id: Callable[[], int]
) -> None:
    """POST /people twice is no error; a taken username is."""
    number = new_id()
    await shared_sandbox.person("Ann", id=number, username=f"ann{number}")
    assert await shared_sandbox.person("Anna", id=number, username=f"ann{number}") == number
    with pytest.raises(SandboxError, match="409: the username"):
        await shared_sandbox.person("Other", id=new_id(), username=f"ANN{number}")


async def test_the_page_and_its_files_are_served(shared_sandbox: SandboxProcess) -> None:
    """By the sandbox itself; the page says that it is one."""
    async with httpx.AsyncClient(base_url=shared_sandbox.web) as browser:
        answer = await browser.get("/")
    page = answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "sandbox" in page
    assert "://" not in page.replace("http://www.w3.org", "")


async def test_events_tell_the_page_what_happens(
    shared_sandbox: SandboxProcess, new_id: Callable[[], int]
) -> None:
    """Server-sent events, as JSON."""
    bot, person = new_id(), await shared_sandbox.person(id=new_id())
    await sign_in(shared_sandbox, bot)
    reader, writer = await asyncio.open_connection(shared_sandbox.host, shared_sandbox.web_port)
    writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"hello"), PATIENCE)
    await shared_sandbox.say(person, "live", bot)
    while True:
        line = await asyncio.wait_for(reader.readline(), PATIENCE)
        if line.startswith(b"data: ") and json.loads(line[6:]).get("bot") == bot:
            break
    event = json.loads(line[6:])
    assert (event["kind"], event["chat"], event["message"]["text"]) == ("new", person, "live")
    writer.close()


def test_a_taken_port_is_one_clear_line_and_exit_code_1(sandbox: SandboxProcess, tmp_path: Any) -> None:
    """Naming the port and the option to change; so is a folder in use. SIGTERM ends it with 0."""
    for port, web_port, state, says in (
        (
            sandbox.port,
            0,
            tmp_path / "other",
            f"port {sandbox.port} is already in use: choose another one with --port",
        ),
        (
            0,
            sandbox.web_port,
            tmp_path / "other",
            f"port {sandbox.web_port} is already in use: choose another one with --web-port",
        ),
        (0, 0, sandbox.state, "another sandbox is running on"),
    ):
        (tmp_path / "other").mkdir(exist_ok=True)
        command = [sys.executable, "-m", "djangobot.bot.sandbox", "--state", str(state)]
        done = subprocess.run(
            [*command, "--port", str(port), "--web-port", str(web_port)],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 1
        assert says in done.stderr
        assert done.stderr.count("\n") == 1
    assert sandbox.stop() == 0

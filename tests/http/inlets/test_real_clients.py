"""Programs that nobody here has written, pointed at us by their address alone: Apprise, and packages for
Gotify and ntfy."""

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import apprise
import gotify
import pytest
from python_ntfy import NtfyClient

from djangobot.db.credentials import gotify_token
from djangobot.db.messages.buttons import Button
from djangobot.db.messages.content import Content, decode
from djangobot.db.messages.messages import Message

from ..conftest import Api
from ..test_clients import MODULES, NODE, run

T = TypeVar("T")
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def in_thread(call: Callable[[], T]) -> T:
    """These clients block until they are answered."""
    return await asyncio.to_thread(call)


async def contents() -> list[tuple[str, Content, bool]]:
    """Text, content and urgency of each message of a program, the oldest first."""
    rows = await Message.select(Message.text, Message.rich, Message.urgent).where(
        Message.kind == "message"
    ).order_by(Message.id)  # fmt: skip
    return [(row["text"], decode(row["rich"]), row["urgent"]) for row in rows]


def place(api: Api) -> str:
    """Host and port, as they stand in an address."""
    return str(api.client.base_url).removeprefix("http://").strip("/")


async def notify(address: str, body: str, **more: Any) -> bool:
    sender = apprise.Apprise()
    assert sender.add(address)
    return bool(await in_thread(lambda: sender.notify(body=body, **more)))


async def test_apprise_sends_to_gotify(api: Api) -> None:
    """With its priorities and Markdown, by either value of the token."""
    token = await api.bot_token(await api.access())
    assert await notify(
        f"gotify://{place(api)}/{gotify_token(token)}?priority=emergency", "**up**", title="T"
    )
    assert await notify(f"gotify://{place(api)}/{token}?priority=low&format=markdown", "**up**")
    (plain, first, urgent), (text, second, _) = await contents()
    assert (plain, first.title, urgent, first.silent) == ("**up**", "T", True, False)
    assert (text, second.format, second.silent) == ("up", "markdown", True)
    assert not await notify(f"gotify://{place(api)}/Awrongwrongwron", "x")


async def test_apprise_sends_to_ntfy(api: Api) -> None:
    """JSON with everything that an address of Apprise's can say."""
    token = await api.bot_token(await api.access())
    query = (
        "priority=max&xtags=tada,disk&click=https://example.org/a&actions=view,%20Open,%20https://example.org"
    )
    for address in (f"ntfy://phil:{token}@{place(api)}/backups", f"ntfy://{place(api)}/{token}"):
        assert await notify(f"{address}?{query}", "*done*", title="Backup")
    for address in (
        f"ntfy://{token}@{place(api)}/backups",
        f"ntfy://{place(api)}/backups?auth=token&token={token}",
    ):
        assert await notify(address, "x"), address
    for address in (f"ntfy://phil:wrong@{place(api)}/backups", f"ntfy://{place(api)}/backups"):
        assert not await notify(address, "x"), address
    (text, first, urgent), (_, second, _), *others = await contents()
    assert [other.tags for _, other, _ in others] == [("backups",)] * 2
    assert (text, first.title, urgent) == ("*done*", "🎉 Backup", True)
    assert (first.tags, second.tags) == (("disk", "backups"), ("disk",))
    assert first.buttons == second.buttons == (
        (Button("Open", url="https://example.org"), Button("example.org", url="https://example.org/a")),
    )  # fmt: skip


async def test_apprise_sends_files_to_ntfy(api: Api, tmp_path: Path) -> None:
    """As the body, with the text in the query; a long text is a file, too."""
    token = await api.bot_token(await api.access())
    (tmp_path / "Снимок.png").write_bytes(PICTURE)
    address = f"ntfy://{place(api)}/{token}"
    assert await notify(address, "look", title="One", attach=str(tmp_path / "Снимок.png"))
    assert await notify(address, "long " * 4000)
    (text, first, _), (_, second, _) = await contents()
    assert (text, first.title) == ("look", "One")
    assert [(file.name, file.size) for file in first.files] == [("Снимок.png", len(PICTURE))]
    assert second.files[0].size > 19_000


async def test_apprise_delays_a_message(api: Api) -> None:
    """By ntfy's delay."""
    access = await api.access()
    token = await api.bot_token(access)
    assert await notify(f"ntfy://{place(api)}/{token}?delay=2h", "later")
    (line,) = await api.told(access)
    ahead = datetime.fromisoformat(line["send_at"]) - datetime.now(UTC)
    assert timedelta(hours=1) < ahead <= timedelta(hours=2)


async def test_apprise_sends_json(api: Api, tmp_path: Path) -> None:
    """With attachments, to the hook; the token in the path or in a header."""
    token = await api.bot_token(await api.access())
    (tmp_path / "a.png").write_bytes(PICTURE)
    for address in (
        f"json://{place(api)}/api/hook/{token}",
        f"json://{place(api)}/api/hook?+X-Bot-Token={token}",
    ):
        sent = await notify(
            address,
            "down",
            title="Site",
            notify_type=apprise.NotifyType.FAILURE,
            attach=str(tmp_path / "a.png"),
        )
        assert sent, address
    for text, content, _ in await contents():
        assert (text, content.title, content.files[0].name) == ("down", "🔴 Site", "a.png")


async def test_the_gotify_package_sends(api: Api) -> None:
    """PyPI's `gotify`, which reads the message object and the errors."""
    token = await api.bot_token(await api.access())
    address = str(api.client.base_url)

    def send() -> tuple[Any, Any]:
        client = gotify.Gotify(base_url=address, app_token=gotify_token(token))
        watcher = gotify.Gotify(base_url=address, client_token="nobody asks for it")
        return client.create_message("Hello", title="T", priority=9), watcher.get_version()

    sent, version = await in_thread(send)
    assert (sent["message"], sent["title"], sent["priority"]) == ("Hello", "T", 9)
    assert isinstance(sent["id"], int)
    assert version["version"]
    ((text, content, urgent),) = await contents()
    assert (text, content.title, urgent) == ("Hello", "T", True)
    stranger = gotify.Gotify(base_url=address, app_token="Awrongwrongwron")
    with pytest.raises(gotify.GotifyError, match="401"):
        await in_thread(lambda: stranger.create_message("x"))


async def test_the_python_ntfy_package_sends(api: Api, tmp_path: Path) -> None:
    """Texts, buttons and files; the token as the topic or as a Bearer."""
    token = await api.bot_token(await api.access())
    (tmp_path / "report.csv").write_text("a;b\n")
    address = str(api.client.base_url)

    def send() -> dict[str, Any]:
        by_topic = NtfyClient(token, server=address)
        by_header = NtfyClient("reports", server=address, auth=token)
        button = NtfyClient.ViewAction("Open", "https://example.org", clear=True)
        answered: dict[str, Any] = by_topic.send(
            "**done**", "Job", tags=["tada"], actions=[button], format_as_markdown=True
        )
        by_header.send_file(tmp_path / "report.csv", title="Report", priority=NtfyClient.MessagePriority.MIN)
        return answered

    answered = await in_thread(send)
    assert (answered["event"], answered["topic"], answered["message"]) == ("message", token, "**done**")
    (text, first, _), (_, second, _) = await contents()
    assert (text, first.title, first.buttons) == (
        "done",
        "🎉 Job",
        ((Button("Open", url="https://example.org"),),),
    )
    assert (second.title, second.silent, second.tags) == ("Report", True, ("reports",))
    assert [(file.name, file.size) for file in second.files] == [("report.csv", 4)]


IN_NODE = """
import { publish } from "ntfy";
import send from "@cityssm/ntfy-publish";
import { gotify } from "gotify";

const { API: server, TOKEN: topic, GOTIFY: app } = process.env;
const shown = await publish({
  server, topic, title: "From ntfy", message: "one", priority: 2, tags: ["tada", "node"],
  actions: [{ type: "view", label: "Open", url: "https://example.org", clear: true }],
});
const named = await publish({
  server, topic: "reports", title: "A file", fileAttachment: "a.png",
  authorization: { username: "phil", password: topic },
});
const ok = await send({ server, topic, title: "From ntfy-publish", message: "two", tags: ["warning"] });
const refused = await send({ server, topic: "7EVgXzmREWIf1qHsaYkegiQMa", message: "x" });
const answer = await gotify({ server, app, title: "From gotify", message: "three", priority: 8 });
console.log(JSON.stringify({ shown, named, ok, refused, answer }));
"""


@pytest.mark.skipif(
    NODE is None or not (MODULES / "@cityssm").exists(),
    reason="needs Node.js, and packages: npm install --no-package-lock --prefix tests/clients",
)
async def test_packages_of_npm_send(api: Api, tmp_path: Path) -> None:
    """`ntfy`, `@cityssm/ntfy-publish` and `gotify`, with their own defaults."""
    token = await api.bot_token(await api.access())
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "send.mjs").write_text(IN_NODE)
    (tmp_path / "a.png").write_bytes(PICTURE)
    environ = {"API": str(api.client.base_url), "TOKEN": token, "GOTIFY": gotify_token(token)}
    said = json.loads(await run(str(NODE), "send.mjs", cwd=tmp_path, **environ))
    assert (said["shown"]["event"], said["shown"]["message"], said["shown"]["topic"]) == (
        "message",
        "one",
        token,
    )
    assert (said["ok"], said["refused"]) == (True, False)
    assert (said["answer"]["message"], said["answer"]["priority"]) == ("three", 8)
    first, second, third, fourth = await contents()
    assert (first[0], first[1].title, first[1].tags, first[1].silent) == (
        "one",
        "🎉 From ntfy",
        ("node",),
        True,
    )
    assert first[1].buttons == ((Button("Open", url="https://example.org"),),)
    assert (second[1].title, second[1].tags, second[1].files[0].name) == (
        "A file",
        ("reports",),
        "attachment.png",
    )
    assert (third[0], third[1].title) == ("two", "⚠️ From ntfy-publish")
    assert (fourth[0], fourth[1].title, fourth[2]) == ("three", "From gotify", True)

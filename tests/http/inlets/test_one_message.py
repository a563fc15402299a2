"""One incident is one message: over the real door, on a real database, with delivery's outcomes."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from djangobot.db.engine import Row, current
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import Accepted
from djangobot.http.limits.limits import Limits

from ..conftest import Api, Clock, Telegram, a_client, an_app, served
from .recorded import Recorded, the


@dataclass
class Hook:
    """A program that sends recorded bodies, and the chat that it sends to."""

    api: Api
    access: dict[str, str]
    token: str

    async def post(self, format_name: str, *names: str) -> None:
        for name in names:
            await self.send(the(format_name, name))
            await self.api.deliver()

    async def send(self, one: Recorded) -> dict[str, Any]:
        told: dict[str, Any] = (await self.answer(one)).json()
        return told

    async def answer(self, one: Recorded) -> httpx.Response:
        answer = await self.api.client.post(
            f"/api/hook/{self.token}", content=one.content, headers=one.headers
        )
        assert answer.status_code == 200, answer.text
        return answer

    async def standing(self, one: Recorded) -> dict[str, Any]:
        """What the program learns of the message that its delivery is answered with, which is nothing new."""
        answer = await self.answer(one)
        assert answer.headers["idempotency-replayed"] == "true"
        told = answer.json()
        asked = await self.api.client.get(
            f"/api/messages/{told['id']}", headers={"authorization": f"Bearer {self.token}"}
        )
        assert (asked.status_code, told["answer"]) == (200, "message was accepted"), asked.text
        shown: dict[str, Any] = asked.json()
        assert (told["id"], told["status"]) == (shown["id"], shown["status"])
        return shown

    async def chat(self) -> list[dict[str, Any]]:
        """What the person sees, the oldest first."""
        return (await self.api.told(self.access))[::-1]

    async def replies(self) -> list[Row]:
        return await current().fetch(
            "SELECT text, rich, reply_to FROM message WHERE reply_to IS NOT NULL ORDER BY id"
        )


@pytest.fixture
async def hook(api: Api) -> Hook:
    access = await api.access()
    return Hook(api, access, await api.bot_token(access))


async def test_a_group_of_alerts_is_one_message_and_a_silent_reply(hook: Hook) -> None:
    """Firing, more firing, partly resolved, resolved: three edits, and how long it took."""
    await hook.post("alertmanager", "firing", "more", "partly", "resolved")
    first, reply = await hook.chat()
    assert (first["title"], first["edited"]) == ("🟢 HostOutOfDisk · resolved", 3)
    assert reply["text"] == "🟢 Resolved after 12 min"
    (row,) = await hook.replies()
    assert '"silent":true' in row["rich"]
    await hook.post("alertmanager", "resolved")  # Alertmanager did not get the answer
    assert len(await hook.chat()) == 2


async def test_what_comes_again_or_too_late_changes_nothing(hook: Hook) -> None:
    """The first delivery, after the second and after the end."""
    await hook.post("alertmanager", "firing", "more")
    before = await hook.chat()
    await hook.post("alertmanager", "firing", "more")
    assert [line["text"] for line in await hook.chat()] == [line["text"] for line in before]
    await hook.post("alertmanager", "partly", "resolved", "firing", "more", "partly")
    assert [line.get("title") for line in await hook.chat()] == ["🟢 HostOutOfDisk · resolved", None]


async def test_what_fires_again_is_a_new_message(hook: Hook) -> None:
    """With a sound; the old one stays green."""
    await hook.post("alertmanager", "firing", "resolved")
    again = the("alertmanager", "firing")
    again.body["alerts"][0]["startsAt"] = "2026-11-24T05:00:00Z"
    await hook.send(again)
    titles = [line.get("title") for line in await hook.chat()]
    assert titles == ["🟢 HostOutOfDisk · resolved", None, "🔴 HostOutOfDisk"]


async def test_an_incident_that_ended_before_anything_was_delivered_is_told_once(hook: Hook) -> None:
    """Telegram was away: the green message takes the place of the red one."""
    for name in ("firing", "resolved"):
        await hook.send(the("grafana", name))
    await hook.api.deliver()
    assert [line.get("title") or line["text"] for line in await hook.chat()] == [
        "🟢 High memory usage · resolved",
        "🟢 Resolved after 12 min",
    ]


@pytest.mark.parametrize(
    ("format_name", "names", "title", "reply"),
    [
        ("uptime-kuma", ("down", "up"), "🟢 Shop is up", "🟢 Up again after 7 min"),
        (
            "github",
            ("requested", "in progress", "completed"),
            "🟢 baxterthehacker/public-repo · Build passed",
            "🟢 Passed after 3 min",
        ),
        (
            "github",
            ("completed", "in progress", "requested"),
            "🟢 baxterthehacker/public-repo · Build passed",
            None,
        ),
        ("gitlab", ("running", "failed"), "🔴 mike/diaspora · Nightly failed", "🔴 Failed after 1 min"),
        ("sentry", ("critical", "resolved"), "🟢 Resolved: Too many errors", "🟢 Resolved after 30 min"),
    ],
)
async def test_down_and_up_are_one_message(
    hook: Hook, format_name: str, names: tuple[str, ...], title: str, reply: str | None
) -> None:
    """A monitor, a run in order and out of order, a pipeline, a metric alert."""
    await hook.post(format_name, *names, *names)
    first, *more = await hook.chat()
    assert first["title"] == title
    assert [line["text"] for line in more] == ([reply] if reply else [])


async def test_a_delivery_with_an_id_is_taken_once(hook: Hook) -> None:
    """GitHub's Redeliver sends the same id; another push another one."""
    push = the("github", "push")
    first, again = await hook.send(push), await hook.send(push)
    assert first["id"] == again["id"]
    push.headers["x-github-delivery"] = "another"
    await hook.send(push)
    assert len(await hook.chat()) == 2


async def test_an_id_that_comes_with_something_else_is_no_error(hook: Hook) -> None:
    """After an upgrade, the same delivery may read otherwise. It is answered with what came first."""
    push = the("github", "push")
    first = await hook.answer(push)
    assert "idempotency-replayed" not in first.headers
    await hook.api.deliver()
    push.body["pusher"]["name"] = "octocat"
    standing = await hook.standing(push)
    assert (standing["id"], standing["status"]) == (first.json()["id"], "sent")
    assert len(await hook.chat()) == 1


async def test_what_comes_too_late_is_answered_with_what_the_chat_shows(hook: Hook) -> None:
    """An older delivery has an id to ask with, as long as its incident's message is kept."""
    firing = await hook.send(the("alertmanager", "firing"))
    await hook.api.deliver()
    await hook.post("alertmanager", "more")
    standing = await hook.standing(the("alertmanager", "firing"))
    assert (standing["id"], standing["status"], standing["edited"]) == (firing["id"], "sent", 1)
    await current().execute("DELETE FROM message WHERE kind = 'edit'")
    await current().execute("DELETE FROM message")
    told = await hook.send(the("alertmanager", "firing"))
    assert (told["id"], told["status"]) == ("", "replaced")


async def test_slack_is_answered_as_slack_answers(hook: Hook) -> None:
    """Its clients read the text `ok`, or take it for a failure."""
    one = the("slack", "blocks")
    answer = await hook.api.client.post(f"/api/hook/{hook.token}", content=one.content, headers=one.headers)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["content-type"].startswith("text/plain")
    assert (await hook.send(the("slack", "text")))["status"] == "queued"


async def test_a_delivery_that_broke_off_in_the_middle_is_completed(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each step: before the message, and between the message and the reply. The program sends it again."""
    await hook.post("alertmanager", "firing")
    accept = acceptance.accept
    for step in range(2):
        left = step

        async def broken(*given: Any) -> Accepted:
            nonlocal left
            left -= 1
            if left < 0:
                raise DatabaseUnavailable
            return await accept(*given)

        with monkeypatch.context() as patch:
            patch.setattr(acceptance, "accept", broken)
            resolved = the("alertmanager", "resolved")
            answer = await hook.api.client.post(f"/api/hook/{hook.token}", content=resolved.content)
            assert answer.status_code == 503
    await hook.post("alertmanager", "resolved", "resolved")
    titles = [line.get("title") or line["text"] for line in await hook.chat()]
    assert titles == ["🟢 HostOutOfDisk · resolved", "🟢 Resolved after 12 min"]


async def test_a_throttle_is_503_for_who_repeats_only_that(database: None) -> None:
    """Alertmanager gives up at 429, and repeats after 503. Both say when."""
    app = an_app(limits=Limits(limit_send=1, clock=Clock()))
    async with served(app) as address, a_client(address) as client:
        api = Api(client, Clock(), Telegram())
        token = await api.bot_token(await api.access())
        statuses = []
        for one in (the("github", "push"), the("github", "release"), the("alertmanager", "firing")):
            answer = await client.post(f"/api/hook/{token}", content=one.content, headers=one.headers)
            statuses.append((answer.status_code, "retry-after" in answer.headers))
        assert statuses == [(200, False), (429, True), (503, True)]


async def test_attachments_are_the_messages_files(hook: Hook) -> None:
    """Apprise sends them in base64, a form as parts."""
    await hook.send(the("apprise", "failure"))
    answer = await hook.api.client.post(
        f"/api/hook/{hook.token}", data={"message": "see"}, files={"attachment": ("a.txt", b"bytes")}
    )
    assert answer.status_code == 200, answer.text
    assert [[file["name"] for file in line["files"]] for line in await hook.chat()] == [
        ["log.txt"],
        ["a.txt"],
    ]

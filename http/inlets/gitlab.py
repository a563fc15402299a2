"""GitLab's webhooks. The kind of the event stands in the body."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from djangobot.db.messages.buttons import Button
from djangobot.http.inlets.common.commits import push_message
from djangobot.http.inlets.common.html import bold, code, escaped, lines, link, quote_markdown
from djangobot.http.inlets.common.json import at, count, first, objects, present, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.runs import Run, run_message
from djangobot.http.inlets.common.times import read_time

Body = Mapping[str, Any]
STEPS = {"created": 0, "waiting_for_resource": 0, "preparing": 0, "pending": 0, "scheduled": 0, "running": 1}
OVER = ("success", "failed", "canceled", "skipped", "manual")
SIGNS = {"open": "🟢", "reopen": "🟢", "close": "🟣", "merge": "🟣"}
DONE = {"open": "opened", "reopen": "reopened", "close": "closed", "merge": "merged", "update": "updated"}


def is_it(request: InletRequest) -> bool:
    return "x-gitlab-event" in request.headers


def read(request: InletRequest) -> InletMessage:
    """The message of the event. The id of the event keeps a repeat from being sent again."""
    body = request.object
    kind = text(body, "object_kind") or text(body, "event_name")
    message = EVENTS.get(kind, _other)(body)
    delivery = request.headers.get("idempotency-key") or request.headers.get("x-gitlab-event-uuid")
    tag = text(body, "project", "name")
    return msgspec.structs.replace(
        message,
        title=message.title or _title("🔔", body, kind.replace("_", " ")),
        format="html",
        tags=(tag,) if tag else (),
        key=f"gitlab:{delivery}" if delivery else None,
    )


def _title(sign: str, body: Body, what: str) -> str:
    return f"{sign} {present([first(body, ('project', 'path_with_namespace'), ('project', 'name')), what])}"


def _who(body: Body) -> str:
    return first(body, ("user", "name"), ("user_name",), ("user_username",))


def _push(body: Body) -> InletMessage:
    zeros = "0" * 40
    here, before, after = text(body, "project", "web_url"), text(body, "before"), text(body, "after")
    compare = f"{here}/-/compare/{before[:40]}...{after[:40]}"
    return push_message(
        where=text(body, "project", "path_with_namespace"),
        ref=text(body, "ref"),
        who=_who(body),
        commits=objects(body, "commits"),
        compare=compare if here and zeros not in (before, after) else "",
        total=count(body, "total_commits_count"),
        deleted=after == zeros,
        created=before == zeros,
    )


def _pipeline(body: Body) -> InletMessage:
    run = at(body, "object_attributes")
    status = text(run, "status")
    failed = [text(build, "name") for build in objects(body, "builds") if text(build, "status") == "failed"]
    here, iid = text(body, "project", "web_url"), text(run, "id")
    return run_message(
        Run(
            where=text(body, "project", "path_with_namespace"),
            name=text(run, "name") or f"pipeline #{first(run, ('iid',), ('id',))}",
            key=f"gitlab {here} {iid}",
            step=2 if status in OVER else STEPS.get(status, 1),
            over=status in OVER,
            conclusion=status,
            branch=text(run, "ref"),
            commit=text(run, "sha")[:7],
            title=first(body, ("commit", "title"), ("commit", "message")),
            who=_who(body),
            details=f"failed: {escaped(', '.join(failed[:10]))}" if failed else "",
            since=read_time(text(run, "created_at")),
            until=read_time(text(run, "finished_at")) if status in OVER else None,
            buttons=(
                Button("Pipeline", url=text(run, "url") or (f"{here}/-/pipelines/{iid}" if here else "")),
                Button("Commit", url=text(body, "commit", "url")),
            ),
        )
    )


def _discussed(body: Body) -> InletMessage:
    about = at(body, "object_attributes")
    what = "merge request !" if text(body, "object_kind") == "merge_request" else "issue #"
    action = text(about, "action")
    branches = present([code(text(about, "source_branch")), code(text(about, "target_branch"))], " → ")
    title = f"{what}{text(about, 'iid')} {DONE.get(action, action)}"
    return InletMessage(
        title=_title(SIGNS.get(action, "🔵"), body, title),
        text=lines(
            [
                link(text(about, "title"), text(about, "url")),
                present([escaped(_who(body)), branches]),
                quote_markdown(text(about, "description"), 700) if action in ("open", "reopen") else "",
            ]
        ),
        silent=action not in SIGNS,
        buttons=(Button("Open", url=text(about, "url")),),
    )


def _note(body: Body) -> InletMessage:
    about = at(body, "merge_request") or at(body, "issue") or at(body, "commit") or at(body, "snippet")
    note = at(body, "object_attributes")
    return InletMessage(
        title=_title("💬", body, "comment"),
        text=lines(
            [
                link(first(about, ("title",), ("message",)), text(note, "url")),
                escaped(_who(body)),
                quote_markdown(text(note, "note"), 700),
            ]
        ),
        buttons=(Button("Open", url=text(note, "url")),),
    )


def _release(body: Body) -> InletMessage:
    return InletMessage(
        title=_title("🚀", body, f"release {text(body, 'action')}d".replace("eed", "ed")),
        text=lines([bold(first(body, ("name",), ("tag",))), quote_markdown(text(body, "description"))]),
        buttons=(Button("Release", url=text(body, "url")),),
    )


def _other(body: Body) -> InletMessage:
    about = at(body, "object_attributes")
    what = present([text(about, "action"), text(about, "status"), text(body, "build_name")], " ")
    return InletMessage(
        text=present([escaped(_who(body)), escaped(what)]) or "an event",
        silent=True,
        buttons=(Button("Open", url=first(about, ("url",)) or text(body, "project", "web_url")),),
    )


EVENTS: dict[str, Callable[[Body], InletMessage]] = {
    "push": _push,
    "tag_push": _push,
    "pipeline": _pipeline,
    "issue": _discussed,
    "merge_request": _discussed,
    "work_item": _discussed,
    "note": _note,
    "release": _release,
}
"""The events with a message of their own."""

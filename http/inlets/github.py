"""GitHub's webhooks. The event stands in a header, the body is JSON or the field `payload` of a form."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from djangobot.db.messages.buttons import Button
from djangobot.http.inlets.common.commits import push_message
from djangobot.http.inlets.common.html import bold, code, escaped, lines, link, quote, quote_markdown
from djangobot.http.inlets.common.json import at, first, objects, present, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.runs import Run, run_message
from djangobot.http.inlets.common.times import read_time

Body = Mapping[str, Any]
STEPS = {"requested": 0, "queued": 0, "pending": 0, "waiting": 0, "in_progress": 1, "completed": 2}
"""How far a run is."""


def is_it(request: InletRequest) -> bool:
    return "x-github-event" in request.headers


def read(request: InletRequest) -> InletMessage:
    """The message of the event. The id of the delivery keeps a repeat from being sent again."""
    delivery = request.headers.get("x-github-delivery")
    key = f"github:{delivery}" if delivery else None
    return message_of(request.object, request.headers.get("x-github-event", ""), key)


def message_of(body: Body, event: str, key: str | None) -> InletMessage:
    """The message of a body of this event. `key` is the delivery's own id."""
    message = EVENTS.get(event, _other)(body)
    tag = text(body, "repository", "name")
    return msgspec.structs.replace(
        message,
        title=message.title or _title("🔔", body, event.replace("_", " ")),
        format="html",
        tags=(tag,) if tag else (),
        key=key,
    )


def _title(sign: str, body: Body, what: str) -> str:
    where = first(body, ("repository", "full_name"), ("organization", "login"))
    return f"{sign} {present([where, what])}"


def _who(body: Body) -> str:
    return link(text(body, "sender", "login"), text(body, "sender", "html_url"))


def _ping(body: Body) -> InletMessage:
    said = lines([escaped("The webhook works."), quote(text(body, "zen"), 300)])
    return InletMessage(title=_title("🏓", body, "ping"), text=said, silent=True)


def _push(body: Body) -> InletMessage:
    return push_message(
        where=text(body, "repository", "full_name"),
        ref=text(body, "ref"),
        who=first(body, ("pusher", "name"), ("sender", "login")),
        commits=objects(body, "commits"),
        compare=text(body, "compare"),
        deleted=at(body, "deleted") is True,
        created=at(body, "created") is True,
        forced=at(body, "forced") is True,
    )


def _workflow_run(body: Body) -> InletMessage:
    run = at(body, "workflow_run")
    step = first(body, ("action",), ("workflow_run", "status"))
    return run_message(
        Run(
            where=text(body, "repository", "full_name"),
            name=first(run, ("name",), ("display_title",)) or "Workflow",
            key=f"github {text(run, 'id')} {text(run, 'run_attempt')}",
            step=STEPS.get(step, 1),
            over=step == "completed",
            conclusion=text(run, "conclusion"),
            branch=text(run, "head_branch"),
            commit=text(run, "head_sha")[:7],
            title=first(run, ("head_commit", "message"), ("display_title",)),
            who=first(run, ("triggering_actor", "login"), ("actor", "login")),
            since=read_time(first(run, ("run_started_at",), ("created_at",))),
            until=read_time(text(run, "updated_at")) if step == "completed" else None,
            buttons=(
                Button("Run", url=text(run, "html_url")),
                Button("Commit", url=_commit_url(body, text(run, "head_sha"))),
            ),
        )
    )


def _commit_url(body: Body, sha: str) -> str:
    here = text(body, "repository", "html_url")
    return f"{here}/commit/{sha}" if here and sha else ""


def _release(body: Body) -> InletMessage:
    release, action = at(body, "release"), text(body, "action")
    name = first(release, ("name",), ("tag_name",))
    return InletMessage(
        title=_title("🚀", body, f"release {action}"),
        text=lines([bold(name), quote_markdown(text(release, "body"))]),
        silent=action not in ("published", "released"),
        buttons=(Button("Release", url=text(release, "html_url")),),
    )


def _issues(body: Body) -> InletMessage:
    return _discussed(body, "issue", "issue")


def _pull_request(body: Body) -> InletMessage:
    return _discussed(body, "pull_request", "pull request")


SIGNS = {"opened": "🟢", "reopened": "🟢", "closed": "🟣", "merged": "🟣", "ready_for_review": "🟢"}


def _discussed(body: Body, name: str, what: str) -> InletMessage:
    """An issue or a pull request."""
    about, action = at(body, name), text(body, "action")
    if action == "closed" and at(about, "merged") is True:
        action = "merged"
    number = text(about, "number") or text(body, "number")
    branches = present([code(text(about, "head", "ref")), code(text(about, "base", "ref"))], " → ")
    return InletMessage(
        title=_title(SIGNS.get(action, "🔵"), body, f"{what} #{number} {action.replace('_', ' ')}"),
        text=lines(
            [
                link(text(about, "title"), text(about, "html_url")),
                present([_who(body), branches]),
                quote_markdown(text(about, "body"), 700) if action in ("opened", "reopened") else "",
            ]
        ),
        silent=action not in SIGNS,
        buttons=(Button("Open", url=text(about, "html_url")),),
    )


def _comment(body: Body) -> InletMessage:
    about = at(body, "issue") or at(body, "pull_request") or at(body, "discussion")
    comment = at(body, "comment") or at(body, "review")
    what = "comment" if at(body, "comment") else "review"
    number, action = text(about, "number"), text(body, "action")
    done = "" if action in ("created", "submitted") else f"{what} {action}"
    return InletMessage(
        title=_title("💬", body, f"{done or what} on #{number}" if number else done or what),
        text=lines(
            [
                link(text(about, "title"), text(comment, "html_url")),
                present([_who(body), escaped(text(comment, "state"))]),
                quote_markdown(text(comment, "body"), 700),
            ]
        ),
        buttons=(Button("Open", url=text(comment, "html_url")),),
    )


def _other(body: Body) -> InletMessage:
    """An event of another kind: who did what."""
    about = first(body, ("ref",), ("label", "name"), ("member", "login"), ("deployment", "environment"))
    return InletMessage(
        text=lines([present([_who(body), escaped(text(body, "action")), code(about)])]) or "an event",
        silent=True,
        buttons=(Button("Repository", url=text(body, "repository", "html_url")),),
    )


def _security(body: Body) -> InletMessage:
    alert = at(body, "alert")
    return InletMessage(
        title=_title("🛡", body, present(["security alert", text(body, "action")], " ")),
        text=lines([bold(first(alert, ("security_advisory", "summary"), ("rule", "description")))]),
        buttons=(Button("Alert", url=text(alert, "html_url")),),
    )


EVENTS: dict[str, Callable[[Body], InletMessage]] = {
    "ping": _ping,
    "push": _push,
    "workflow_run": _workflow_run,
    "release": _release,
    "issues": _issues,
    "pull_request": _pull_request,
    "issue_comment": _comment,
    "pull_request_review": _comment,
    "pull_request_review_comment": _comment,
    "commit_comment": _comment,
    "dependabot_alert": _security,
    "code_scanning_alert": _security,
    "secret_scanning_alert": _security,
}
"""The events with a message of their own."""

"""Sentry's webhooks: of an integration, with the resource in a header, and of the older plugin without it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from djangobot.db.messages.buttons import Button
from djangobot.db.messages.incidents import State, Update
from djangobot.http.inlets.common.html import code, escaped, lines
from djangobot.http.inlets.common.json import at, first, present, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.times import read_time

Body = Mapping[str, Any]
LEVELS = {"fatal": "🔴", "error": "🔴", "warning": "🟠", "info": "🔵", "debug": "⚪️"}
METRIC = {"critical": "🔴", "warning": "🟠", "resolved": "🟢"}


def is_it(request: InletRequest) -> bool:
    body = request.object
    return "sentry-hook-resource" in request.headers or ("project_slug" in body and "event" in body)


def read(request: InletRequest) -> InletMessage:
    """The message of the event. A metric alert changes until it is resolved."""
    body, resource = request.object, request.headers.get("sentry-hook-resource", "")
    if resource == "metric_alert":
        message = _metric(body)
    elif resource == "issue":
        message = _issue(body)
    elif resource in ("event_alert", "error", ""):
        message = _event(body)
    else:
        message = _other(body, resource)
    delivery = request.headers.get("request-id")
    return msgspec.structs.replace(message, format="html", key=f"sentry:{delivery}" if delivery else None)


def _metric(body: Body) -> InletMessage:
    alert, action = at(body, "data", "metric_alert"), text(body, "action")
    ended = action == "resolved"
    moment = read_time(first(alert, ("date_closed",) if ended else ("date_detected",), ("date_started",)))
    order = moment.timestamp() if moment else 0.0
    state = State(order + (0.5 if ended else 0.0), not ended)
    named = first(alert, ("identifier",), ("id",))
    return InletMessage(
        title=f"{METRIC.get(action, '🔔')} {first(body, ('data', 'description_title')) or 'Metric alert'}",
        text=escaped(text(body, "data", "description_text").replace("\\n", "\n")) or escaped(action),
        silent=action not in METRIC,
        buttons=(Button("Alert", url=text(body, "data", "web_url")),),
        incident=Update(
            f"sentry {named}",
            {"": state},
            since=read_time(text(alert, "date_started")),
            until=read_time(text(alert, "date_closed")),
        )
        if named
        else None,
        outcome="🟢 Resolved",
    )


def _event(body: Body) -> InletMessage:
    """An issue alert, an error, or what the older plugin sends."""
    event = at(body, "data", "event") or at(body, "data", "error") or at(body, "event") or {}
    level = first(event, ("level",)) or text(body, "level")
    rule = first(body, ("data", "triggered_rule"), ("triggering_rules", "0"))
    url = first(event, ("web_url",)) or text(body, "url")
    title = first(event, ("title",), ("metadata", "type")) or text(body, "message") or "Event"
    environment = text(event, "environment")
    return InletMessage(
        title=f"{LEVELS.get(level, '🔔')} {title}",
        text=lines(
            [
                escaped(first(event, ("metadata", "value"), ("message",), ("logentry", "formatted"))),
                code(text(event, "culprit") or text(body, "culprit")),
                present([escaped(text(body, "project_name")), escaped(environment), escaped(rule)]),
            ]
        )
        or escaped(title),
        tags=(level,),
        buttons=(Button("Issue", url=url),),
    )


def _issue(body: Body) -> InletMessage:
    issue, action = at(body, "data", "issue"), text(body, "action")
    sign = "🟢" if action == "resolved" else LEVELS.get(text(issue, "level"), "🔔")
    return InletMessage(
        title=f"{sign} {present([text(issue, 'shortId'), action])}",
        text=lines(
            [
                escaped(text(issue, "title")),
                code(text(issue, "culprit")),
                present([escaped(text(issue, "project", "name")), escaped(text(body, "actor", "name"))]),
            ]
        )
        or escaped(action),
        silent=action not in ("created", "unresolved"),
        buttons=(Button("Issue", url=first(issue, ("web_url",), ("permalink",))),),
    )


def _other(body: Body, resource: str) -> InletMessage:
    said = present([text(body, "action"), text(body, "actor", "name")])
    return InletMessage(
        title=f"🔔 Sentry: {resource.replace('_', ' ')}",
        text=lines([escaped(said), escaped(text(body, "data", "comment"))]) or "an event",
        silent=True,
    )

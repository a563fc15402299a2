"""Uptime Kuma's webhook: a monitor and its heartbeat, or neither when it is tested."""

from collections.abc import Mapping
from typing import Any

from djangobot.db.messages.buttons import Button
from djangobot.db.messages.incidents import State, Update
from djangobot.http.inlets.common.html import escaped, lines
from djangobot.http.inlets.common.json import at, first, number, present, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.times import read_time

DOWN, UP, PENDING, MAINTENANCE = 0, 1, 2, 3
STATES = {
    DOWN: ("🔴", "is down"),
    UP: ("🟢", "is up"),
    PENDING: ("🟡", "is pending"),
    MAINTENANCE: ("🔵", "maintenance"),
}


def is_it(request: InletRequest) -> bool:
    body = request.object
    return "heartbeat" in body and "monitor" in body and "msg" in body


def read(request: InletRequest) -> InletMessage:
    """One message for each time that a monitor is down."""
    body = request.object
    beat, monitor = at(body, "heartbeat"), at(body, "monitor")
    if not isinstance(beat, dict):
        return InletMessage(title=text(monitor, "name"), text=text(body, "msg"))
    status = number(beat, "status")
    sign, words = STATES.get(int(status) if status in STATES else -1, ("🔔", ""))
    name = text(monitor, "name") or "Monitor"
    moment = read_time(text(beat, "time"))
    ping = text(beat, "ping")
    return InletMessage(
        title=f"{sign} {name} {words}".strip(),
        text=lines(
            [
                escaped(text(beat, "msg") or text(body, "msg")),
                present([escaped(_target(monitor)), f"{escaped(ping, 20)} ms" if ping else ""]),
            ]
        ),
        format="html",
        tags=(name,),
        silent=status not in (DOWN, UP),
        buttons=(Button("Open", url=_target(monitor)),),
        incident=Update(
            f"uptime-kuma {first(monitor, ('id',)) or text(beat, 'monitorID')}",
            {"": State(moment.timestamp() if moment else 0.0, status in (DOWN, PENDING))},
            since=moment,
            until=moment,
        )
        if status in (DOWN, UP, PENDING) and moment
        else None,
        outcome="🟢 Up again",
    )


def _target(monitor: Mapping[str, Any] | None) -> str:
    """What is watched: an address, or a host with its port."""
    url = text(monitor, "url")
    if url and url not in ("https://", "http://"):
        return url
    return present([text(monitor, "hostname"), text(monitor, "port")], ":")

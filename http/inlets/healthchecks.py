"""Healthchecks: a check as its API writes it (`$JSON` in the body of a webhook), or its name and status."""

from djangobot.db.messages.buttons import Button
from djangobot.db.messages.incidents import State, Update
from djangobot.http.inlets.common.html import bold, escaped, lines, quote
from djangobot.http.inlets.common.json import first, number, present, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.times import read_time

SIGNS = {"down": "🔴", "up": "🟢", "grace": "🟡", "paused": "⚪️"}


def is_it(request: InletRequest) -> bool:
    body = request.object
    api = "n_pings" in body and "grace" in body
    ours = request.headers.get("user-agent", "").lower().startswith("healthchecks") and "name" in body
    return "status" in body and (api or ours)


def read(request: InletRequest) -> InletMessage:
    """One message for each time that a check is down."""
    body = request.object
    name, status = first(body, ("name",), ("slug",), ("code",)) or "Check", text(body, "status").lower()
    key = first(body, ("unique_key",), ("uuid",), ("code",), ("slug",), ("name",))
    pings, last = number(body, "n_pings"), text(body, "last_ping")
    moment = read_time(first(body, ("now",), ("last_ping",)))
    order = pings if pings is not None else moment.timestamp() if moment else 0.0
    known = status in ("up", "down")
    title = f"{SIGNS.get(status, '🔔')} {name} is {status}"
    said = lines(
        [
            escaped(text(body, "desc")),
            f"last ping {escaped(last.replace('T', ' ')[:19])} UTC" if last else "",
            present([escaped(text(body, "schedule")), escaped(text(body, "tz"))], " "),
            quote(text(body, "body"), 700),
        ]
    )
    return InletMessage(
        title=title if said else "",
        text=said or bold(title),
        format="html",
        tags=(name, *text(body, "tags").split()),
        silent=not known,
        buttons=(Button("Open", url=first(body, ("details_url",), ("url",), ("cloaked_url",))),),
        # A check that is down has had no new ping: it is up again with the next one.
        incident=Update(f"healthchecks {key}", {"": State(order + (status == "down") / 2, status == "down")})
        if known and (pings is not None or moment is not None)
        else None,
        outcome="🟢 Up again",
    )

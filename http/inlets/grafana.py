"""Grafana's unified alerting: Alertmanager's groups, with values, and with links for each alert."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from djangobot.db.messages.buttons import Button
from djangobot.http.inlets.common.alert_groups import ROOM, Alert, group_of, message_of, read_alerts
from djangobot.http.inlets.common.html import escaped, lines
from djangobot.http.inlets.common.json import at, first, objects, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest

LINKS = (
    ("🔕 Silence", "silenceURL"),
    ("📊 Dashboard", "dashboardURL"),
    ("📈 Panel", "panelURL"),
    ("Rule", "generatorURL"),
)

WRITTEN_BY_GRAFANA = re.compile(r"\[(FIRING|RESOLVED)[:\d]*|\*\*(Firing|Resolved)\*\*")
"""How titles and messages begin that nobody has written for a contact point."""


def is_it(request: InletRequest) -> bool:
    body = request.object
    return isinstance(at(body, "alerts"), list) and ("orgId" in body or "groupKey" not in body)


def read(request: InletRequest) -> InletMessage:
    """The group as one message. Without a group key, the alerts themselves name it."""
    body = request.object
    alerts = read_alerts(body)
    named = text(body, "groupKey") or " ".join(sorted(alert.name for alert in alerts))
    key = f"grafana {text(body, 'orgId')} {text(body, 'receiver')} {named}"
    return _in_own_words(message_of(group_of(body, key, alerts, _buttons(body))), body, alerts)


def _in_own_words(message: InletMessage, body: Mapping[str, Any], alerts: list[Alert]) -> InletMessage:
    """The message with the title and the words of the contact point, where somebody has written them. What
    these words tell of the alerts is not told again."""
    title, said = text(body, "title"), text(body, "message")
    if title and not WRITTEN_BY_GRAFANA.match(title):
        message = msgspec.structs.replace(message, title=f"{message.title.partition(' ')[0]} {title}")
    if said and not WRITTEN_BY_GRAFANA.match(said):
        told = any(note in said for alert in alerts for note in alert.annotations.values())
        shown = lines([escaped(said, ROOM), "" if told else message.text])
        message = msgspec.structs.replace(message, text=shown)
    return message


def _buttons(body: Mapping[str, Any]) -> list[Button]:
    """The links of the first alert that fires, and the runbook."""
    alerts = sorted(objects(body, "alerts"), key=lambda alert: text(alert, "status") == "resolved")
    firing = bool(alerts) and text(alerts[0], "status") != "resolved"
    links = [
        Button(words, url=text(alerts[0], name))
        for words, name in LINKS
        if alerts and text(alerts[0], name) and (firing or name != "silenceURL")
    ]
    runbook = first(body, ("commonAnnotations", "runbook_url"))
    if runbook:
        links.insert(1, Button("📖 Runbook", url=runbook))
    if not links and text(body, "externalURL"):
        links.append(Button("Grafana", url=text(body, "externalURL")))
    return links

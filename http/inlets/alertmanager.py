"""Alertmanager's webhook, version 4: a group of alerts, once for each change and again as a reminder."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from djangobot.db.messages.buttons import Button
from djangobot.http.inlets.common.alert_groups import Alert, group_of, message_of, read_alerts
from djangobot.http.inlets.common.json import at, objects, text, texts
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest


def is_it(request: InletRequest) -> bool:
    body = request.object
    return isinstance(at(body, "alerts"), list) and "groupKey" in body and "orgId" not in body


def read(request: InletRequest) -> InletMessage:
    """The group as one message, which changes until the group is resolved."""
    body = request.object
    alerts = read_alerts(body)
    key = f"alertmanager {text(body, 'receiver')} {text(body, 'groupKey')}"
    return message_of(group_of(body, key, alerts, _buttons(body, alerts)))


def _buttons(body: Mapping[str, Any], alerts: list[Alert]) -> list[Button]:
    here, firing = text(body, "externalURL").rstrip("/"), [alert for alert in alerts if alert.firing]
    notes = {**(alerts[0].annotations if len(alerts) == 1 else {}), **texts(body, "commonAnnotations")}
    found = []
    if here and firing:
        found.append(Button("🔕 Silence", url=f"{here}/#/silences/new?filter={_filter(body)}"))
    for words, names in (
        ("📖 Runbook", ("runbook_url", "runbook")),
        ("📊 Dashboard", ("dashboard_url", "dashboard", "dashboardURL")),
    ):
        found += [Button(words, url=notes[name]) for name in names if name in notes][:1]
    if alerts and alerts[0].source:
        found.append(Button("📈 Graph", url=alerts[0].source))
    if here:
        found.append(Button("Alertmanager", url=here))
    return found


def _filter(body: Mapping[str, Any]) -> str:
    """The labels of the whole group, as Alertmanager's page for a new silence reads them."""
    labels = texts(body, "groupLabels") or texts(body, "commonLabels")
    if not labels and len(objects(body, "alerts")) == 1:
        labels = texts(objects(body, "alerts")[0], "labels")
    matchers = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
    return quote(f"{{{matchers}}}", safe="", errors="replace")

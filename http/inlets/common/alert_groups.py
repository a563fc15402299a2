"""Alerts of Prometheus's kind, as Alertmanager and Grafana send them: a group in which each one is firing or
resolved."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from djangobot.db.messages.buttons import Button
from djangobot.db.messages.incidents import State, Update
from djangobot.http.inlets.common.html import LONGEST, bold, code, escaped, lines
from djangobot.http.inlets.common.json import count, first, objects, present, text, texts
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.shorten import cut
from djangobot.http.inlets.common.times import lasted, read_time

SHOWN = 10
"""Alerts that are shown one by one."""
ROOM = 2500
"""Characters for all of them: a message that changes is one message, not several."""
SHORT = 200
"""Characters of one annotation of one of them."""
NAME_LONGEST = 120
"""Characters of a group's name in its title."""
COMPARED = 100
"""Alerts whose words are compared: what all of them say is told once."""
NOTES = ("summary", "description", "message")
"""The annotations that are told. Where there is none of them, all others are that hold no address."""
NO_NOTES = re.compile(r"__.*|.*url|runbook|dashboard", re.IGNORECASE)
NOTES_MOST = 5
LABELS_SHOWN = 3
TELLING = (
    "instance",
    "host",
    "hostname",
    "node",
    "pod",
    "namespace",
    "service",
    "container",
    "device",
    "mountpoint",
    "job",
    "cluster",
    "env",
    "team",
)
"""The labels that matter to a person, the most telling first."""
PLACES = TELLING[:8]
"""Labels whose value says by itself what it is."""
SILENT_LABELS = (
    "alertname",
    "severity",
    "prometheus",
    "grafana_folder",
    "rule_uid",
    "ref_id",
    "datasource_uid",
)
"""Labels that stand elsewhere, or that only the sender needs."""
COLOURS = {
    "critical": "🔴",
    "page": "🔴",
    "error": "🔴",
    "high": "🔴",
    "warning": "🟠",
    "info": "🔵",
    "none": "🔵",
}
URGENT = ("critical", "page")
_VALUE = re.compile(r"var='(\w{1,40})'[^]]{0,500}? value=([^ \]]{1,40})")
"""One value of Grafana's `valueString`."""
RESOLVED, PARTLY = "🟢", "🟡"


class Alert(msgspec.Struct, frozen=True):
    """One alert of a group. `values` are written as people read them."""

    firing: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    name: str
    since: datetime | None
    until: datetime | None
    source: str
    values: str = ""

    @property
    def colour(self) -> str:
        return COLOURS.get(self.labels.get("severity", "").lower(), "🔴") if self.firing else RESOLVED

    @property
    def state(self) -> State:
        moment = self.since if self.firing else self.until or self.since
        return State(moment.timestamp() if moment else 0.0, self.firing)


class Group(msgspec.Struct, frozen=True):
    """Alerts that are told together. `hidden`: how many more there are. `key` is the same for every delivery
    about this group."""

    name: str
    key: str
    alerts: Sequence[Alert]
    shared: Mapping[str, str]
    hidden: int
    buttons: tuple[Button, ...]


def read_alerts(body: Mapping[str, Any]) -> list[Alert]:
    """The alerts of a body. Those that fire come first."""
    found = [_alert(one) for one in objects(body, "alerts")]
    return sorted(found, key=lambda alert: not alert.firing)


def _alert(body: Mapping[str, Any]) -> Alert:
    labels = texts(body, "labels")
    return Alert(
        firing=text(body, "status") != "resolved",
        labels=labels,
        annotations=texts(body, "annotations"),
        name=text(body, "fingerprint") or repr(sorted(labels.items())),
        since=read_time(text(body, "startsAt")),
        until=read_time(text(body, "endsAt")),
        source=text(body, "generatorURL"),
        values=_values(body),
    )


def _values(body: Mapping[str, Any]) -> str:
    """Grafana's values: by the letters of its queries, without those of conditions, which are 0 or 1."""
    found = texts(body, "values") or dict(_VALUE.findall(text(body, "valueString")[:2000]))
    telling = {name: value for name, value in found.items() if value not in ("0", "1")} or found
    return ", ".join(f"{name} = {_short(value)}" for name, value in sorted(telling.items())[:4])


def _short(value: str) -> str:
    try:
        return f"{float(value):.6g}"
    except ValueError:
        return value


def group_of(body: Mapping[str, Any], key: str, alerts: Sequence[Alert], buttons: Iterable[Button]) -> Group:
    """The alerts of a body, under what they have in common: their name, or the labels by which they are
    grouped."""
    grouped = texts(body, "groupLabels")
    return Group(
        name=first(body, ("commonLabels", "alertname")) or ", ".join(grouped.values()) or "Alerts",
        key=key,
        alerts=alerts,
        shared=texts(body, "commonLabels"),
        hidden=count(body, "truncatedAlerts"),
        buttons=tuple(buttons),
    )


def message_of(group: Group) -> InletMessage:
    """The message about a group: green when nothing fires any more."""
    firing = [alert for alert in group.alerts if alert.firing]
    severities = [alert.labels.get("severity", "").lower() for alert in firing]
    colour, name = _colour(group.alerts, firing), cut(group.name, NAME_LONGEST)
    return InletMessage(
        title=f"{colour} {name}{_counts(len(firing), len(group.alerts), group.hidden)}",
        text=lines(_body(group)) or escaped(group.name),
        format="html",
        tags=(group.name, *sorted(set(severities)))[:3],
        urgent=any(severity in URGENT for severity in severities),
        silent=bool(firing) and all(severity in ("info", "none") for severity in severities),
        buttons=group.buttons,
        incident=_incident(group),
        outcome=f"{RESOLVED} Resolved",
    )


def _colour(alerts: Sequence[Alert], firing: Sequence[Alert]) -> str:
    if not firing:
        return RESOLVED
    if len(firing) < len(alerts):
        return PARTLY
    colours = {alert.colour for alert in firing}
    return next(colour for colour in ("🔴", "🟠", "🔵") if colour in colours)


def _counts(firing: int, every: int, hidden: int) -> str:
    if not firing:
        return " · resolved"
    if firing < every:
        return f" · {firing} firing, {every - firing} resolved"
    return f" · {firing + hidden} firing" if firing + hidden > 1 else ""


def _incident(group: Group) -> Update:
    starts = [alert.since for alert in group.alerts if alert.since]
    ends = [alert.until for alert in group.alerts if alert.until and not alert.firing]
    return Update(
        group.key,
        {alert.name: alert.state for alert in group.alerts} or {"": State(0.0, open=True)},
        since=min(starts, default=None),
        until=max(ends, default=None),
        partial=group.hidden > 0,
    )


def _body(group: Group) -> Iterable[str]:
    """What all alerts say is told once, above them."""
    yield _labels(group.shared, {}, severity=group.shared.get("severity", ""))
    compared, notes = group.alerts[:COMPARED], _notes(group.alerts[:COMPARED])
    same = [note for note in notes if len({alert.annotations.get(note, "") for alert in compared}) == 1]
    if compared:
        yield _words(compared[0], same)
    if len(group.alerts) == 1:
        yield escaped(group.alerts[0].values)
        yield _time(group.alerts[0])
        return
    own, shown, room = [note for note in notes if note not in same], 0, ROOM
    for alert in group.alerts[:SHOWN]:
        said = lines(_one(group, alert, own))
        room -= len(said)
        if room < 0:
            break
        shown += 1
        yield said
    hidden = len(group.alerts) - shown + group.hidden
    yield f"…and {hidden} more" if hidden else ""


def _notes(alerts: Sequence[Alert]) -> Sequence[str]:
    """Names of the annotations that are told."""
    given = dict.fromkeys(name for alert in alerts for name in alert.annotations)
    if any(name in NOTES for name in given):
        return NOTES
    return [name for name in given if not NO_NOTES.fullmatch(name)][:NOTES_MOST]


def _one(group: Group, alert: Alert, notes: Sequence[str]) -> Iterable[str]:
    """One of several alerts. What is resolved needs no words any more."""
    head = present([_labels(alert.labels, group.shared), escaped(alert.values), _time(alert)])
    yield f"{alert.colour} {head or escaped(alert.name)}"
    yield _words(alert, notes, SHORT) if alert.firing else ""


def _words(alert: Alert, notes: Sequence[str], longest: int = LONGEST) -> str:
    """What the alert says about itself in these annotations, each text once."""
    said = dict.fromkeys(alert.annotations.get(note, "") for note in notes)
    return lines(escaped(one, longest) for one in said)


def _time(alert: Alert) -> str:
    if alert.firing or alert.until is None or alert.since is None:
        return ""
    return f"after {lasted(alert.until - alert.since)}"


def _labels(labels: Mapping[str, str], shared: Mapping[str, str], severity: str = "") -> str:
    """The labels that tell most, of those that are not shared: `db1:9100 · device sda1`."""
    own = {
        name: value
        for name, value in labels.items()
        if name not in SILENT_LABELS and not name.startswith("__") and shared.get(name) != value
    }
    order = sorted(own, key=lambda name: (TELLING.index(name) if name in TELLING else len(TELLING), name))
    shown = [_label(name, own[name], first=place == 0) for place, name in enumerate(order[:LABELS_SHOWN])]
    return present([*shown, escaped(severity, 40)])


def _label(name: str, value: str, *, first: bool) -> str:
    """A place is told by its bare name, when it comes first. A path is set as code: Telegram would take it
    for a command."""
    if first and name in PLACES:
        return bold(value)
    return f"{escaped(name, 40)} {code(value[:100]) if value.startswith('/') else escaped(value, 100)}"

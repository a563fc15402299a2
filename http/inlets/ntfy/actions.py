"""ntfy's actions: as JSON, or in the short form `view, Open, https://example.org; http, …`."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

MOST = 3
KINDS = ("view", "broadcast", "http", "copy")
WITH_URL = ("view", "http")
KEYS = ("action", "label", "url", "method", "body", "intent", "value", "clear")
DETAILS = ("headers.", "extras.")
"""Beginnings of keys whose values we do not need, apart from that there are some."""
QUOTED = 40
"""Characters of what was written, in an error."""

SECTION = re.compile(
    r"(?>\s*(?:(?P<key>[-.\w]+)\s*=\s*)?)"
    r"(?:(?P<quote>[\"'])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)\s*|(?P<bare>(?![\"'])[^,;]*))"
    r"(?P<end>[,;]|\Z)",
    re.DOTALL,
)
"""One part of an action, up to the comma or semicolon after it."""


class ActionsInvalid(ValueError):
    """These are no actions. Says why."""


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """A button below a notification. `is_bare`: it sends nothing but a request to its address."""

    action: str
    label: str
    url: str = ""
    method: str = ""
    value: str = ""
    is_bare: bool = True

    @property
    def opens(self) -> bool:
        """Whether a browser that opens the address does the same."""
        return self.action == "view" or (self.action == "http" and self.method == "GET" and self.is_bare)


def parse(written: str) -> tuple[Action, ...]:
    """The actions. Raises ActionsInvalid."""
    written = written.strip()
    fields = _of_json(written) if written.startswith("[") else _of_short_form(written)
    if len(fields) > MOST:
        raise ActionsInvalid(f"only {MOST} actions allowed")
    return tuple(_action(one) for one in fields)


def _of_json(written: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        raise ActionsInvalid("JSON error") from None
    if not all(isinstance(one, dict) for one in found):
        raise ActionsInvalid("JSON error: an action is an object")
    return list(found)


def _of_short_form(written: str) -> list[Mapping[str, Any]]:
    actions: list[Mapping[str, Any]] = []
    fields: dict[str, str] = {}
    at = number = 0
    while at < len(written):
        found = SECTION.match(written, at)
        if found is None:
            raise ActionsInvalid(f"a quote does not end, or text follows it, at position {at}")
        key = found["key"] or _key_at(number, fields.get("action", ""))
        fields[_known(key, found["bare"] or "")] = _value(found)
        at, number = found.end(), number + 1
        if found["end"] != ",":
            actions.append(fields)
            fields, number = {}, 0
        if len(actions) > MOST:
            break
    return [*actions, fields] if fields else actions


def _value(section: re.Match[str]) -> str:
    if section["quote"] is None:
        return section["bare"].strip()
    return section["quoted"].replace(f"\\{section['quote']}", section["quote"])


def _key_at(number: int, action: str) -> str:
    """The key of a part that names none."""
    if number < 2:
        return KEYS[number]
    return {"view": "url", "http": "url", "copy": "value"}.get(action.lower(), "") if number == 2 else ""


def _known(key: str, written: str) -> str:
    if not key:
        raise ActionsInvalid(f"term '{written.strip()[:QUOTED]}' unknown")
    if key.startswith(DETAILS):
        return key
    if key.lower() not in KEYS:
        raise ActionsInvalid(f"key '{key[:QUOTED]}' unknown")
    return key.lower()


def _action(fields: Mapping[str, Any]) -> Action:
    kind, label, url = _text(fields, "action").lower(), _text(fields, "label"), _text(fields, "url")
    if kind not in KINDS:
        raise ActionsInvalid(
            f"parameter 'action' cannot be '{kind[:QUOTED]}', valid values are {', '.join(KINDS)}"
        )
    if not label:
        raise ActionsInvalid("parameter 'label' is required")
    if kind in WITH_URL and not url:
        raise ActionsInvalid(f"parameter 'url' is required for action '{kind}'")
    detailed = any(fields.get(key) for key in ("headers", "body")) or any(
        key.startswith("headers.") for key in fields
    )
    return Action(
        kind,
        label,
        url,
        method=_text(fields, "method").upper(),
        value=_text(fields, "value"),
        is_bare=not detailed,
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    found = fields.get(name)
    return found.strip() if isinstance(found, str) else ""

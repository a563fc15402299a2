"""Any JSON: a field that looks like a text, or else the JSON itself."""

import json
from html import escape

from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.shorten import cut
from djangobot.http.inlets.common.words import TEXTS, TITLES, first_text

SHOWN = 3500
"""Characters of JSON that are shown: they fit into one message."""


def is_it(request: InletRequest) -> bool:
    return request.json is not None


def read(request: InletRequest) -> InletMessage:
    """The text of an object, a JSON string, or the JSON, monospaced."""
    found = request.json
    if isinstance(found, str):
        return InletMessage(text=found)
    fields = found if isinstance(found, dict) else {}
    title, text = first_text(fields, TITLES), first_text(fields, TEXTS)
    if text:
        return InletMessage(text=text, title=title)
    shown = cut(json.dumps(found, ensure_ascii=False, indent=1), SHOWN)
    return InletMessage(text=f"<pre>{escape(shown, quote=False)}</pre>", format="html", title=title)

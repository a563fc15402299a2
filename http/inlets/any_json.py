"""Any JSON: a field that looks like a text, or else the JSON itself."""

import json
from collections.abc import Mapping
from html import escape

from djangobot.db.messages.buttons import Button
from djangobot.http.inlets.common.links import link_line, opens, with_lines
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.shorten import cut
from djangobot.http.inlets.common.words import TEXTS, TITLES, first_text

LINKS = ("url", "link", "click", "html_url", "web_url")
"""Names of fields that hold an address."""
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
        return _told(text, title, fields)
    shown = cut(json.dumps(found, ensure_ascii=False, indent=1), SHOWN)
    return InletMessage(text=f"<pre>{escape(shown, quote=False)}</pre>", format="html", title=title)


def _told(text: str, title: str, fields: Mapping[str, object]) -> InletMessage:
    """The text of an object, with what else POST /api/send_message would take of it."""
    tags, address = fields.get("tags"), first_text(fields, LINKS)
    line = [] if opens(address) or not address else [link_line("🔗", "", address, "plain")]
    return InletMessage(
        text=with_lines(text, line),
        title=title if title != text else "",
        tags=tuple(tag for tag in tags[:100] if isinstance(tag, str)) if isinstance(tags, list) else (),
        silent=fields.get("silent") is True,
        urgent=fields.get("urgent") is True,
        buttons=(Button("Open", url=address),) if address else (),
    )

"""Apprise's json:// and form://: a title, a message, its type, and attachments."""

import base64
import binascii

from djangobot.http.inlets.common.json import objects, text
from djangobot.http.inlets.common.message import InletFile, InletMessage
from djangobot.http.inlets.common.request import InletRequest

SIGNS = {"success": "🟢", "warning": "🟠", "failure": "🔴"}
"""A mere `info` has none."""


def is_it(request: InletRequest) -> bool:
    body = request.object or request.fields
    return {"version", "title", "message", "type"} <= body.keys()


def read(request: InletRequest) -> InletMessage:
    """The message, with the colour of its type before its title."""
    body = request.object or dict(request.fields)
    sign, title, message = SIGNS.get(text(body, "type"), ""), text(body, "title"), text(body, "message")
    if sign and title:
        title = f"{sign} {title}"
    elif sign:
        message = f"{sign} {message}"
    attached = (
        _file(text(one, "filename"), text(one, "base64"), text(one, "mimetype"))
        for one in objects(body, "attachments")
    )
    return InletMessage(
        text=message, title=title, files=(*request.files, *(file for file in attached if file is not None))
    )


def _file(name: str, encoded: str, mime: str) -> InletFile | None:
    try:
        return InletFile(name or "attachment", base64.b64decode(encoded), mime)
    except (binascii.Error, ValueError):
        return None

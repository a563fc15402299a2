"""The parameters of a publication: headers, the query, or the fields of JSON, each under several names."""

import re
from collections.abc import Mapping
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Any

import msgspec

from djangobot.db.fields import UNSTORABLE
from djangobot.http.inlets.common.request import InletRequest

TRUE = ("1", "yes", "true")
RFC_9218 = re.compile(r"u=\d(,\s*(i|\d))?")
"""The values of HTTP's own header Priority, which proxies add. They are no priorities of ntfy's."""

TITLE = ("x-title", "title", "t")
MESSAGE = ("x-message", "message", "m")
PRIORITY = ("x-priority", "priority", "prio", "p")
TAGS = ("x-tags", "tags", "tag", "ta")
CLICK = ("x-click", "click")
ATTACH = ("x-attach", "attach", "a")
FILENAME = ("x-filename", "filename", "file", "f")
ACTIONS = ("x-actions", "actions", "action")
DELAY = ("x-delay", "delay", "x-at", "at", "x-in", "in")
MARKDOWN = ("x-markdown", "markdown", "md")
SEQUENCE = ("x-sequence-id", "sequence-id", "sid")
CONTENT_TYPE = ("content-type", "content_type")
IN_JSON = {
    "title": TITLE,
    "message": MESSAGE,
    "priority": PRIORITY,
    "tags": TAGS,
    "click": CLICK,
    "attach": ATTACH,
    "filename": FILENAME,
    "actions": ACTIONS,
    "delay": DELAY,
    "markdown": MARKDOWN,
    "sequence_id": SEQUENCE,
}
"""The fields of JSON, and the parameters that they are. A field counts before a header."""


class Parameters:
    """Headers count before the query, and of several names the first one that is given."""

    def __init__(self, request: InletRequest, fields: Mapping[str, Any] | None = None) -> None:
        given = {
            names[0]: _written(fields[name])
            for name, names in IN_JSON.items()
            if fields is not None and fields.get(name) is not None
        }
        self._headers = {**request.headers, **given}
        self._query = request.query

    def text(self, names: tuple[str, ...]) -> str:
        """The value under one of these names. Empty when there is none."""
        for name in names:
            if value := _storable(decoded(name, self._headers.get(name, ""))):
                return value
        return next((value for name in names if (value := _storable(self._query.get(name, "")))), "")

    def switch(self, names: tuple[str, ...]) -> bool:
        """Whether it is switched on."""
        return self.text(names).lower() in TRUE

    def words(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The values between commas."""
        return tuple(word for one in self.text(names).split(",") if (word := one.strip()))


def decoded(name: str, header: str) -> str:
    """The text of a header, which may be written as RFC 2047 says: `=?utf-8?q?…?=`."""
    if name == "priority" and RFC_9218.fullmatch(header.strip()):
        return ""
    if "=?" not in header:
        return header
    try:
        return str(make_header(decode_header(header)))
    except (MessageError, ValueError, LookupError):
        return header


def _storable(value: str) -> str:
    return UNSTORABLE.sub("", value).strip()


def _written(value: object) -> str:
    """A field of JSON as a header would have it."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case list() if all(isinstance(one, str) for one in value):
            return ",".join(value)
        case int() | float() | list() | dict():
            return _json(value)
    return ""


def _json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, OverflowError, RecursionError):
        return ""

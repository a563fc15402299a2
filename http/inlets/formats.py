"""The formats of POST /api/hook, in the order in which a request is compared with them."""

from collections.abc import Callable
from typing import NamedTuple

from djangobot.http.inlets import any_json, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest


class Format(NamedTuple):
    """One format: its name, as `?as=` says it; how its requests are told; the function that reads them; and
    the status of a throttle. A program that repeats only what the server could not do gets 503."""

    name: str
    is_it: Callable[[InletRequest], bool]
    read: Callable[[InletRequest], InletMessage]
    throttle: int = 429


FORMATS = (
    Format("json", lambda request: request.json is not None, any_json.read),
    Format("form", lambda request: bool(request.fields), text.read_form),
    Format("text", lambda request: True, text.read_text),
)
BY_NAME = {one.name: one for one in FORMATS}


def format_of(request: InletRequest) -> Format:
    """The format that the query names, or the first that recognises the request."""
    named = BY_NAME.get(request.query.get("as", ""))
    return named or next(one for one in FORMATS if one.is_it(request))

"""The inlets: calls for programs that speak something else than our API. `DJANGOBOT_INLETS` names those that
are open. One file reads a format and makes a message of it; common/ has what they share."""

from collections.abc import Collection
from typing import NamedTuple

from litestar.handlers import BaseRouteHandler

from djangobot.http.inlets import gotify, hook
from djangobot.http.inlets.ntfy import publish as ntfy


class Inlet(NamedTuple):
    """An inlet and its calls."""

    name: str
    routes: tuple[BaseRouteHandler, ...]


INLETS = (
    Inlet("hook", (hook.hook,)),  # POST and PUT: /api/hook/{bot_token}, /api/hook
    Inlet("gotify", (gotify.create_message, gotify.version)),  # POST /message, GET /version
    Inlet(
        "ntfy", (ntfy.publish_json, ntfy.publish, ntfy.publish_in_sequence)
    ),  # POST /, PUT and POST /{topic}
)


def routes(names: Collection[str]) -> list[BaseRouteHandler]:
    """The calls of these inlets."""
    return [route for inlet in INLETS if inlet.name in names for route in inlet.routes]

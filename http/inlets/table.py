"""The inlets: calls for programs that speak something else than our API. `DJANGOBOT_INLETS` names those that
are open. One file reads a format and makes a message of it; common/ has what they share."""

from collections.abc import Collection
from typing import NamedTuple

from litestar.handlers import HTTPRouteHandler

from djangobot.http.inlets import hook


class Inlet(NamedTuple):
    """An inlet and its calls."""

    name: str
    routes: tuple[HTTPRouteHandler, ...]


INLETS = (
    Inlet("hook", (hook.hook,)),  # POST /api/hook/{bot_token}, POST /api/hook
)


def routes(names: Collection[str]) -> list[HTTPRouteHandler]:
    """The calls of these inlets."""
    return [route for inlet in INLETS if inlet.name in names for route in inlet.routes]

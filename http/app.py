"""The HTTP API for programs: the table of routes, and the application."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from litestar import Litestar, Response
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

from djangobot.http import (
    accounts,
    auth,
    cabinet,
    docs,
    health,
    metrics,
)
from djangobot.http.access_log import with_access_log
from djangobot.http.access_tokens import Signer
from djangobot.http.base_path import under
from djangobot.http.body.bodies import headers_of
from djangobot.http.body.requests import refuse_query
from djangobot.http.errors import EXCEPTION_HANDLERS, refuse
from djangobot.http.inlets import table
from djangobot.http.limits.limits import Limits
from djangobot.http.messages import deletion, sending, status
from djangobot.http.origins import own_pages_only, refuse_foreign
from djangobot.http.responses import Call
from djangobot.http.server.bounds import Bounds
from djangobot.http.server.server import Application, Server
from djangobot.http.state import AppState, Config

__all__ = ["ROUTES", "Application", "Bounds", "Config", "Server", "create_app", "under", "with_access_log"]

ROUTES: list[BaseRouteHandler] = [
    accounts.register,  #    POST    /api/user/
    accounts.change,  #      PUT     /api/user/
    accounts.remove,  #      DELETE  /api/user/
    auth.sign_in,  #         POST    /api/auth/
    cabinet.redeem,  #       POST    /api/cabinet/
    cabinet.history,  #      GET     /api/cabinet
    sending.send_message,  # POST    /api/send_message
    status.show,  #          GET     /api/messages/{id}
    deletion.remove,  #      DELETE  /api/messages/{id}
    docs.page,  #            GET     /api/
    docs.file,  #            GET     /api/docs/{name}
    docs.document,  #        GET     /api/openapi.json
    health.health,  #        GET     /health
    health.live,  #          GET     /health/live
    health.ready,  #         GET     /health/ready
    metrics.scrape,  #       GET     /metrics
]

PLAIN_HOST = re.compile(rb"[0-9A-Za-z.:\[\]-]*")


class App(Litestar):
    """Litestar without its plugins for pydantic and attrs. Our bodies are msgspec structs. Importing
    pydantic, which comes with Piccolo, takes 11 MB."""

    shared: AppState
    """What all handlers share (state.py)."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The hot path goes to its handler without the router. An unusual request goes through the router."""
        if not _is_hot(scope):
            return await super().__call__(scope, receive, send)
        scope["litestar_app"], scope["path_template"] = self, sending.SEND_MESSAGE
        try:
            refuse_foreign(scope)
            reply = await sending.accept(scope, receive)
        except Exception as exc:
            return await refuse(exc, scope, receive, send)
        await reply.write(send)


def create_app(config: Config, limits: Limits | None = None) -> App:
    """The ASGI application. The caller opens and closes the database."""
    routes = [*ROUTES, *table.routes(config.inlets)]
    app = App(
        [*_options(routes), *routes],
        middleware=[own_pages_only],
        exception_handlers=EXCEPTION_HANDLERS,
        before_request=_without_query,
        openapi_config=None,  # docs.py writes the document: every status, each with its example
        logging_config=None,  # errors.py logs our errors
    )
    app.shared = shared_state(config, limits)
    return app


def shared_state(config: Config, limits: Limits | None = None) -> AppState:
    """What all handlers of an application share."""
    return AppState(
        config=config,
        limits=limits or Limits(limit_send=config.limit_send),
        signer=Signer(config.jwt_secret),
    )


def _is_hot(scope: Any) -> bool:
    """A POST /api/send_message with a Host that the router would accept."""
    return (
        scope["type"] == "http"
        and scope["path"] == sending.SEND_MESSAGE
        and scope["method"] == "POST"
        and not scope.get("root_path")
        and PLAIN_HOST.fullmatch(headers_of(scope).get(b"host", b"")) is not None
    )


async def _without_query(request: Call) -> None:
    """Refuses query parameters, unless the handler's options name a query. Such a handler reads it itself."""
    if not request.scope["route_handler"].opt.get("query"):
        refuse_query(request.scope)


def _options(routes: Sequence[BaseRouteHandler]) -> Iterator[HTTPRouteHandler]:
    """OPTIONS for every path. They come before the path's routes: Litestar's own name only the methods of the
    first route."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        if isinstance(route, HTTPRouteHandler) and not route.opt.get("own_options"):
            for path in route.paths:
                methods.setdefault(path, {"OPTIONS"}).update(route.http_methods)
    for path, allowed in methods.items():
        yield _option(path, ", ".join(sorted(allowed)))


def _option(path: str, allow: str) -> HTTPRouteHandler:
    @HTTPRouteHandler(path, http_method="OPTIONS", status_code=204)
    async def options() -> Response[None]:
        return Response(None, headers={"allow": allow})

    return options

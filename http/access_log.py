"""The access log: one event for each request that the application has answered. It never holds a secret. A
path is written as in the table of calls, because tokens stand in paths and in queries."""

import time
from typing import Any, Literal

import structlog

from djangobot.db.credentials import looks_like_token
from djangobot.db.programs.tokens import PREFIX
from djangobot.http.server.server import Application

log = structlog.get_logger(__name__)

AccessLog = Literal["off", "on", "slow"]

SLOW = 1000.0
"""Milliseconds from which an answer is slow."""
CALLER = "djangobot.caller"
"""The key in the ASGI scope under which a call notes who asks: an account's id, or a bot token."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN = "?"
"""Stands for a method or a path that is none of ours. Either may hold anything."""


def note_caller(scope: Any, caller: int | str) -> None:
    """Notes who asks: the id of an account, or a bot token, of which the log shows the first characters."""
    scope[CALLER] = caller


def with_access_log(application: Application, mode: AccessLog) -> Application:
    """The same application, and its requests in the log. Off, it is the application itself."""
    if mode == "off":
        return application

    async def logged(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await application(scope, receive, send)
        status = 500
        began = time.perf_counter()

        async def noted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await application(scope, receive, noted)
        finally:
            took = (time.perf_counter() - began) * 1000
            if mode == "on" or took >= SLOW or status >= 500:
                log.info("request", **_fields(scope, status, took))

    return logged


def _fields(scope: Any, status: int, took: float) -> dict[str, Any]:
    method = scope["method"]
    fields = {
        "method": method if method in METHODS else UNKNOWN,
        "path": scope.get("path_template") or UNKNOWN,
        "status": status,
        "ms": round(took, 1),
    }
    caller = scope.get(CALLER)
    if isinstance(caller, int):
        fields["account"] = caller
    elif caller and status != 401 and looks_like_token(caller):  # what is none may be another secret
        fields["token"] = caller[:PREFIX]
    return fields

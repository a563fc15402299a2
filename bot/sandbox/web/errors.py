"""Refusals of the JSON API, and the responses that errors become."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

log = logging.getLogger(__name__)


class Problem(Exception):
    """A refusal with its status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def refusal(status: int, text: str) -> Response[dict[str, str]]:
    """The response for a refusal."""
    return Response({"error": text}, status_code=status)


def on_problem(request: Request[Any, Any, Any], exc: Problem) -> Response[dict[str, str]]:
    """Our own refusals."""
    return refusal(exc.status, str(exc))


def on_http_error(request: Request[Any, Any, Any], exc: HTTPException) -> Response[dict[str, str]]:
    """What the framework refuses."""
    if exc.status_code == 405:
        return refusal(405, f"{request.method} is not for {request.url.path}")
    if exc.status_code == 404:
        return refusal(404, f"there is nothing at {request.url.path}")
    extra = f": {exc.extra}" if exc.extra else ""
    return refusal(exc.status_code, f"{exc.detail}{extra}")


def on_error(request: Request[Any, Any, Any], exc: Exception) -> Response[dict[str, str]]:
    """A bug of the sandbox."""
    log.exception("a request failed", exc_info=exc)
    return refusal(500, "the sandbox itself failed; its log says how")

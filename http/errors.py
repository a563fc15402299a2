"""Errors as HTTP answers: a table from error classes to statuses, and the answers."""

import math
import traceback
from collections.abc import Mapping

import structlog
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap, Receive, Scope, Send

from djangobot.db import errors as family
from djangobot.http.responses import Answer, Call, Refusal, answer

log = structlog.get_logger(__name__)

STATUS: Mapping[type[family.DjangoBotError], int] = {
    family.FieldsInvalid: 400,
    family.WrongCredentials: 401,
    family.AccessDenied: 401,
    family.TokenInvalid: 401,
    family.SignatureWrong: 401,
    family.AccountBanned: 403,
    family.NotYours: 403,
    family.CodeInvalid: 403,
    family.RegistrationClosed: 403,
    family.InviteMissing: 403,
    family.InviteInvalid: 403,
    family.TokenPaused: 403,
    family.ChatBlocked: 403,
    family.ChatBanned: 403,
    family.MessageNotFound: 404,
    family.TokenNotFound: 404,
    family.LoginTaken: 409,
    family.UserIsAdmin: 409,
    family.KeyReused: 409,
    family.MessageNotInChat: 409,
    family.DeletionRefused: 409,
    family.FileGone: 404,
    family.TextTooLong: 413,
    family.FilesTooLarge: 413,
    family.TooManyRequests: 429,
    family.TokenLimited: 429,
    family.TooMuchWaiting: 429,
    family.TooManyWrongCodes: 429,
    family.TokensTooMany: 429,
    family.DatabaseUnavailable: 503,
    family.DiskFull: 503,
    family.DiskNearlyFull: 503,
    family.FilesUnavailable: 503,
    family.FileDiskFull: 503,
}

REALM = 'Bearer realm="djangobot"'

BUSY_RETRY = 2
"""Seconds until a retry makes sense after the database was busy or unavailable."""

FULL_RETRY = 60
"""Seconds until a retry makes sense after the disk was full: somebody must free space."""

BUG = "Something went wrong here; it has been noted. Please try again later."

SENTENCES = {
    404: "There is nothing at this address; the calls are listed at /api/.",
    405: "This address does not take this method.",
}


class Refused(Exception):
    """A refusal that only HTTP knows. It is about the form of the request, not about its content."""

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        details: dict[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.details = details or {}
        self.headers = headers


def fields_refused(details: dict[str, str]) -> Refused:
    return Refused(400, str(family.FieldsInvalid({})), details=details)


def unauthorized(sentence: str) -> Refused:
    """For a call without any token. The challenge then names no error (RFC 6750, 3.1)."""
    return Refused(401, sentence, headers={"www-authenticate": REALM})


def status_of(error: type[family.DjangoBotError]) -> int:
    """An error's status, or the status of its nearest base class in the table."""
    return next((STATUS[kin] for kin in error.__mro__ if kin in STATUS), 500)


def _of_the_family(_: Call, exc: family.DjangoBotError) -> Answer:
    status = status_of(type(exc))
    details: dict[str, str] = {}
    headers: dict[str, str] = {}
    match exc:
        case family.FieldsInvalid():
            details = exc.details
        case family.WrongCredentials() | family.SignatureWrong():
            headers["www-authenticate"] = REALM
        case family.AccessDenied() | family.TokenInvalid():
            headers["www-authenticate"] = f'{REALM}, error="invalid_token", error_description="{exc}"'
        case family.TooManyRequests():
            headers["retry-after"] = str(whole_seconds(exc.retry_after))
        case family.DatabaseUnavailable():
            full = isinstance(exc, family.DiskFull)
            headers["retry-after"] = str(FULL_RETRY if full else BUSY_RETRY)
            log.warning("database unavailable", cause=type(exc.__cause__).__name__)
    return answer(Refusal(str(exc), details), status, headers)


def _refused(_: Call, exc: Refused) -> Answer:
    return answer(Refusal(str(exc), exc.details), exc.status, exc.headers)


def _of_litestar(request: Call, exc: HTTPException) -> Answer:
    """Litestar's own refusals: an unknown path, a wrong method, an invalid Host header."""
    if exc.status_code >= 500:
        return _bug(request, exc)
    headers = {}
    if exc.status_code == 405:
        allowed = (exc.headers or {}).get("allow", "")
        headers["allow"] = ", ".join(sorted(allowed.split(", ")))
    sentence = SENTENCES.get(exc.status_code, "This is not a request the server understands.")
    return answer(Refusal(sentence), exc.status_code, headers)


def _bug(request: Call, exc: Exception) -> Answer:
    """A bug of ours. The log gets the place, but neither the message nor the values: those may hold
    private data."""
    frames = traceback.extract_tb(exc.__traceback__)[-8:]
    log.error(
        "request failed",
        method=request.method,
        path=request.scope.get("path_template", ""),
        error=type(exc).__name__,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
    return answer(Refusal(BUG), 500)


def whole_seconds(seconds: float) -> int:
    """For Retry-After: at least 1, and never too early."""
    return max(1, math.ceil(seconds))


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    family.DjangoBotError: _of_the_family,
    Refused: _refused,
    HTTPException: _of_litestar,
    Exception: _bug,
}


async def refuse(exc: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what went wrong as Litestar would, by the same table."""
    request: Call = Request(scope, receive, send)
    kin = next(kin for kin in type(exc).__mro__ if kin in EXCEPTION_HANDLERS)
    response = EXCEPTION_HANDLERS[kin](request, exc)
    await response.to_asgi_response(app=None, request=request)(scope, receive, send)

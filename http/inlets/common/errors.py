"""Errors in the shape that the clients of a format read."""

from collections.abc import Callable
from functools import partial

import msgspec
from litestar.types import ExceptionHandlersMap

from djangobot.http.errors import EXCEPTION_HANDLERS
from djangobot.http.responses import JSON, Answer, Call, Refusal

Shape = Callable[[int, str, Exception], msgspec.Struct | None]
"""Makes an answer of a status, a sentence and the error. None leaves the answer as our API gives it."""
Handler = Callable[[Call, Exception], Answer]


def in_shape(shape: Shape) -> ExceptionHandlersMap:
    """The handlers of all errors. Statuses, sentences and headers are those of our API."""
    return {kin: partial(_shaped, shape, handler) for kin, handler in EXCEPTION_HANDLERS.items()}


def _shaped(shape: Shape, handler: Handler, request: Call, exc: Exception) -> Answer:
    plain = handler(request, exc)
    refusal = msgspec.json.decode(plain.content, type=Refusal)
    wrong = "; ".join(f"{field} {why}" for field, why in refusal.details.items())
    status = plain.status_code or 500
    shaped = shape(status, f"{refusal.answer} {wrong}".strip(), exc)
    if shaped is None:
        return plain
    return Answer(msgspec.json.encode(shaped), status_code=status, media_type=JSON, headers=plain.headers)

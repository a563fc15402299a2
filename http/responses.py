"""The parts of every answer."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response

Call = Request[Any, Any, Any]
Answer = Response[bytes]

JSON = "application/json"

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Tokens and histories must not be cached, and JSON must not be read as a page."""


class Answered(msgspec.Struct):
    """The plain success."""

    answer: str


class Refusal(msgspec.Struct, omit_defaults=True):
    """Every refusal: a sentence, and for fields at fault what is wrong with each."""

    answer: str
    details: dict[str, str] = {}


def answer(payload: msgspec.Struct, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Response(
        msgspec.json.encode(payload),
        status_code=status,
        media_type=JSON,
        headers=HEADERS if headers is None else {**HEADERS, **headers},
    )

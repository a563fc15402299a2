"""The headers and the body of a request, as bytes: whole up to a limit, or in pieces."""

from collections.abc import AsyncIterator
from typing import cast

from litestar.types import Receive, Scope

from djangobot.http.errors import Refused
from djangobot.http.server.bounds import KEPT

LARGEST_BODY = 64 * 1024
"""Bytes, for all calls but those that send a message."""

HEADERS = "headers"
"""The key in the state of a request."""

TOO_LARGE = "The request is larger than {} bytes."
MULTIPART = "Send the body as JSON; multipart is not understood here."
ENCODED = "Send the body as it is: no Content-Encoding but identity is understood here."
BROKEN_OFF = "The connection was closed before the whole request had come."


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers by their names, in lower case; of several with one name, the first."""
    state = scope["state"] if "state" in scope else scope.setdefault("state", {})
    if HEADERS not in state:
        state[HEADERS] = dict(reversed(list(scope["headers"])))
    found: dict[bytes, bytes] = state[HEADERS]
    return found


def header_of(scope: Scope, name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    value = headers_of(scope).get(name)
    return None if value is None else value.decode("latin-1")


async def body_of(
    scope: Scope, receive: Receive, limit: int = LARGEST_BODY, too_large: str = TOO_LARGE
) -> bytes:
    """The request's body. It is refused as soon as it is known to be too large, with this sentence; no more
    than the limit is kept."""
    headers = headers_of(scope)
    length = headers.get(b"content-length", b"0")
    if len(length) > 9 or int(length) > limit:
        raise Refused(413, too_large.format(limit))
    if headers.get(b"content-type", b"")[:10].lower() == b"multipart/":
        raise Refused(415, MULTIPART)
    if b"content-encoding" in headers:
        _refuse_encoding(headers[b"content-encoding"])
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        within_limit(message["body"], limit, too_large)
        return message["body"]
    body = bytearray()
    told: dict[str, object] = cast("dict[str, object]", scope)
    told[KEPT] = True
    while message["type"] == "http.request":
        body += message["body"]
        within_limit(body, limit, too_large)
        if not message.get("more_body", False):
            return bytes(body)
        message = await receive()
    raise Refused(400, BROKEN_OFF)


async def stream_of(scope: Scope, receive: Receive) -> AsyncIterator[bytes]:
    """The request's body, in pieces as they come. The client has to wait while nobody asks for the next one.
    Whoever reads it counts the bytes."""
    _refuse_encoding((header_of(scope, b"content-encoding") or "").encode("latin-1"))
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, BROKEN_OFF)
        more = message.get("more_body", False)
        if message["body"]:
            yield message["body"]


def content_type(scope: Scope) -> tuple[str, str]:
    """The declared type of the body, without parameters, and its declared charset."""
    kind, *parameters = (header_of(scope, b"content-type") or "").lower().split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return kind.strip(), value.strip(" \t\"'")
    return kind.strip(), ""


def within_limit(body: bytes | bytearray, limit: int, too_large: str = TOO_LARGE) -> None:
    """Refuses a body that is larger than this."""
    if len(body) > limit:
        raise Refused(413, too_large.format(limit))


def _refuse_encoding(coding: bytes) -> None:
    if coding.strip().lower() not in (b"identity", b""):
        raise Refused(415, ENCODED)

"""Requests in: bytes to msgspec structs, and a sentence for every field that is wrong."""

import types
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from litestar.types import Receive, Scope
from msgspec import UNSET, Meta, UnsetType

from djangobot.http.answers import Call
from djangobot.http.errors import Refused, fields_refused

Shape = TypeVar("Shape", bound=msgspec.Struct)

LARGEST_BODY = 64 * 1024
"""Bytes: the longest text, 4096 characters, takes 48 KiB when each is written as two \\uXXXX escapes."""

TOO_LARGE = f"The request is larger than {LARGEST_BODY} bytes."
MULTIPART = "Send the body as JSON; multipart is not understood here."

NAMED = 20
"""Unknown fields named in one answer, each with at most 64 characters: what came is not sent back whole."""


def header_of(scope: Scope, name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


async def body_of(scope: Scope, receive: Receive) -> bytes:
    """The request's body, refused as soon as it is known to be too large: no more than that is kept."""
    for key, value in scope["headers"]:
        if key == b"content-length" and (len(value) > 9 or int(value) > LARGEST_BODY):
            raise Refused(413, TOO_LARGE)
        if key == b"content-type" and value[:10].lower() == b"multipart/":
            raise Refused(415, MULTIPART)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        _within_limit(message["body"])
        return message["body"]
    body = bytearray()
    while message["type"] == "http.request":
        body += message["body"]
        _within_limit(body)
        if not message.get("more_body", False):
            return bytes(body)
        message = await receive()
    raise Refused(400, "The connection was closed before the whole request had come.")


def _within_limit(body: bytes | bytearray) -> None:
    if len(body) > LARGEST_BODY:
        raise Refused(413, TOO_LARGE)


class Reader(Generic[Shape]):
    """Reads one shape of body, or says of every field what is wrong with it."""

    def __init__(self, shape: type[Shape], *, may_be_empty: bool = False) -> None:
        self.shape = shape
        self._decode = msgspec.json.Decoder(shape).decode
        self._may_be_empty = may_be_empty

    def read(self, body: bytes) -> Shape:
        if not body and self._may_be_empty:
            return self.shape()
        try:
            return self._decode(body)
        except msgspec.ValidationError:
            raise _wrong_fields(self.shape, _json(body), strict=True) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise _malformed(body, exc) from None

    async def of(self, request: Call) -> Shape:
        return self.read(await body_of(request.scope, request.receive))


def read_query(shape: type[Shape], scope: Scope) -> Shape:
    """The query's parameters, by the same rules as a body's fields."""
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("latin-1"),
            keep_blank_values=True,
            max_num_fields=100,
            errors="strict",
        )
    except ValueError:
        raise Refused(400, "The query can't be read.") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        names = [name for name, _ in pairs]
        raise fields_refused({_short(n): "is given more than once" for n in names if names.count(n) > 1})
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError:
        raise _wrong_fields(shape, given, strict=False) from None


def _json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise _malformed(body, exc) from None


def _malformed(body: bytes, exc: Exception) -> Refused:
    if not body.strip():
        return Refused(400, "The body is empty; send a JSON object.")
    if isinstance(exc, UnicodeDecodeError):
        return Refused(400, "The body is not text in UTF-8.")
    if isinstance(exc, RecursionError):
        return Refused(400, "The body is nested too deeply.")
    if isinstance(exc, msgspec.ValidationError):  # of a number no field could hold
        return Refused(400, "The body holds a number that is out of range.")
    if b"\\ud" in body.lower():
        return Refused(400, "The body is not valid JSON, or has one half of a surrogate pair.")
    return Refused(400, f"The body is not valid JSON ({str(exc).removeprefix('JSON is malformed: ')}).")


def _wrong_fields(shape: type[msgspec.Struct], given: object, *, strict: bool) -> Refused:
    """One sentence for each field at fault; called only when there is one."""
    if not isinstance(given, dict):
        return Refused(400, "The body must be a JSON object.")
    known = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    wrong: dict[str, str] = {}
    for name in list(given.keys() - known.keys())[:NAMED]:
        wrong[_short(name)] = f"is not known here; known are: {', '.join(known)}"
    for name, field in known.items():
        if name not in given:
            if field.required:
                wrong[name] = "is missing"
            continue
        try:
            msgspec.convert(given[name], field.type, strict=strict)
        except msgspec.ValidationError:
            wrong[name] = expected(field.type)
    return fields_refused(wrong)


def expected(kind: Any) -> str:
    """What a field of this type must be."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(one for one in get_args(kind) if one is not UnsetType)
    meta, kind = (kind.__metadata__[0], kind.__origin__) if get_origin(kind) is Annotated else (Meta(), kind)
    if get_origin(kind) is Literal:
        return f"must be one of: {', '.join(get_args(kind))}"
    if kind is int:
        return f"must be a whole number from {meta.ge} to {meta.le}"
    if kind is bool:
        return "must be true or false"
    return "must be text"


def given(value: str | UnsetType) -> str | None:
    """A field that may be left out, as the verbs want it."""
    return None if value is UNSET else value


def _short(name: object) -> str:
    return str(name)[:64]

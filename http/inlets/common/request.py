"""A request of a foreign program: its headers, its query and its body, read without refusing anything."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar.types import Receive, Scope

from djangobot.http.body.bodies import body_of
from djangobot.http.body.multipart import Form, Upload, is_multipart
from djangobot.http.body.requests import BOM, CHARSETS, FORM, decoded
from djangobot.http.inlets.common.message import InletFile

LARGEST = 5 * 1024 * 1024
"""Bytes of a body, or of the files of a form."""
TOO_LARGE = "The request is larger than {} bytes, the most of a webhook."
FIELDS_MOST = 1000
"""Fields of a form or a query that are read."""


_FORM = re.compile(rb"[\w.*%+\[\]-]+=[!-~]*")
"""A form. What `curl -d` sends is only called one: a text has spaces, letters beyond ASCII, no `=`, or, as an
address has, other signs before it."""


class InletRequest:
    """Headers by their lower-case names, the query, and the body. Of several equal names the last counts."""

    def __init__(
        self,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        body: bytes = b"",
        fields: Mapping[str, str] | None = None,
        files: tuple[InletFile, ...] = (),
    ) -> None:
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.query = query
        self.body = body
        self.files = files
        """The files of multipart/form-data."""
        self._fields = fields

    @cached_property
    def kind(self) -> str:
        """The declared type of the body, in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def encoding(self) -> str:
        """Python's name of the body's encoding: by its byte order mark, or as it is declared."""
        if self.body.startswith(BOM):
            return "utf-8"
        if self.body[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        charset = self.headers.get("content-type", "").lower().partition("charset=")[2]
        return CHARSETS.get(charset.partition(";")[0].strip(" \t\"'"), "utf-8")

    @cached_property
    def text(self) -> str:
        """The body as a text. Bytes that are none become U+FFFD."""
        return decoded(self.body, self.encoding, "replace")

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The fields of a form of either kind. Empty when the body is none."""
        if self._fields is not None:
            return self._fields
        found = pairs(self.text, self.encoding) if self.kind == FORM and _FORM.fullmatch(self.body) else {}
        return found if any(found.values()) else {}  # base64 may end with `=`

    @cached_property
    def json(self) -> Any:
        """The body as JSON, whatever type and charset it declares. None when it is not JSON."""
        found = parsed(self.body)
        if found is None and "charset=" in self.headers.get("content-type", "").lower():
            found = parsed(self.text.encode("utf-8", "replace"))
        return found

    @cached_property
    def object(self) -> dict[str, Any]:
        """The JSON object of the body, or of a form's field `payload`. Empty when there is none."""
        found = self.json
        if found is None and "payload" in self.fields:
            found = parsed(self.fields["payload"].encode("utf-8", "replace"))
        return found if isinstance(found, dict) else {}


def parsed(body: bytes) -> Any:
    """The value of this JSON. None when it is not JSON, or nested too deeply."""
    try:
        return msgspec.json.decode(body.removeprefix(BOM))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:  # it takes numbers of any size, and halves of surrogate pairs
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def pairs(text: str, encoding: str = "utf-8") -> dict[str, str]:
    """The fields of a query, or of a form that looks like one, percent-encoded in this encoding."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MOST, encoding=encoding))
    except ValueError:
        return {}


def query_of(scope: Scope) -> dict[str, str]:
    """The parameters of the query."""
    return pairs(scope["query_string"].decode("latin-1"))


async def read_request(scope: Scope, receive: Receive) -> InletRequest:
    """Reads the request. Raises Refused for a body that is too large."""
    headers = {name.decode("latin-1"): _text(value) for name, value in list(scope["headers"])[::-1]}
    query = query_of(scope)
    if not is_multipart(scope):
        return InletRequest(headers, query, await body_of(scope, receive, LARGEST, TOO_LARGE))
    fields: dict[str, str] = {}
    files: list[InletFile] = []
    async for part in Form(scope, receive, LARGEST):
        if isinstance(part, Upload):
            content = await _whole(aiter(part))
            files.append(InletFile(part.filename or part.name, content, part.mime))
        else:
            fields[part.name] = part.value
    return InletRequest(headers, query, b"", fields, tuple(files))


def _text(header: bytes) -> str:
    """A header's value: in UTF-8, as many clients send it, or in Latin-1."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


async def _whole(pieces: AsyncIterator[bytes]) -> bytes:
    whole = bytearray()
    async for piece in pieces:
        whole += piece
    return bytes(whole)

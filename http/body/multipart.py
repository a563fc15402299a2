"""Reads multipart/form-data (RFC 7578) as it comes: fields and files, each within its bounds.

Nothing is kept but the field that is being read. The bytes of a file are given on in pieces. While nobody
takes them, the client has to wait.
"""

import re
from collections.abc import AsyncIterator
from urllib.parse import unquote_to_bytes

import msgspec
from litestar.types import Receive, Scope
from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from djangobot.db.errors import FilesTooLarge
from djangobot.http.body.bodies import header_of, stream_of
from djangobot.http.body.requests import CHARSETS, decoded
from djangobot.http.errors import Refused, fields_refused

FORM_DATA = "multipart/form-data"
PARTS_MOST = 64
"""Ten files, and the fields of a message."""
HEADERS_MOST = 8
"""Headers of a part. RFC 7578 knows three."""
HEADER_LARGEST = 4 * 1024
"""Bytes of one header of a part."""
NAME_LONGEST = 64
"""Characters of a field's name."""
FIELD_LARGEST = 256 * 1024
"""Bytes of one field: a text of 65 536 characters, four bytes each."""
FIELDS_LARGEST = 512 * 1024
"""Bytes of all fields together."""
OVERHEAD = FIELDS_LARGEST + (PARTS_MOST + 1) * (HEADERS_MOST * HEADER_LARGEST + 128)
"""The most bytes of a body that belong to no file."""

UNREADABLE = "The multipart body can't be read"
OTHER_MULTIPART = f"Of multipart bodies only {FORM_DATA} is understood here."
NO_BOUNDARY = f"{UNREADABLE}: its Content-Type names no valid boundary."
TOO_MANY = (
    f"The multipart body has too much: at most {PARTS_MOST} parts, each with at most {HEADERS_MOST} headers "
    f"of {HEADER_LARGEST} bytes."
)
FIELDS_TOO_LARGE = (
    f"The fields of the multipart body are too large: at most {FIELD_LARGEST >> 10} KiB for one and "
    f"{FIELDS_LARGEST >> 10} KiB together."
)

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
"""RFC 2046, 5.1.1."""
_EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*\"?(utf-8|iso-8859-1)'[\w-]*'([^;\"]*)", re.IGNORECASE)
"""`filename*=UTF-8''%d0%b0.txt` (RFC 8187). RFC 7578 forbids it, and some clients send it."""


class Field(msgspec.Struct, frozen=True):
    """A field of the form, whole."""

    name: str
    value: str


class Upload:
    """A file of the form: `async for piece in upload`, before the next part is asked for. Bytes that nobody
    reads are skipped."""

    def __init__(self, name: str, filename: str, mime: str, pieces: AsyncIterator[bytes]) -> None:
        self.name = name
        """The name of the form's field."""
        self.filename = filename
        """As it was given. It may be empty, and it may be no safe name."""
        self.mime = mime
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces


class Form:
    """The parts of one request, in their order: `async for part in Form(scope, receive, most)`.

    `most` is the most bytes of all files together. Raises FilesTooLarge for more than that, and Refused for
    whatever else is wrong.
    """

    def __init__(self, scope: Scope, receive: Receive, most: int) -> None:
        self._most = most
        self._received = self._in_files = self._in_fields = 0
        self._names: set[str] = set()
        length = header_of(scope, b"content-length")
        if length is not None and int(length) > most + OVERHEAD:
            raise FilesTooLarge(most)
        self._parser = PushMultipartParser(
            boundary_of(scope),
            max_header_size=HEADER_LARGEST,
            max_header_count=HEADERS_MOST,
            max_segment_count=PARTS_MOST,
        )
        self._events = self._parsed(stream_of(scope, receive))

    async def __aiter__(self) -> AsyncIterator[Field | Upload]:
        async for segment in self._events:
            if not isinstance(segment, MultipartSegment):
                continue
            name, filename = _name_of(segment), _filename_of(segment)
            if filename is None and name != "file":
                yield await self._field(name, segment.charset or "")
                continue
            pieces = self._pieces()
            yield Upload(name, filename or "", segment.content_type or "", pieces)
            async for _ in pieces:
                pass

    async def _parsed(self, body: AsyncIterator[bytes]) -> AsyncIterator[MultipartSegment | bytes | None]:
        """For each part its head, its bytes in pieces, and None."""
        try:
            async for chunk in body:
                self._received += len(chunk)
                if self._received > self._most + OVERHEAD:
                    raise FilesTooLarge(self._most)
                for event in self._parser.parse(chunk):
                    yield event
            self._parser.close()
        except ParserLimitReached:
            raise Refused(413, TOO_MANY) from None
        except MultipartError as exc:
            raise Refused(400, f"{UNREADABLE}: {str(exc)[:1].lower()}{str(exc)[1:100]}.") from None

    async def _pieces(self) -> AsyncIterator[bytes]:
        async for event in self._events:
            if not isinstance(event, bytes):
                return
            self._in_files += len(event)
            if self._in_files > self._most:
                raise FilesTooLarge(self._most)
            yield event

    async def _field(self, name: str, charset: str) -> Field:
        if name in self._names:
            raise fields_refused({name: "is given more than once"})
        self._names.add(name)
        value = bytearray()
        async for event in self._events:
            if not isinstance(event, bytes):
                break
            value += event
            self._in_fields += len(event)
            if len(value) > FIELD_LARGEST or self._in_fields > FIELDS_LARGEST:
                raise Refused(413, FIELDS_TOO_LARGE)
        try:
            return Field(name, decoded(bytes(value), CHARSETS[charset.lower()]))
        except (UnicodeDecodeError, KeyError):
            raise fields_refused({name: "must be text in UTF-8"}) from None


def is_multipart(scope: Scope) -> bool:
    """Whether the body is declared to be multipart of any kind."""
    return (header_of(scope, b"content-type") or "")[:10].lower() == "multipart/"


def boundary_of(scope: Scope) -> str:
    """The boundary that the request's Content-Type names."""
    kind, options = parse_options_header(header_of(scope, b"content-type") or "")
    boundary: str = options.get("boundary", "")
    if kind != FORM_DATA:
        raise Refused(415, OTHER_MULTIPART)
    if _BOUNDARY.fullmatch(boundary) is None:
        raise Refused(400, NO_BOUNDARY)
    return boundary


def _name_of(segment: MultipartSegment) -> str:
    name: str = segment.name or ""
    if not name:
        raise Refused(400, f"{UNREADABLE}: a part has no name.")
    if len(name) > NAME_LONGEST:
        raise Refused(400, f"{UNREADABLE}: a part's name is longer than {NAME_LONGEST} characters.")
    return name


def _filename_of(segment: MultipartSegment) -> str | None:
    """The name of the file; None when the part is a field."""
    extended = _EXTENDED_NAME.search(segment.header("Content-Disposition", "") or "")
    if extended is not None:
        try:
            return unquote_to_bytes(extended[2]).decode(extended[1])
        except UnicodeDecodeError:
            raise Refused(400, f"{UNREADABLE}: the name of a file is malformed.") from None
    filename: str | None = segment.filename
    return filename

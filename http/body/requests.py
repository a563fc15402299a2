"""Requests: turns bytes into msgspec structs, with a sentence for every wrong field."""

import re
import types
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from litestar.types import Scope
from msgspec import Meta, UnsetType

from djangobot.http.body.bodies import body_of
from djangobot.http.errors import Refused, fields_refused
from djangobot.http.responses import Call

Shape = TypeVar("Shape", bound=msgspec.Struct)

EMPTY = "The body is empty; send a JSON object."
NOT_UTF_8 = "The body is not text in UTF-8."

BOM = b"\xef\xbb\xbf"
"""RFC 8259, 8.1: a parser may ignore it."""
FORM = "application/x-www-form-urlencoded"
PLAIN = "text/plain"
FORM_FIELDS = 100
SWITCHES = {"on": "true", "yes": "true", "off": "false", "no": "false"}
"""How forms write true and false, besides `true`, `false`, `1` and `0`."""
CHARSETS = {
    "": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "iso-8859-1",
    "iso-8859-2": "iso-8859-2",
    "iso-8859-15": "iso-8859-15",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
"""The encodings of a plain text, with Python's name for each."""
OTHER_CHARSET = f"Send the text in UTF-8; other charsets read here: {', '.join(list(CHARSETS)[5:])}."
TEXT_AS_IT_IS = (
    "To send a text as it is, send a form (curl --data-urlencode 'text=…') or plain text "
    "(Content-Type: text/plain, with the token as Authorization: Bearer)."
)
STRING = re.compile(rb'[^"]*"(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*')
"""Up to the end of a JSON string, or to a character that a string can't contain."""
WRITTEN = {0x0A: ("A line break", r"\n"), 0x0D: ("A line break", r"\n"), 0x09: ("A tab", r"\t")}
NAMED = 20
"""Unknown fields named in one answer, each with at most 64 characters. So the input is not sent back
whole."""


_IN_CP1252 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}
"""What programs on Windows mean that call their encoding ISO-8859-1, which has no characters there."""


def looks_like_json(body: bytes) -> bool:
    """Whether the body begins like JSON. No form begins so: forms percent-encode these characters."""
    return body.removeprefix(BOM).lstrip()[:1] in (b"{", b"[", b'"')


def decoded(body: bytes, encoding: str, errors: str = "strict") -> str:
    """The body as a text in this encoding. Raises UnicodeDecodeError."""
    text = body.decode(encoding, errors).removeprefix("\ufeff")
    return text.translate(_IN_CP1252) if encoding == "iso-8859-1" else text


def plain_text(body: bytes, charset: str) -> str:
    """The whole body as a text."""
    encoding = CHARSETS.get(charset)
    if encoding is None:
        raise Refused(415, OTHER_CHARSET)
    if encoding == "utf-8":
        return _utf8(body)
    try:
        return decoded(body, encoding)
    except UnicodeDecodeError:
        raise Refused(400, f"The body is not text in {charset}.") from None


class Reader(Generic[Shape]):
    """Reads one shape of body, or says what is wrong with each field."""

    def __init__(
        self,
        shape: type[Shape],
        *,
        may_be_empty: bool = False,
        otherwise: str = "",
        instead: Mapping[str, str] | None = None,
    ) -> None:
        self.shape = shape
        self._instead = instead or {}
        """Fields that may be left out when another one is there: a text, when there are files."""
        self._decode = msgspec.json.Decoder(shape).decode
        self._may_be_empty = may_be_empty
        self._otherwise = otherwise
        """How else the same may be sent. It is told to callers whose JSON is not valid."""

    def read(self, body: bytes) -> Shape:
        body = body.removeprefix(BOM)
        if self._may_be_empty and not body.strip():
            return self.shape()
        try:
            return self._decode(body)
        except msgspec.ValidationError:
            return self._read_whole_numbers(_json(body, self._otherwise))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise _malformed(body, exc, self._otherwise) from None

    def _read_whole_numbers(self, given: object) -> Shape:
        """JSON knows no difference between 60 and 60.0 (RFC 8259, 6): some languages write the latter."""
        if isinstance(given, dict):
            whole: dict[str, object] = {
                name: int(value) if isinstance(value, float) and value.is_integer() else value
                for name, value in given.items()
            }
            self._fill_in(whole)
            given = whole
        try:
            return msgspec.convert(given, self.shape)
        except msgspec.ValidationError:
            raise _wrong_fields(self.shape, given, strict=True) from None

    def read_form(self, body: bytes) -> Shape:
        """Reads the same fields from application/x-www-form-urlencoded."""
        text = _utf8(body)
        if not text.strip():
            raise Refused(400, EMPTY)
        if "=" not in text:
            raise Refused(400, f"The body is neither JSON nor a form. {self._otherwise}".strip())
        return self.read_fields(
            _pairs(text, "The form can't be read: it is not in UTF-8, or has more than 100 fields.")
        )

    def read_fields(self, given: Mapping[str, str]) -> Shape:
        """Reads the same fields from a form of any kind, where every value is text."""
        kinds = {field.encode_name: field.type for field in msgspec.structs.fields(self.shape)}
        values = {name: _of_form(value, kinds.get(name)) for name, value in given.items()}
        self._fill_in(values)
        return _converted(values, self.shape)

    def _fill_in(self, given: dict[str, object]) -> None:
        for name, other in self._instead.items():
            if given.get(other) and name not in given:
                given[name] = ""

    async def of(self, request: Call) -> Shape:
        return self.read(await body_of(request.scope, request.receive))


def read_query(shape: type[Shape], scope: Scope) -> Shape:
    """Reads the query's parameters, by the same rules as a body's fields."""
    return _converted(_pairs(scope["query_string"].decode("latin-1"), "The query can't be read."), shape)


class NoParameters(msgspec.Struct, forbid_unknown_fields=True):
    """The query of a call that takes none."""


def refuse_query(scope: Scope) -> None:
    """Refuses a query and names each of its parameters. A caller would think that an ignored parameter
    works."""
    if scope["query_string"]:
        read_query(NoParameters, scope)


def _pairs(text: str, sentence: str) -> dict[str, str]:
    """The fields of a form or a query. Refuses invalid input with this sentence."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict")
    except ValueError:
        raise Refused(400, sentence) from None
    given = dict(pairs)
    if len(given) < len(pairs):
        names = [name for name, _ in pairs]
        raise fields_refused({_short(n): "is given more than once" for n in names if names.count(n) > 1})
    return given


def _of_form(value: str, kind: Any) -> object:
    """A form's text as the field of this type has it. Lists are written as JSON."""
    bare = _bare(kind)
    if bare is bool:
        return SWITCHES.get(value.lower(), value)
    if get_origin(bare) is tuple:
        with suppress(msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return msgspec.json.decode(value)
    return value


def _converted(given: Mapping[str, object], shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError:
        raise _wrong_fields(shape, given, strict=False) from None


def _utf8(body: bytes) -> str:
    """A body's text, without the byte order mark at its beginning."""
    if wide := _wide(body):
        raise Refused(400, f"{NOT_UTF_8} It looks like {wide}.")
    try:
        return body.removeprefix(BOM).decode()
    except UnicodeDecodeError:
        raise Refused(400, NOT_UTF_8) from None


def _wide(body: bytes) -> str | None:
    """The encoding of 16 or 32 bits of this body, found by its byte order mark or by the zeros of its first
    character (RFC 4627, 3)."""
    if body[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") or body[:3] == b"\0\0\0" or body[1:4] == b"\0\0\0":
        return "UTF-32"
    return "UTF-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in body[:2] else None


def _json(body: bytes, otherwise: str) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise _malformed(body, exc, otherwise) from None


def _malformed(body: bytes, exc: Exception, otherwise: str) -> Refused:
    if not body.strip():
        return Refused(400, EMPTY)
    _utf8(body)
    if isinstance(exc, RecursionError):
        return Refused(400, "The body is nested too deeply.")
    if isinstance(exc, msgspec.ValidationError):  # for a number that no field could hold
        return Refused(400, "The body holds a number that is out of range.")
    if b"\\ud" in body.lower():
        return Refused(400, "The body is not valid JSON, or has one half of a surrogate pair.")
    wrong = str(exc).removeprefix("JSON is malformed: ")
    sentence = _unescaped(body, wrong) or f"The body is not valid JSON ({wrong})."
    return Refused(400, f"{sentence} {otherwise}".strip())


def _unescaped(body: bytes, wrong: str) -> str | None:
    """The escape for a control character inside a string, when reading ended at one."""
    place = re.search(r"byte (\d+)", wrong)
    end = 0
    while found := STRING.match(body, end):
        end = found.end()
        if body[end : end + 1] == b'"':
            end += 1
            continue
        end += body[end : end + 1] == b"\\"
        if end >= len(body) or body[end] >= 0x20 or place is None or abs(int(place[1]) - end) > 1:
            return None
        what, written = WRITTEN.get(body[end], ("A control character", f"\\u{body[end]:04x}"))
        return f"{what} inside a JSON string is written {written}."
    return None


def _wrong_fields(shape: type[msgspec.Struct], given: object, *, strict: bool) -> Refused:
    """One sentence for each wrong field. Called only when there is one."""
    if not isinstance(given, dict):
        return Refused(400, "The body must be a JSON object.")
    known = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    wrong: dict[str, str] = {}
    for name in list(given.keys() - known.keys())[:NAMED]:
        wrong[_short(name)] = "is not known here; " + (
            f"known are: {', '.join(known)}" if known else "this call takes no query parameters"
        )
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


def _bare(kind: Any) -> Any:
    """A field's type without its metadata, whether or not the field may be left out."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(one for one in get_args(kind) if one is not UnsetType)
    return kind.__origin__ if get_origin(kind) is Annotated else kind


def expected(kind: Any) -> str:
    """What a field of this type must be."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(one for one in get_args(kind) if one is not UnsetType)
    meta = kind.__metadata__[0] if get_origin(kind) is Annotated else Meta()
    kind = _bare(kind)
    if get_origin(kind) is Literal:
        return f"must be one of: {', '.join(get_args(kind))}"
    if kind is int:
        return f"must be a whole number from {meta.ge} to {meta.le}"
    if kind is bool:
        return "must be true or false"
    if kind is float:
        return f"must be a number from {meta.ge} to {meta.le}"
    if get_origin(kind) is tuple:
        return f"must be {meta.title}"
    return "must be text"


def _short(name: object) -> str:
    return str(name)[:64]

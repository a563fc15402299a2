"""Reads HTTP/1.1 requests (RFC 9112) strictly: input that two servers could read in two ways is refused.

docs/http.md gives the reason for every bound here.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

LARGEST_HEAD = 64 * 1024
"""Bytes of the request line and all headers."""
LONGEST_LINE = 8 * 1024
"""Bytes of a request line. RFC 9112, 3 asks for at least 8000."""
MOST_HEADERS = 100
LARGEST_TRAILERS = 8 * 1024
"""Bytes of a chunked body that are not its content: extensions and trailers together."""
LONGEST_CHUNK_LINE = 1024

UNREADABLE = "This is not a request the server understands"

_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([!-~]+) HTTP/(\d)\.(\d)")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_ALIEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ABSOLUTE = re.compile(rb"https?://([^/?#@]+)", re.IGNORECASE)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")

_SPECIAL = frozenset(
    {b"content-length", b"transfer-encoding", b"connection", b"expect", b"host", b"x-forwarded-for"}
)
_known_names: dict[bytes, bytes] = {}
"""Header names as they were written → in lower case. Most requests have the same ones."""


class Malformed(Exception):
    """A request that the server answers itself. Then it closes the connection."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Head(NamedTuple):
    """The part before the body. `length` is the body's length, None when it comes in chunks."""

    method: str
    raw_path: bytes
    path: str
    query: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    length: int | None
    keep_alive: bool
    expects_continue: bool
    forwarded: list[bytes]


def check_unfinished(data: bytes) -> None:
    """Raises Malformed when these bytes can't be the beginning of a request, whatever follows them."""
    if data and not data[:1].isalpha():  # TLS, most likely
        raise Malformed(400, f"{UNREADABLE}: it is not HTTP.")
    if len(data) > LONGEST_LINE and data.find(b"\r\n", 0, LONGEST_LINE + 2) < 0:
        raise Malformed(414, f"The address is longer than {LONGEST_LINE} bytes.")
    if len(data) > LARGEST_HEAD:
        raise Malformed(431, f"The headers are larger than {LARGEST_HEAD} bytes.")


def read_head(head: bytes) -> Head:
    """Reads everything up to the empty line. `Upgrade` is ignored, which is allowed (RFC 9110, 7.8). The body
    after it belongs to the request."""
    line, *lines = head.split(b"\r\n")
    method, target, old = _request_line(line)
    if len(lines) > MOST_HEADERS:
        raise Malformed(431, f"The request has more than {MOST_HEADERS} headers.")
    if _ALIEN.search(head.replace(b"\r\n", b"")):
        raise Malformed(400, f"{UNREADABLE}: it has a control character in a header.")
    headers, special = _headers(lines)
    _check_hosts(special.get(b"host", ()), old=old)
    tokens = _tokens(special[b"connection"]) if b"connection" in special else ()
    raw_path, _, query = _origin_form(target, headers).partition(b"?")
    path = raw_path.decode("ascii")
    return Head(
        method.decode("ascii"),
        raw_path,
        unquote(path) if "%" in path else path,
        query,
        "1.0" if old else "1.1",
        headers,
        _length(special, old=old),
        b"keep-alive" in tokens if old else b"close" not in tokens,
        not old and b"expect" in special and special[b"expect"][0].lower() == b"100-continue",
        special.get(b"x-forwarded-for", []),
    )


def _request_line(line: bytes) -> tuple[bytes, bytes, bool]:
    """Returns (method, target, whether it is HTTP/1.0)."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed(400, f"{UNREADABLE}: its first line is malformed.")
    method, target, major, minor = found.groups()
    if major != b"1" or minor not in b"01":
        raise Malformed(505, "This server speaks HTTP/1.1 and HTTP/1.0.")
    if method == b"CONNECT":
        raise Malformed(405, "This server is no proxy.")
    if len(line) > LONGEST_LINE:
        raise Malformed(414, f"The address is longer than {LONGEST_LINE} bytes.")
    return method, target, minor == b"0"


def _check_hosts(hosts: Sequence[bytes], *, old: bool) -> None:
    """HTTP/1.1 demands one Host, also beside a whole address in the request line (RFC 9112, 3.2)."""
    if len(hosts) > 1:
        raise Malformed(400, f"{UNREADABLE}: it has more than one Host.")
    if not hosts and not old:
        raise Malformed(400, f"{UNREADABLE}: it has no Host.")


def _headers(lines: list[bytes]) -> tuple[list[tuple[bytes, bytes]], dict[bytes, list[bytes]]]:
    """All headers, and by name those that the server itself uses."""
    headers: list[tuple[bytes, bytes]] = []
    special: dict[bytes, list[bytes]] = {}
    for line in lines:
        raw, colon, value = line.partition(b":")
        name = _known_names.get(raw) or _name(raw)
        if not colon:
            raise Malformed(400, f"{UNREADABLE}: a header has no colon.")
        value = value.strip(b" \t")
        headers.append((name, value))
        if name in _SPECIAL:
            special.setdefault(name, []).append(value)
    return headers, special


def _name(raw: bytes) -> bytes:
    if _NAME.fullmatch(raw) is None:  # a continued line begins with a space (RFC 9112, 5.2)
        raise Malformed(400, f"{UNREADABLE}: a header's name is malformed.")
    name = raw.lower()
    if len(_known_names) < 1000 and len(raw) < 64:
        _known_names[raw] = name
    return name


def _length(special: dict[bytes, list[bytes]], *, old: bool) -> int | None:
    """The body's length, None for chunks. Refuses two lengths, or a length and chunks: with these, a request
    can be smuggled past a proxy that reads the other one (RFC 9112, 6.3)."""
    lengths, codings = special.get(b"content-length", ()), special.get(b"transfer-encoding", ())
    if codings:
        if lengths or old or len(codings) > 1:
            raise Malformed(400, f"{UNREADABLE}: the length of its body is given in more than one way.")
        if codings[0].lower() != b"chunked":
            raise Malformed(400, "Of transfer encodings this server knows chunked alone.")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit():
        raise Malformed(400, f"{UNREADABLE}: its Content-Length is malformed.")
    if len(lengths[0]) > 18:
        raise Malformed(413, "The request is too large.")
    return int(lengths[0])


def _tokens(values: list[bytes]) -> tuple[bytes, ...]:
    return tuple(token.strip().lower() for value in values for token in value.split(b","))


def _origin_form(target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The target as /path?query. A whole address is accepted too; its host then replaces Host's (RFC 9112,
    3.2.2)."""
    if b"#" in target:
        raise Malformed(400, f"{UNREADABLE}: its address has a fragment.")
    if target.startswith(b"/") or target == b"*":
        return target
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        raise Malformed(400, f"{UNREADABLE}: its address is malformed.")
    headers[:] = [(name, value) for name, value in headers if name != b"host"]
    headers.append((b"host", absolute[1]))
    rest = target[absolute.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


class Chunks:
    """Decodes `Transfer-Encoding: chunked` (RFC 9112, 7.1). Ignores extensions and trailers, within
    bounds."""

    def __init__(self) -> None:
        self._kept = b""
        self._left = 0
        self._behind_content = False
        self._in_trailers = False
        self._overhead = 0
        self._trailers = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Returns (content, the bytes after the body; None while the body goes on)."""
        data = self._kept + data
        self._kept = b""
        content = []
        at = 0
        while True:
            if self._left:
                piece = data[at : at + self._left]
                content.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return b"".join(content), None
                self._behind_content = True
            end = data.find(b"\r\n", at)
            if end < 0 or end - at > LONGEST_CHUNK_LINE:
                self._keep(data[at:])
                return b"".join(content), None
            line, at = data[at:end], end + 2
            if self._behind_content:
                if line:
                    raise Malformed(400, f"{UNREADABLE}: a chunk is longer than it says.")
                self._behind_content = False
            elif self._in_trailers:
                if not line:
                    return b"".join(content), data[at:]
                self._trailer(line)
            else:
                self._size(line)

    def _keep(self, unfinished: bytes) -> None:
        if len(unfinished) > LONGEST_CHUNK_LINE or (self._behind_content and unfinished not in (b"", b"\r")):
            raise Malformed(400, f"{UNREADABLE}: a chunk of its body is malformed.")
        self._kept = unfinished

    def _size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None or _ALIEN.search(line):
            raise Malformed(400, f"{UNREADABLE}: a chunk's size is malformed.")
        self._count(len(line) - len(found[1]))
        self._left = int(found[1], 16)
        self._in_trailers = self._left == 0

    def _trailer(self, line: bytes) -> None:
        name, colon, _ = line.partition(b":")
        if not colon or _NAME.fullmatch(name) is None or _ALIEN.search(line):
            raise Malformed(400, f"{UNREADABLE}: a trailer is malformed.")
        self._trailers += 1
        self._count(len(line))

    def _count(self, overhead: int) -> None:
        self._overhead += overhead
        if self._overhead > LARGEST_TRAILERS or self._trailers > MOST_HEADERS:
            raise Malformed(431, f"Chunk extensions and trailers are larger than {LARGEST_TRAILERS} bytes.")

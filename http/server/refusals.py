"""The answers of the server itself, and the first line of every answer."""

from http import HTTPStatus

import msgspec

from djangobot.http.errors import BUSY_RETRY
from djangobot.http.responses import HEADERS, JSON, Refusal

FULL = "There are too many connections; please try again soon."
LATE = "The request did not come in time."

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_REFUSAL_HEADERS = b"".join(
    f"{name}: {value}\r\n".encode() for name, value in {"content-type": JSON, **HEADERS}.items()
)


def refusal(status: int, sentence: str, date: bytes) -> bytes:
    """A whole answer of the server's own, after which it closes the connection."""
    body = msgspec.json.encode(Refusal(sentence))
    retry = b"retry-after: %d\r\n" % BUSY_RETRY if status == 503 else b""
    length = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    return STATUS_LINES[status] + date + _REFUSAL_HEADERS + retry + length + body

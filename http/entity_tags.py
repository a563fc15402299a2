"""Entity tags: a client says what it has seen, and learns whether that is still so (RFC 9110, 13.1.2)."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

from litestar.types import Scope

from djangobot.http.errors import Refused

TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
"""The group is what is compared. The mark for weakness before it does not count for If-None-Match."""
INVALID = 'If-None-Match must be `*` or entity tags in quotes, as ETag gives them: W/"abc".'


def tag_of(content: bytes) -> str:
    """The weak tag of an answer that says this."""
    return f'W/"{urlsafe_b64encode(sha256(content).digest()[:15]).decode()}"'


class Known:
    """What a client has seen, by its If-None-Match. `given`: whether it says anything."""

    def __init__(self, scope: Scope) -> None:
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]
        written = ", ".join(lines).strip(" \t")
        self.given = bool(lines)
        self.any = written == "*"
        self._tags = set(TAG.findall(written))
        if self.given and not self.any and (not self._tags or TAG.sub("", written).strip(" \t,")):
            raise Refused(400, INVALID)

    def has(self, tag: str) -> bool:
        """Whether the client has seen this. `*` stands for whatever there is."""
        return self.any or tag.removeprefix("W/") in self._tags

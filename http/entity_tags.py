"""Entity tags: a client says what it has seen, and learns whether that is still so (RFC 9110, 13.1.2)."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

from litestar.types import Scope

TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
"""The group is what is compared. The mark for weakness before it does not count for If-None-Match."""


def tag_of(content: bytes) -> str:
    """The weak tag of an answer that says this."""
    return f'W/"{urlsafe_b64encode(sha256(content).digest()[:15]).decode()}"'


class Known:
    """What a client has seen, by its If-None-Match. `given`: whether it says anything. Anything
    that is not a tag is ignored."""

    def __init__(self, scope: Scope) -> None:
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]
        written = ", ".join(lines).strip(" \t")
        self.any = written == "*"
        self._tags = set(TAG.findall(written))
        self.given = self.any or bool(self._tags)

    def has(self, tag: str) -> bool:
        """Whether the client has seen this. `*` stands for whatever there is."""
        return self.any or tag.removeprefix("W/") in self._tags

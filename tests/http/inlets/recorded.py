"""Bodies as the programs document them, and how they are shown. With DJANGOBOT_RENDER=1 the test of the
renderings writes them anew, to be read before they are committed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from djangobot.db.messages.rich_text.formats import parse
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest
from djangobot.http.inlets.common.shorten import shortened
from djangobot.http.inlets.hook_formats import format_of

HERE = Path(__file__).parent
RENDERINGS = HERE / "renderings.txt"


class Recorded(msgspec.Struct, frozen=True):
    """One delivery of a program. `format` is the name of its file."""

    format: str
    name: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def content(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False).encode()

    def request(self) -> InletRequest:
        return InletRequest(self.headers, {}, self.content)

    def read(self) -> InletMessage:
        """The message as it is accepted."""
        request = self.request()
        return shortened(format_of(request).read(request))


def recorded() -> Iterator[Recorded]:
    """All of them."""
    for file in sorted((HERE / "bodies").glob("*.json")):
        for one in json.loads(file.read_text()):
            yield Recorded(file.stem, one["name"], one["headers"], one["body"])


def the(format_name: str, name: str) -> Recorded:
    """One of them."""
    return next(one for one in recorded() if (one.format, one.name) == (format_name, name))


def shown(message: InletMessage) -> str:
    """What a person sees."""
    lines = [message.title, parse(message.text, message.format).text]
    lines += [f"[{button.text}]({button.url})" for button in message.buttons]
    lines += [f"file {file.name}" for file in message.files]
    lines.append(" ".join(f"#{tag}" for tag in message.tags))
    return "\n".join(line for line in lines if line)

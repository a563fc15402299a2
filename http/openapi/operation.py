"""The description of one call: its bodies, its answers, and an example of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from djangobot.db.errors import (
    ChatBlocked,
    DatabaseUnavailable,
    DjangoBotError,
    FieldsInvalid,
    TokenInvalid,
    TokenPaused,
    TooManyRequests,
)
from djangobot.http.body.bodies import LARGEST_BODY, TOO_LARGE
from djangobot.http.inlets.common.errors import Shape
from djangobot.http.responses import Refusal

Json = dict[str, Any]

ID = "01902d5e-7c3b-7d7e-a1f4-3b9f1f6f2c11"
MOMENT = "2023-09-25T02:47:11.305832Z"
TEXT = "some and again text"
OF_SENDER: tuple[type[DjangoBotError], ...] = (
    TokenInvalid,
    TokenPaused,
    ChatBlocked,
    TooManyRequests,
    DatabaseUnavailable,
)
"""What may keep a foreign program's message from being accepted."""


def of_our_api(_status: int, sentence: str, _exc: Exception) -> Refusal:
    """A refusal as most calls word it."""
    return Refusal(sentence)


@dataclass(frozen=True)
class Success:
    shape: Any
    """A struct, or a union of two."""
    means: str
    example: Json
    other: Mapping[str, Json] = field(default_factory=dict)
    """Content types besides JSON, each with its schema and example."""


@dataclass(frozen=True)
class Operation:
    summary: str
    success: Mapping[int, Success]
    refusals: Sequence[type[DjangoBotError]] = ()
    description: str = ""
    body: type[msgspec.Struct] | None = None
    body_example: Json | None = None
    any_body: Json | None = None
    """An example of a body of any shape."""
    body_required: bool = True
    largest: int = LARGEST_BODY
    """Bytes of a body, at most."""
    too_large: str = TOO_LARGE
    """What a larger body is answered."""
    other_bodies: Mapping[str, Json] = field(default_factory=dict)
    """Content types besides JSON, each with its schema and example."""
    inlet: str = ""
    """The inlet that it belongs to. It is in the document when that one is open."""
    shape: Shape = of_our_api
    """The refusals of this call."""
    security: Sequence[str] = ()
    parameters: Sequence[Json] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    bodyless: Mapping[int, str] = field(default_factory=dict)
    """Answers without a body, and what they mean."""
    more: Mapping[int, Success] = field(default_factory=dict)
    """Answers that are no success, but have a shape of their own."""

    @property
    def takes_body(self) -> bool:
        """Whether it takes a body, of whatever kind."""
        return self.body is not None or self.any_body is not None or bool(self.other_bodies)

    def refusal(self, status: int, sentence: str) -> msgspec.Struct:
        """An example of a refusal."""
        if sentence == FieldsInvalid.sentence:
            return Refusal(sentence, {"name": "is missing"})
        return self.shape(status, sentence, Exception()) or Refusal(sentence)

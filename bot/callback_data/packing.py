"""Packing: typed values as short texts, such as `token_limit:12:60`.

A value is packed as its prefix and its fields, with colons between them. Fields at the end that have their
default are left out. Only the last field may hold a colon. Buttons, open questions and scheduled jobs
carry such values.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

MOST = 2**52
"""Ids of people have 52 bits at most (core.telegram.org/bots/api#user). Our own numbers stay far below."""
Number = Annotated[int, Meta(ge=0, le=MOST)]


class DataInvalid(Exception):
    """These data hold no value of this kind."""


class Packed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value that can be packed. The tag of its class is the prefix."""

    def pack(self) -> str:
        """The value as text."""
        defaults = self.__struct_defaults__
        required = len(self.__struct_fields__) - len(defaults)
        fields = [getattr(self, name) for name in self.__struct_fields__]
        while len(fields) > required and fields[-1] == defaults[len(fields) - 1 - required]:
            fields.pop()
        return ":".join([prefix_of(type(self)), *map(_written, fields)])

    @property
    def argument(self) -> str:
        """The packed value without its prefix."""
        return self.pack().partition(":")[2]


P = TypeVar("P", bound=Packed)


def prefix_of(kind: type[Packed]) -> str:
    """The prefix of the values of this kind."""
    return str(kind.__struct_config__.tag)


def parse(data: str, kind: type[P]) -> P:
    """The value of this kind that was packed. Raises DataInvalid."""
    try:
        return msgspec.convert(data.split(":", len(kind.__struct_fields__)), kind, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError) as exc:
        raise DataInvalid from exc


def _written(field: object) -> str:
    return str(int(field)) if isinstance(field, bool) else str(msgspec.to_builtins(field))

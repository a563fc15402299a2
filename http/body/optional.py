"""Fields that may be left out: UNSET in msgspec's structs, None everywhere else."""

from typing import TypeVar

from msgspec import UNSET, UnsetType

Value = TypeVar("Value")


def given(value: Value | UnsetType) -> Value | None:
    """The value of a field of a request; None when it is left out."""
    return None if value is UNSET else value


def or_unset(value: Value | None) -> Value | UnsetType:
    """The value of a field of an answer, which is left out for None."""
    return UNSET if value is None else value

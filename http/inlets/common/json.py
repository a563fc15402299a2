"""Finds values in foreign JSON, of which any part may be missing or of another type."""

import math
from collections.abc import Iterable
from typing import Any


def at(value: object, *path: str) -> Any:
    """The value at this path of names. None when there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: object, *path: str) -> str:
    """The text at this path. A number is written out; everything else is none."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        return ""
    try:
        return str(found).strip()
    except ValueError:  # an integer of thousands of digits
        return ""


def first(value: object, *paths: tuple[str, ...]) -> str:
    """The first of these texts that is not empty."""
    return next((found for path in paths if (found := text(value, *path))), "")


def objects(value: object, *path: str) -> list[dict[str, Any]]:
    """The objects in the list at this path."""
    found = at(value, *path)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def texts(value: object, *path: str) -> dict[str, str]:
    """The object at this path, with its texts and numbers alone."""
    found = at(value, *path)
    if not isinstance(found, dict):
        return {}
    return {str(name): written for name in found if (written := text(found, name))}


def number(value: object, *path: str) -> float | None:
    """The number at this path. None for everything else."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    try:
        value = float(found)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def count(value: object, *path: str) -> int:
    """How many things this number says there are: a whole number, bounded."""
    return round(min(max(number(value, *path) or 0, 0), 1e9))


def present(parts: Iterable[str], separator: str = " · ") -> str:
    """The parts that are not empty, on one line."""
    return separator.join(part for part in parts if part)

"""Values between Python and SQLite, for the types that our columns have. Without these, Python's sqlite3
looks for an adapter of each None and each truth value, and Piccolo reads each number as a decimal: that takes
longer than many a statement."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from types import NoneType
from typing import Any


def _stored_time(time: datetime) -> str:
    """A time as Piccolo stores it: in UTC."""
    return str(time if time.tzinfo is UTC or time.tzinfo is None else time.astimezone(UTC))


def _unchanged(value: Any) -> Any:
    return value


ADAPTERS: dict[type, Callable[[Any], Any]] = {NoneType: _unchanged, bool: int, datetime: _stored_time}
CONVERTERS: dict[str, Callable[[bytes], Any]] = {"INTEGER": int, "BOOLEAN": b"1".__eq__}


def register() -> None:
    """Makes them those of this process. Piccolo registers its own when it is imported: call this after it."""
    for kind, adapter in ADAPTERS.items():
        sqlite3.register_adapter(kind, adapter)
    for name, converter in CONVERTERS.items():
        sqlite3.register_converter(name, converter)

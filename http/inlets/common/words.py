"""How foreign programs call a text and a title."""

from collections.abc import Mapping, Sequence

TEXTS = ("text", "message", "body", "content", "msg", "description", "summary", "markdown", "html")
"""Names of fields that hold a text, the most usual first."""
TITLES = ("title", "subject", "heading", "name", "event")


def first_text(fields: Mapping[str, object], names: Sequence[str]) -> str:
    """The text in the first of these fields that has one. Empty when none has."""
    found = (fields.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value.strip()), "")

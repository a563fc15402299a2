"""Tables: rows of cells as lines of a monospaced text, with aligned columns."""

import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

from djangobot.db.messages.rich_text.characters import cluster_pattern

Alignment = str
"""`left`, `right` or `center`."""

COLUMN_LIMIT = 40
"""Columns are filled up to this width. A longer cell moves the rest of its row to the right."""
GROWTH_LIMIT = 4
"""A table that filling would make this many times longer is not filled."""

EMOJI_STYLE = "\ufe0f"


def table_text(rows: Sequence[Sequence[str]], alignments: Sequence[Alignment] = (), headers: int = 1) -> str:
    """The table as text; a line is drawn under the first `headers` rows."""
    rows = [_without_empty_end(row) for row in rows]
    if len(rows) <= headers:
        headers = 0
    widths = _widths(rows)
    cells = sum(len(cell) + 3 for row in rows for cell in row)
    if sum(min(len(row), len(widths)) * COLUMN_LIMIT for row in rows) > GROWTH_LIMIT * cells + 4096:
        widths = [0] * len(widths)
    lines = [_line(row, widths, alignments) for row in rows]
    if headers:
        lines.insert(headers, "─┼─".join("─" * max(width, 1) for width in widths))
    return "\n".join(lines)


def display_width(text: str) -> int:
    """How many columns of a monospaced font the text takes: Chinese, Japanese, Korean and emoji take two. Not
    counted beyond COLUMN_LIMIT."""
    if text.isascii():
        return len(text)
    width = 0
    for cluster in cluster_pattern().finditer(text):
        width += _cluster_width(cluster.group())
        if width >= COLUMN_LIMIT:
            break
    return width


def _cluster_width(cluster: str) -> int:
    if len(cluster) == 1 and cluster.isascii():
        return 1
    first = cluster[0]
    if EMOJI_STYLE in cluster or unicodedata.east_asian_width(first) in "WF":
        return 2
    if "\U0001f1e6" <= first <= "\U0001f1ff":
        return len(cluster)
    return 0 if unicodedata.category(first) in ("Mn", "Me", "Cf", "Cc") else 1


def _without_empty_end(row: Sequence[str]) -> Sequence[str]:
    """Rows that are shorter than the first were filled with empty cells; these cost nothing here."""
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    columns = max((len(row) for row in rows), default=0)
    widths = [0] * columns
    for row in rows:
        for column, cell in enumerate(row):
            widths[column] = max(widths[column], min(display_width(cell), COLUMN_LIMIT))
    return widths


def _line(row: Sequence[str], widths: Sequence[int], alignments: Sequence[Alignment]) -> str:
    cells = [
        _aligned(cell, width, alignment or "left")
        for cell, width, alignment in zip_longest(
            row, widths[: len(row)], alignments[: len(row)], fillvalue=""
        )
    ]
    return " │ ".join(cells).rstrip()


def _aligned(cell: str, width: int | str, alignment: Alignment) -> str:
    missing = max(0, int(width or 0) - display_width(cell))
    before = missing if alignment == "right" else missing // 2 if alignment == "center" else 0
    return " " * before + cell + " " * (missing - before)

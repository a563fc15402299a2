"""A list of HTML, while it is read."""

import re

from turbohtml import Token


class HtmlList:
    """A list that is open, and the number of its next item."""

    def __init__(self, token: Token) -> None:
        self._number = _number(token.attr("start"), 1) if token.tag == "ol" else None
        self.in_item = False

    def next_marker(self, item: Token) -> str:
        if self._number is None:
            return "• "
        number = _number(item.attr("value"), self._number)
        self._number = number + 1
        return f"{number}. "


def _number(written: str | None, default: int) -> int:
    """A number of a list's item; at most nine digits, as in CommonMark."""
    return int(written) if written and re.fullmatch("-?[0-9]{1,9}", written) else default

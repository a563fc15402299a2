"""A table of HTML, while it is read."""

from turbohtml import Token

from djangobot.db.messages.rich_text.html_tags import BLOCKS


class HtmlTable:
    """A table that is open, as rows of plain cells. A table within a cell belongs to the cell."""

    def __init__(self) -> None:
        self._rows: list[list[list[str]]] = []
        self._depth = 1
        self._in_cell = False
        self.headers = 0

    def write(self, text: str) -> None:
        if not self._in_cell:
            if not text.strip():
                return
            self._rows.append([[]])
            self._in_cell = True
        self._rows[-1][-1].append(text)

    def start(self, token: Token) -> None:
        tag = token.tag
        if tag == "table":
            self._depth += 1
        if self._depth > 1 or tag not in ("tr", "td", "th"):
            self._separate(tag)
        elif tag == "tr":
            self._rows.append([])
            self._in_cell = False
        else:
            if not self._rows:
                self._rows.append([])
            self._rows[-1].append([])
            self._in_cell = True
            if tag == "th" and len(self._rows) == 1:
                self.headers = 1

    def end(self, tag: str) -> bool:
        """True when the whole table ends."""
        self._separate(tag)
        if tag == "table":
            self._depth -= 1
            return self._depth == 0
        if self._depth == 1 and tag in ("td", "th", "tr", "caption"):
            self._in_cell = False
        return False

    def _separate(self, tag: str | None) -> None:
        """A block within a cell is apart from what stands before and after it."""
        if self._in_cell and tag in BLOCKS:
            self._rows[-1][-1].append(" ")

    def finish(self) -> list[list[str]]:
        rows = [[" ".join("".join(cell).split()) for cell in row] for row in self._rows]
        return [row for row in rows if any(row)]

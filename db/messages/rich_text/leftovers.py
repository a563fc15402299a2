"""What CommonMark would leave out of a text is kept: cells beyond a table's last column, and definitions of
links that no link uses. Programs write both without meaning them: `| ps | grep x |`, `[host1]: down`."""

from copy import copy

from markdown_it import MarkdownIt, rules_block
from markdown_it.common.utils import mdTrim
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit, getLine
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

Definition = dict[str, object]
NOWHERE = ("", "#")
"""Where definitions lead to that are written as comments."""


class NotedDefinitions(dict[str, Definition]):
    """The definitions of a text by their labels, and which of them links have asked for."""

    def __init__(self, found: dict[str, Definition]) -> None:
        super().__init__(found)
        self.used: set[str] = set()

    def get(self, label: str, default: Definition | None = None) -> Definition | None:  # type: ignore[override]
        if label in self:
            self.used.add(label)
        return super().get(label, default)


def keep_leftovers(parser: MarkdownIt) -> None:
    """Teaches a parser to make tokens of them: further cells, and `definition`."""
    parser.block.ruler.at("table", wide_table, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.at("reference", noted_reference)
    parser.core.ruler.before("inline", "note_definitions", _note)
    parser.core.ruler.after("inline", "drop_used_definitions", _drop_used)


def wide_table(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """A table, with the cells that its header has no column for."""
    begin = len(state.tokens)
    if not rules_block.table(state, startLine, endLine, silent):
        return False
    if not silent:
        columns = sum(token.type == "th_open" for token in state.tokens[begin:])
        state.tokens[begin:] = _widened(state, state.tokens[begin:], columns)
    return True


def _widened(state: StateBlock, tokens: list[Token], columns: int) -> list[Token]:
    found: list[Token] = []
    line = 0
    for token in tokens:
        if token.type == "tr_open" and token.map:
            line = token.map[0]
        elif token.type == "tr_close":
            for text in _cells(getLine(state, line))[columns:]:
                cell = [copy(one) for one in found[-3:]]
                cell[1].content, cell[1].children = text, []
                found += cell
        found.append(token)
    return found


def _cells(line: str) -> list[str]:
    """The cells of a row, as the library finds them, without empty ones at the end."""
    cells = escapedSplit(mdTrim(line))
    if cells[0] == "":
        cells.pop(0)
    while cells and not mdTrim(cells[-1]):
        cells.pop()
    return [mdTrim(cell) for cell in cells]


def noted_reference(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """The definition of a link, with a token that holds its lines as they are written. Where it leads to
    nothing, as in `[//]: # (…)`, it is a comment and has none."""
    known = len(state.env.get("references", ()))
    if not rules_block.reference(state, startLine, endLine, silent):
        return False
    label, made = next(reversed(state.env["references"].items()))
    if len(state.env["references"]) == known:  # of several with one label only the first can be used
        label, made = None, state.env["duplicate_refs"][-1]
    if made["href"] not in NOWHERE:
        token = state.push("definition", "", 0)
        token.content = state.getLines(startLine, state.line, state.blkIndent, False).strip()
        token.meta = {"label": label}
    return True


def _note(state: StateCore) -> None:
    if "references" in state.env:
        state.env["references"] = NotedDefinitions(state.env["references"])


def _drop_used(state: StateCore) -> None:
    noted = state.env.get("references")
    if isinstance(noted, NotedDefinitions):
        state.tokens = [
            token
            for token in state.tokens
            if token.type != "definition" or token.meta["label"] not in noted.used
        ]

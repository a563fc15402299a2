"""Rules of Markdown beyond CommonMark's.

Spoilers, `||hidden||`, are an extension that Telegram and Discord have in common. What CommonMark would leave
out of a text is kept: cells beyond a table's last column, and definitions of links that no link uses.
Programs write both without meaning them: `| ps | grep x |`, `[host1]: down`.
"""

from copy import copy

from markdown_it import MarkdownIt, rules_block
from markdown_it.common.utils import mdTrim
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit, getLine
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

_MARKER = "|"
_WIDTH = 2
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


def add_spoilers(parser: MarkdownIt) -> None:
    """Teaches a parser the tokens `spoiler_open` and `spoiler_close`."""
    parser.inline.add_terminator_char(_MARKER)
    parser.inline.ruler.before("emphasis", "spoiler", _find_marker)
    parser.inline.ruler2.before("emphasis", "spoiler", _pair_markers)


def _find_marker(state: StateInline, silent: bool) -> bool:
    if silent or state.src[state.pos] != _MARKER:
        return False
    scanned = state.scanDelims(state.pos, True)
    if scanned.length == _WIDTH:
        token = state.push("text", "", 0)
        token.content = _MARKER * _WIDTH
        state.delimiters.append(
            Delimiter(
                marker=ord(_MARKER),
                length=0,
                token=len(state.tokens) - 1,
                end=-1,
                open=scanned.can_open,
                close=scanned.can_close,
            )
        )
    else:
        state.append_pending(_MARKER * scanned.length)
    state.pos += scanned.length
    return True


def _pair_markers(state: StateInline) -> None:
    _pair(state, state.delimiters)
    for meta in state.tokens_meta:
        if meta and "delimiters" in meta:
            _pair(state, meta["delimiters"])


def _pair(state: StateInline, delimiters: list[Delimiter]) -> None:
    for opener in delimiters:
        if opener.marker != ord(_MARKER) or opener.end == -1:
            continue
        closer = delimiters[opener.end]
        for delimiter, kind in ((opener, "spoiler_open"), (closer, "spoiler_close")):
            token = state.tokens[delimiter.token]
            token.type = kind
            token.nesting = 1 if delimiter is opener else -1
            token.markup = _MARKER * _WIDTH
            token.content = ""

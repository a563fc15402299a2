"""Spoilers in Markdown: `||hidden||`, an extension that Telegram and Discord have in common."""

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

_MARKER = "|"
_WIDTH = 2


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

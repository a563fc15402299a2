"""The parser of Markdown: markdown-it-py, quicker and with bounds that lose no text."""

import re
from collections.abc import Callable
from functools import cache

from markdown_it import MarkdownIt, rules_block
from markdown_it.parser_block import ParserBlock
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from djangobot.db.messages.rich_text.spoilers import add_spoilers

NESTING_LIMIT = 20
"""Quotations and lists within each other; what lies deeper is shown as it was written. A list takes two
levels."""
BRACKETS_LIMIT = 6
"""Brackets within each other, of which the outermost may be a link. Each level costs the time of another look
at what lies within it."""
BlockRule = Callable[[StateBlock, int, int, bool], bool]
BLOCK_SIGNS: dict[str, tuple[BlockRule, str, tuple[str, ...]]] = {
    "fence": (rules_block.fence, "`~", ("paragraph", "reference", "blockquote", "list")),
    "blockquote": (rules_block.blockquote, ">", ("paragraph", "reference", "blockquote", "list")),
    "hr": (rules_block.hr, "*-_", ("paragraph", "reference", "blockquote", "list")),
    "list": (rules_block.list_block, "*+-0123456789", ("paragraph", "reference", "blockquote")),
    "reference": (rules_block.reference, "[", ()),
    "html_block": (rules_block.html_block, "<", ("paragraph", "reference", "blockquote")),
    "heading": (rules_block.heading, "#", ("paragraph", "reference", "blockquote")),
}
"""What a block may begin with, and what it interrupts: the same as in the library."""
SIGNS: dict[str, tuple[str, ...]] = {
    "\n": ("newline",),
    "\\": ("escape",),
    "`": ("backticks",),
    "~": ("strikethrough",),
    "|": ("spoiler",),
    "*": ("emphasis",),
    "_": ("emphasis",),
    "[": ("link",),
    "]": (),
    "!": ("image",),
    "<": ("autolink", "html_inline"),
    "&": ("entity",),
}
"""Which rules may apply at a sign. A bracket that closes is looked for by links."""


@cache
def parser() -> MarkdownIt:
    """The one parser; it keeps nothing of what it has read."""
    made = _Parser("commonmark", {"maxNesting": NESTING_LIMIT})
    blocks = _Blocks()
    blocks.choose_rules()
    blocks.ruler.enableOnly(made.block.ruler.get_active_rules())
    made.block = blocks
    inlines = _Inlines()
    inlines.ruler.enableOnly(made.inline.ruler.get_active_rules())
    inlines.ruler2.enableOnly(made.inline.ruler2.get_active_rules())
    made.inline = inlines
    made.enable(["strikethrough", "table"])
    add_spoilers(made)
    inlines.choose_rules()
    return made


class _Blocks(ParserBlock):
    """The library drops what is nested too deep. Here it stays, as text. The library also asks every rule at
    every line; here a rule is not asked where another sign stands than it can begin with."""

    def choose_rules(self) -> None:
        """To be called before any of the rules is used."""
        for name, (rule, signs, interrupted) in BLOCK_SIGNS.items():
            self.ruler.at(name, _beginning_with(signs, rule), {"alt": list(interrupted)})

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:
        if state.level < NESTING_LIMIT:
            super().tokenize(state, startLine, endLine)
            return
        token = state.push("too_deep", "", 0)
        token.content = state.getLines(startLine, endLine, state.blkIndent, False)
        state.line = endLine


def _beginning_with(signs: str, rule: BlockRule) -> BlockRule:
    def asked(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
        begin = state.bMarks[startLine] + state.tShift[startLine]
        return state.src[begin : begin + 1] in signs and rule(state, startLine, endLine, silent)

    return asked


class _Inlines(ParserInline):
    """The library asks every rule at every sign. Here those alone are asked that begin with this sign."""

    def choose_rules(self) -> None:
        """To be called when all rules are there."""
        rules = dict(zip(self.ruler.get_active_rules(), self.ruler.getRules(""), strict=True))
        self.terminator_re = re.compile(f"[{re.escape(''.join(SIGNS))}]")
        self._others = [rules["text"]]
        self._rules = {sign: [rules[name] for name in names] for sign, names in SIGNS.items()}

    def tokenize(self, state: StateInline) -> None:
        src, end = state.src, state.posMax
        while state.pos < end:
            if state.level < NESTING_LIMIT and self._match(state, silent=False):
                continue
            state.append_pending(src[state.pos])
            state.pos += 1
        if state.pending:
            state.pushPending()

    def skipToken(self, state: StateInline) -> None:
        pos = state.pos
        if (end := state.cache.get(pos)) is not None:
            state.pos = end
            return
        if state.level >= BRACKETS_LIMIT:
            state.pos = state.posMax + 1
        else:
            state.level += 1
            if not self._match(state, silent=True):
                state.pos = pos + 1
            state.level -= 1
        state.cache[pos] = state.pos

    def _match(self, state: StateInline, *, silent: bool) -> bool:
        for rule in self._rules.get(state.src[state.pos], self._others):  # noqa: SIM110 -- a third faster
            if rule(state, silent):
                return True
        return False


class _Parser(MarkdownIt):
    """Leaves addresses as they are written. links.py decides which may be opened."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link

"""The parser of Markdown: markdown-it-py, quicker and with bounds that lose no text."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from markdown_it import MarkdownIt, helpers, rules_block
from markdown_it.common.utils import unescapeAll
from markdown_it.parser_block import ParserBlock
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

from djangobot.db.messages.rich_text.markdown.markdown_rules import (
    add_spoilers,
    keep_leftovers,
    noted_reference,
)
from djangobot.db.messages.rich_text.markdown.markdown_tokens import BlockState, InlineState

NESTING_LIMIT = 20
"""Quotations and lists within each other; what lies deeper is shown as it was written. A list takes two
levels."""
BRACKETS_LIMIT = 6
"""Brackets within each other, of which the outermost may be a link. Each level costs the time of another look
at what lies within it."""
BlockRule = Callable[[StateBlock, int, int, bool], bool]
InlineRule = Callable[[StateInline, bool], bool]
BLOCK_SIGNS: dict[BlockRule, str] = {
    rules_block.fence: "`~",
    rules_block.blockquote: ">",
    rules_block.hr: "*-_",
    rules_block.list_block: "*+-0123456789",
    noted_reference: "[",
    rules_block.html_block: "<",
    rules_block.heading: "#",
}
"""What a block may begin with. All others may begin with anything."""
CHAINS = ("", "paragraph", "reference", "blockquote", "list")
"""The library's names for the rules that it asks: at the beginning of a block, and at each further line of
one."""
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

PLAIN_ADDRESS = re.compile(r"[^\x00-\x20\x7f\\()<][^\x00-\x20\x7f\\()]*")
"""An address, as far as no bracket and no escaped sign follows."""


@cache
def parser() -> MarkdownIt:
    """The one parser; it keeps nothing of what it has read."""
    made = AddressesAsWritten("commonmark", {"maxNesting": NESTING_LIMIT})
    blocks = _Blocks()
    blocks.ruler.enableOnly(made.block.ruler.get_active_rules())
    made.block = blocks
    inlines = _Inlines()
    inlines.ruler.enableOnly(made.inline.ruler.get_active_rules())
    inlines.ruler2.enableOnly(made.inline.ruler2.get_active_rules())
    made.inline = inlines
    made.enable(["strikethrough", "table"])
    made.core.ruler.at("normalize", _normalize)
    made.helpers = SimpleNamespace(**vars(helpers) | {"parseLinkDestination": _destination})  # type: ignore[assignment]
    add_spoilers(made)
    keep_leftovers(made)
    blocks.choose_rules()
    inlines.choose_rules()
    return made


def _normalize(state: StateCore) -> None:
    state.src = state.src.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


class _Destination(NamedTuple):
    """What the library's rules read of an address that was found."""

    ok: bool
    pos: int
    str: str


def _destination(string: str, pos: int, maximum: int) -> Any:
    """Where a link leads to. The library reads it sign by sign."""
    found = PLAIN_ADDRESS.match(string, pos, maximum)
    if found is None or string[found.end() : found.end() + 1] in ("\\", "("):
        return helpers.parseLinkDestination(string, pos, maximum)
    return _Destination(True, found.end(), unescapeAll(found.group()))


class _Blocks(ParserBlock):
    """The library drops what is nested too deep. Here it stays, as text. The library also asks every rule at
    every line; here those alone are asked that may begin with the line's first sign."""

    def choose_rules(self) -> None:
        """To be called when all rules are there."""
        self.ruler.__cache__ = {chain: [_any_of(self.ruler.getRules(chain))] for chain in CHAINS}

    def parse(self, src: str, md: MarkdownIt, env: EnvType, outTokens: list[Token]) -> list[Token]:
        state = BlockState(src, md, env, outTokens)
        self.tokenize(state, state.line, state.lineMax)
        return outTokens

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:
        if state.level < NESTING_LIMIT:
            super().tokenize(state, startLine, endLine)
            return
        token = state.push("too_deep", "", 0)
        token.content = state.getLines(startLine, endLine, state.blkIndent, False)
        state.line = endLine


def _any_of(rules: Sequence[BlockRule]) -> BlockRule:
    """One rule in the place of all these."""
    others = [rule for rule in rules if rule not in BLOCK_SIGNS]
    chosen = {
        sign: [rule for rule in rules if sign in BLOCK_SIGNS.get(rule, sign)]
        for sign in "".join(BLOCK_SIGNS.values())
    }

    def ask(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
        begin = state.bMarks[startLine] + state.tShift[startLine]
        for rule in chosen.get(state.src[begin : begin + 1], others):
            if rule(state, startLine, endLine, silent):
                return True
        return False

    return ask


class _Inlines(ParserInline):
    """The library asks every rule at every sign. Here those alone are asked that begin with this sign."""

    def choose_rules(self) -> None:
        """To be called when all rules are there."""
        rules = dict(zip(self.ruler.get_active_rules(), self.ruler.getRules(""), strict=True))
        self.terminator_re = re.compile(f"[{re.escape(''.join(SIGNS))}]")
        self._rules = {sign: [rules[name] for name in names] for sign, names in SIGNS.items()}

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = InlineState(src, md, env, tokens)
        if src and not self.terminator_re.search(src):
            state.append_pending(src)
            state.pushPending()
            return tokens
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return tokens

    def tokenize(self, state: StateInline) -> None:
        src, end = state.src, state.posMax
        while (pos := state.pos) < end:
            rules = self._rules.get(src[pos])
            if rules is None:
                state.pos = self._next_sign(state)
                state.append_pending(src[pos : state.pos])
            elif state.level >= NESTING_LIMIT or not _match(rules, state, silent=False):
                state.append_pending(src[pos])
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
        elif (rules := self._rules.get(state.src[pos])) is None:
            state.pos = self._next_sign(state)
        else:
            state.level += 1
            if not _match(rules, state, silent=True):
                state.pos = pos + 1
            state.level -= 1
        state.cache[pos] = state.pos

    def _next_sign(self, state: StateInline) -> int:
        found = self.terminator_re.search(state.src, state.pos, state.posMax)
        return found.start() if found else state.posMax


def _match(rules: Sequence[InlineRule], state: StateInline, *, silent: bool) -> bool:
    for rule in rules:  # noqa: SIM110 -- a third faster
        if rule(state, silent):
            return True
    return False


class AddressesAsWritten(MarkdownIt):
    """The library's parser, but addresses stay as they are written. links.py decides which may be opened."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link

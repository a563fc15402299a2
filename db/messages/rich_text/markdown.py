"""Markdown: CommonMark with strikethrough, spoilers, tables and task lists becomes text and spans."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import count

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from djangobot.db.messages.rich_text.builder import RULE, Builder, Frame, Link
from djangobot.db.messages.rich_text.html import HtmlReader
from djangobot.db.messages.rich_text.spans import Kind, RichText
from djangobot.db.messages.rich_text.spoilers import add_spoilers
from djangobot.db.messages.rich_text.tables import table_text

NESTING_LIMIT = 20
"""Quotations and lists within each other; what lies deeper is shown as it was written. A list takes two
levels."""
BRACKETS_LIMIT = 6
"""Brackets within each other, of which the outermost may be a link. Each level costs the time of another look
at what lies within it."""
LANGUAGE_LIMIT = 64
BOXES = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}
EMPHASIS: dict[str, Kind] = {
    "em": "italic",
    "strong": "bold",
    "s": "strikethrough",
    "spoiler": "spoiler",
}


def from_markdown(source: str) -> RichText:
    """The text and spans of Markdown. What is no markup is text. Never raises."""
    builder = Builder(source)
    writer = _Writer(builder)
    writer.write_blocks(_parser().parse(source))
    return builder.finish()


class _Blocks(ParserBlock):
    """The library drops what is nested too deep. Here it stays, as text."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:
        if state.level < NESTING_LIMIT:
            super().tokenize(state, startLine, endLine)
            return
        token = state.push("too_deep", "", 0)
        token.content = state.getLines(startLine, endLine, state.blkIndent, False)
        state.line = endLine


class _Inlines(ParserInline):
    def skipToken(self, state: StateInline) -> None:
        if state.level < BRACKETS_LIMIT:
            super().skipToken(state)
        else:
            state.pos = state.cache.setdefault(state.pos, state.posMax + 1)


class _Parser(MarkdownIt):
    """Leaves addresses as they are written. links.py decides which may be opened."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"maxNesting": NESTING_LIMIT})
    blocks = _Blocks()
    blocks.ruler.enableOnly(parser.block.ruler.get_active_rules())
    parser.block = blocks
    inlines = _Inlines()
    inlines.ruler.enableOnly(parser.inline.ruler.get_active_rules())
    inlines.ruler2.enableOnly(parser.inline.ruler2.get_active_rules())
    parser.inline = inlines
    parser.enable(["strikethrough", "table"])
    add_spoilers(parser)
    return parser


class _Writer:
    """Walks through the parser's tokens and writes them to a builder."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._html = HtmlReader(builder)
        self._open: list[Frame] = []
        self._links: list[Link] = []
        self._lists: list[tuple[str, count[int]] | None] = []
        self._last_marker = ""
        self._cells: list[list[str]] = []
        self._alignments: list[str] = []
        self._in_table = False
        self._blocks: dict[str, Callable[[Token], None]] = {
            "inline": self._inline,
            "too_deep": self._too_deep,
            "paragraph_open": self._paragraph,
            "paragraph_close": self._paragraph,
            "heading_open": self._start_heading,
            "heading_close": self._end_block,
            "blockquote_open": self._start_quote,
            "blockquote_close": self._end_block,
            "bullet_list_open": self._start_list,
            "ordered_list_open": self._start_list,
            "bullet_list_close": self._end_list,
            "ordered_list_close": self._end_list,
            "list_item_open": self._start_item,
            "list_item_close": self._end_item,
            "code_block": self._code_block,
            "fence": self._code_block,
            "hr": self._rule,
            "html_block": self._html_block,
            "table_open": self._start_table,
            "table_close": self._end_table,
            "tr_open": self._row,
            "th_open": self._header,
        }
        self._inlines: dict[str, Callable[[Token], None]] = {
            "text": self._text,
            "text_special": self._text,
            "softbreak": self._line_break,
            "hardbreak": self._line_break,
            "code_inline": self._code,
            "link_open": self._start_link,
            "link_close": self._end_link,
            "image": self._image,
            "html_inline": self._html_inline,
            **{f"{name}_open": self._start_emphasis for name in EMPHASIS},
            **{f"{name}_close": self._end_emphasis for name in EMPHASIS},
        }

    def write_blocks(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            if write := self._blocks.get(token.type):
                write(token)

    def _inline(self, token: Token) -> None:
        children = token.children or []
        if self._in_table:
            self._cells[-1].append(plain_text(children))
            return
        if self._lists and token.content[:4] in BOXES and children and children[0].type == "text":
            self._task(children[0])
        for child in children:
            self._inlines[child.type](child)
        self._html.close()

    def _task(self, first: Token) -> None:
        """An item of a task list: its box stands in the place of the bullet."""
        box = BOXES.get(first.content[:4])
        if box is not None and self._builder.change_marker(self._last_marker, box):
            first.content = first.content[4:].lstrip()

    def _text(self, token: Token) -> None:
        self._builder.write(token.content)

    def _line_break(self, token: Token) -> None:
        self._builder.break_lines(1)

    def _code(self, token: Token) -> None:
        frame = self._builder.open("code")
        self._builder.write(token.content)
        self._builder.close(frame)

    def _start_emphasis(self, token: Token) -> None:
        self._open.append(self._builder.open(EMPHASIS[token.type.removesuffix("_open")]))

    def _end_emphasis(self, token: Token) -> None:
        self._builder.close(self._open.pop())

    def _start_link(self, token: Token) -> None:
        self._links.append(self._builder.open_link(str(token.attrGet("href") or "")))

    def _end_link(self, token: Token) -> None:
        self._builder.close_link(self._links.pop())

    def _image(self, token: Token) -> None:
        alt = plain_text(token.children or [])
        if self._links or self._builder.in_link():
            self._builder.write(alt)
            return
        link = self._builder.open_link(str(token.attrGet("src") or ""))
        self._builder.write(alt)
        self._builder.close_link(link)

    def _html_inline(self, token: Token) -> None:
        self._html.feed(token.content)

    def _html_block(self, token: Token) -> None:
        self._paragraph(token)
        self._html.feed(token.content)
        self._html.close()
        self._paragraph(token)

    def _paragraph(self, token: Token) -> None:
        self._builder.break_lines(1 if token.hidden else 2)

    def _too_deep(self, token: Token) -> None:
        self._builder.break_lines(1)
        self._builder.write(token.content.strip())
        self._builder.break_lines(1)

    def _start_heading(self, token: Token) -> None:
        self._builder.break_lines(2)
        self._open.append(self._builder.open("bold"))

    def _start_quote(self, token: Token) -> None:
        self._builder.break_lines(2)
        self._open.append(self._builder.open("blockquote"))

    def _end_block(self, token: Token) -> None:
        self._builder.close(self._open.pop())
        self._builder.break_lines(2)

    def _start_list(self, token: Token) -> None:
        self._builder.break_lines(1 if self._lists else 2)
        ordered = token.type == "ordered_list_open"
        start = token.attrGet("start")
        self._lists.append((token.markup, count(1 if start is None else int(start))) if ordered else None)

    def _end_list(self, token: Token) -> None:
        self._lists.pop()
        self._builder.break_lines(1 if self._lists else 2)

    def _start_item(self, token: Token) -> None:
        numbered = self._lists[-1]
        self._last_marker = "• " if numbered is None else f"{next(numbered[1])}{numbered[0]} "
        self._builder.open_item(self._last_marker)

    def _end_item(self, token: Token) -> None:
        self._builder.close_item()

    def _code_block(self, token: Token) -> None:
        self._builder.break_lines(2)
        words = token.info.split()
        frame = self._builder.open("pre", words[0][:LANGUAGE_LIMIT] if words else None)
        self._builder.write_raw(token.content.removesuffix("\n"))
        self._builder.close(frame)
        self._builder.break_lines(2)

    def _rule(self, token: Token) -> None:
        self._builder.break_lines(2)
        self._builder.write(RULE)
        self._builder.break_lines(2)

    def _start_table(self, token: Token) -> None:
        self._in_table = True
        self._cells = []
        self._alignments = []

    def _row(self, token: Token) -> None:
        self._cells.append([])

    def _header(self, token: Token) -> None:
        style = str(token.attrGet("style") or "")
        self._alignments.append(style.removeprefix("text-align:") or "left")

    def _end_table(self, token: Token) -> None:
        self._in_table = False
        self._builder.break_lines(2)
        frame = self._builder.open("pre")
        self._builder.write_raw(table_text(self._cells, self._alignments))
        self._builder.close(frame)
        self._builder.break_lines(2)


def plain_text(tokens: Sequence[Token]) -> str:
    """The text of inline tokens without formatting, on one line."""
    texts: list[str] = []
    waiting = list(reversed(tokens))
    while waiting:
        token = waiting.pop()
        if token.type == "image":
            waiting += reversed(token.children or [])
        elif token.type in ("softbreak", "hardbreak"):
            texts.append(" ")
        elif token.type == "html_inline":
            texts.append(" " if token.content.lower().startswith("<br") else "")
        else:
            texts.append(token.content)
    return "".join(texts)

"""Markdown: CommonMark with strikethrough, spoilers, tables and task lists becomes text and spans."""

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import ClassVar

from markdown_it.token import Token

from djangobot.db.messages.rich_text.builder import RULE, Builder, Frame, Link
from djangobot.db.messages.rich_text.html import HtmlReader
from djangobot.db.messages.rich_text.html_tags import text_of_tag
from djangobot.db.messages.rich_text.markdown.markdown_parser import parser
from djangobot.db.messages.rich_text.spans import Kind, RichText
from djangobot.db.messages.rich_text.tables import table_text

LANGUAGE_LIMIT = 64
LANGUAGE = re.compile(r"\w[\w.+#,=:/-]*(?<!:)")
"""A language with more behind it: `python`, `c++`, `rust,ignore`. `ERROR:` is none."""
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
    writer.write_blocks(parser().parse(source))
    return builder.finish()


class _Writer:
    """Walks through the parser's tokens and writes them to a builder."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._html = HtmlReader(builder)
        self._html_in_line = HtmlReader(builder, in_line=True)
        self._open: list[Frame] = []
        self._links: list[Link] = []
        self._lists: list[tuple[str, count[int]] | None] = []
        self._last_marker = ""
        self._cells: list[list[str]] = []
        self._alignments: list[str] = []
        self._in_table = False

    def write_blocks(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            if write := self._blocks.get(token.type):
                write(self, token)

    def _inline(self, token: Token) -> None:
        children = token.children or []
        if self._in_table:
            self._cells[-1].append(plain_text(children))
            return
        if self._lists and token.content[:4] in BOXES and children and children[0].type == "text":
            self._task(children[0])
        for child in children:
            self._inlines[child.type](self, child)
        self._html_in_line.close()

    def _task(self, first: Token) -> None:
        """An item of a task list: its box stands in the place of the bullet."""
        box = BOXES.get(first.content[:4])
        if box is not None and self._builder.change_marker(self._last_marker, box):
            first.content = first.content[4:].lstrip()

    def _text(self, token: Token) -> None:
        self._html_in_line.write_text(token.content)

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
        self._html_in_line.feed(token.content)

    def _html_block(self, token: Token) -> None:
        self._paragraph(token)
        self._html.feed(token.content)
        self._html.close()
        self._paragraph(token)

    def _paragraph(self, token: Token) -> None:
        self._builder.break_lines(1 if token.hidden else 2)

    def _as_written(self, token: Token) -> None:
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
        code = token.content.removesuffix("\n")
        language, words = _language(token.info.strip()) if code else (None, "")
        self._builder.write(words)
        self._builder.break_lines(1)
        frame = self._builder.open("pre", language)
        # Words after a fence with nothing below it were meant to be read.
        self._builder.write_raw(code or token.info.strip())
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

    _blocks: ClassVar[dict[str, Callable[["_Writer", Token], None]]] = {
        "inline": _inline,
        "too_deep": _as_written,
        "definition": _as_written,
        "paragraph_open": _paragraph,
        "paragraph_close": _paragraph,
        "heading_open": _start_heading,
        "heading_close": _end_block,
        "blockquote_open": _start_quote,
        "blockquote_close": _end_block,
        "bullet_list_open": _start_list,
        "ordered_list_open": _start_list,
        "bullet_list_close": _end_list,
        "ordered_list_close": _end_list,
        "list_item_open": _start_item,
        "list_item_close": _end_item,
        "code_block": _code_block,
        "fence": _code_block,
        "hr": _rule,
        "html_block": _html_block,
        "table_open": _start_table,
        "table_close": _end_table,
        "tr_open": _row,
        "th_open": _header,
    }

    _inlines: ClassVar[dict[str, Callable[["_Writer", Token], None]]] = {
        "text": _text,
        "text_special": _text,
        "softbreak": _line_break,
        "hardbreak": _line_break,
        "code_inline": _code,
        "link_open": _start_link,
        "link_close": _end_link,
        "image": _image,
        "html_inline": _html_inline,
        **dict.fromkeys((f"{name}_open" for name in EMPHASIS), _start_emphasis),
        **dict.fromkeys((f"{name}_close" for name in EMPHASIS), _end_emphasis),
    }


def _language(info: str) -> tuple[str | None, str]:
    """The language of a code block, and what else was written behind the fence. Text that was meant to be
    the first line of the code begins with no language."""
    language, _, others = info.partition(" ")
    if len(language) > LANGUAGE_LIMIT or (others and not LANGUAGE.fullmatch(language)):
        return None, info
    return language or None, others.strip()


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
            texts.append(text_of_tag(token.content))
        else:
            texts.append(token.content)
    return "".join(texts)

"""HTML: Telegram's tags and the usual ones become spans and lines; of all others the text stays."""

import re
from collections.abc import Callable
from typing import ClassVar

from turbohtml import Token, TokenType, tokenize

from djangobot.db.messages.rich_text.builder import RULE, Builder, Frame, Link
from djangobot.db.messages.rich_text.html_list import HtmlList
from djangobot.db.messages.rich_text.html_table import HtmlTable
from djangobot.db.messages.rich_text.html_tags import (
    BLOCKS,
    DROPPED,
    HEADINGS,
    INLINE,
    LAYOUT,
    LINES,
    PARAGRAPHS,
    TAG_NAME,
    is_comment,
    is_tag,
)
from djangobot.db.messages.rich_text.spans import RichText
from djangobot.db.messages.rich_text.tables import table_text

LISTS_DEEP = 10
"""Lists within lists are indented up to this depth."""

LANGUAGE = re.compile(r"(?:^|\s)lang(?:uage)?-([\w+#.-]{1,64})")
_LINE_END = re.compile(r"\r\n?")
"""The tokenizer gives it as one letter; tokens are counted in letters of the source."""
_END_OF_NOTHING = "</>"
_AS_TEXT = "&lt;/>"


def from_html(source: str) -> RichText:
    """The text and spans of HTML. What is no markup is text. Never raises.

    A source with nothing but Telegram's tags is written as for Telegram: its line ends stay."""
    builder = Builder(source)
    reader = HtmlReader(builder, keeps_space=LAYOUT.search(source) is None)
    reader.feed(source)
    reader.close()
    return builder.finish()


class HtmlReader:
    """Reads HTML token by token and writes it to a builder. There is no tree: a tree's cost can grow with the
    square of the source's length, and spans need none."""

    def __init__(self, builder: Builder, *, keeps_space: bool = False, in_line: bool = False) -> None:
        self._builder = builder
        self._keeps_space = keeps_space
        self._in_line = in_line
        """The text between the tags is not read here: it comes to `write_text`, and tables are no tables."""
        self._open: dict[str, list[Frame]] = {}
        self._links: list[Link] = []
        self._lists: list[HtmlList] = []
        self._pre: Frame | None = None
        self._pre_end = ""
        """The last character of the pre; empty before the first."""
        self._dropped = ""
        self._table: HtmlTable | None = None

    def feed(self, source: str) -> None:
        """Reads a piece of HTML. What was opened stays open; an unfinished tag is text."""
        source = _LINE_END.sub("\n", source).replace("\0", "\ufffd").replace(_END_OF_NOTHING, _AS_TEXT)
        position = 0
        dropped_from = 0
        for token in tokenize(source, capture_source=True, resolve_references=False):
            literal = token.data if token.type == TokenType.TEXT else token.source
            if self._dropped:
                if token.type == TokenType.END_TAG and token.tag == self._dropped:
                    self._dropped = ""
            elif token.type == TokenType.START_TAG and token.tag in DROPPED:
                self._dropped = token.tag
                dropped_from = position
            else:
                self._read(token)
            position += len(literal or "")
        if self._dropped:
            self._dropped = ""
            position = dropped_from
        self._write_source(source[position:])

    def close(self) -> None:
        """Closes whatever is still open."""
        self._write_table()
        self._end_pre()
        while self._lists:
            self._end_list()
        while self._links:
            self._end_link()
        for frames in self._open.values():
            for frame in frames:
                self._builder.close(frame)
        self._open.clear()

    def _read(self, token: Token) -> None:
        kind = token.type
        if kind == TokenType.TEXT or kind == TokenType.CHARACTER_REFERENCE:
            self._write(token.data or "")
        elif kind == TokenType.START_TAG and is_tag(token):
            self._start(token)
        elif kind == TokenType.END_TAG and TAG_NAME.fullmatch(token.tag or ""):
            self._end(token.tag or "")
        elif not (kind == TokenType.DOCTYPE or is_comment(token)):
            self._write_source(token.source or "")

    def write_text(self, text: str) -> None:
        """Writes a text that stands between tags, with its white space."""
        if self._pre is not None:
            self._write_pre(text)
        else:
            self._builder.write(text)

    def _write_source(self, source: str) -> None:
        self._write(source.replace(_AS_TEXT, _END_OF_NOTHING))

    def _write(self, text: str) -> None:
        if self._table is not None:
            self._table.write(text)
        elif self._pre is not None:
            self._write_pre(text)
        elif self._keeps_space:
            self._builder.write_lines(text)
        else:
            self._builder.write_collapsed(text)

    def _start(self, token: Token) -> None:
        tag = token.tag or ""
        if self._table is not None:
            self._table.start(token)
            if tag == "img":
                self._write(token.attr("alt") or "")
            return
        if self._pre is not None:
            self._start_in_pre(token)
            return
        if tag in PARAGRAPHS:
            self._break_lines(2)
        elif tag in LINES:
            self._break_lines(1)
        elif tag in ("td", "th"):
            self._write(" ")
        elif tag in INLINE:
            self._push(tag, self._builder.open(INLINE[tag]))
        if start := self._starts.get(tag):
            start(self, token)

    def _end(self, tag: str) -> None:
        if self._table is not None and tag != "table":
            self._table.end(tag)
            return
        if self._pre is not None and tag != "pre":
            self._break_line_of_pre(tag)
            return
        if frames := self._open.get(tag):
            self._builder.close(frames.pop())
        if end := self._ends.get(tag):
            end(self)
        elif tag in ("td", "th"):
            self._write(" ")
        if tag in PARAGRAPHS:
            self._break_lines(2)
        elif tag in LINES:
            self._break_lines(1)

    def _push(self, tag: str, frame: Frame) -> None:
        self._open.setdefault(tag, []).append(frame)

    def _break_lines(self, count: int) -> None:
        self._builder.break_lines(1 if self._lists or self._keeps_space else count)

    def _start_heading(self, token: Token) -> None:
        self._push(token.tag or "", self._builder.open("bold"))

    def _start_span(self, token: Token) -> None:
        spoiler = "tg-spoiler" in (token.attr("class") or "").split()
        frame = self._builder.open("spoiler") if spoiler else Frame(None, None)
        self._push("span", frame)

    def _start_link(self, token: Token) -> None:
        self._end_link()
        address = token.attr("href")
        if address:
            self._links.append(self._builder.open_link(address))

    def _end_link(self) -> None:
        if self._links:
            self._builder.close_link(self._links.pop())

    def _start_quote(self, token: Token) -> None:
        expandable = token.attr("expandable") is not None
        self._break_lines(2)
        self._push("blockquote", self._builder.open("expandable_blockquote" if expandable else "blockquote"))

    def _end_quote(self) -> None:
        self._break_lines(2)

    def _start_pre(self, token: Token) -> None:
        self._break_lines(2)
        self._pre = self._builder.open("pre")
        self._pre_end = ""
        self._name_language(token)

    def _start_in_pre(self, token: Token) -> None:
        """A tag within a pre: only its lines and its texts count."""
        tag = token.tag or ""
        if tag == "code":
            self._name_language(token)
        elif tag == "br":
            self._pre_end = "\n"
            self._builder.write_raw("\n")
        elif tag == "img":
            self._write(token.attr("alt") or "")
        else:
            self._break_line_of_pre(tag)

    def _write_pre(self, text: str) -> None:
        if self._builder.at_line_start():
            text = text.removeprefix("\n")
        self._pre_end = text[-1:] or self._pre_end
        self._builder.write_raw(text)

    def _break_line_of_pre(self, tag: str) -> None:
        """A block within a pre has lines of its own."""
        if tag in BLOCKS and self._pre_end not in ("", "\n"):
            self._builder.break_lines(1)

    def _name_language(self, token: Token) -> None:
        found = LANGUAGE.search(token.attr("class") or "")
        if found and self._pre is not None and self._pre.start < 0:
            self._pre.value = found[1]

    def _end_pre(self) -> None:
        if self._pre is not None:
            self._builder.close(self._pre)
            self._pre = None
            self._break_lines(2)

    def _line_break(self, token: Token | None = None) -> None:
        self._builder.add_line_break()

    def _rule(self, token: Token) -> None:
        self._builder.break_lines(1)
        self._builder.write(RULE)
        self._builder.break_lines(1)

    def _image(self, token: Token) -> None:
        alt = " ".join((token.attr("alt") or "").split())
        if self._links or self._builder.in_link():
            self._builder.write_collapsed(alt)
        elif address := token.attr("src"):
            link = self._builder.open_link(address)
            self._builder.write_collapsed(alt)
            self._builder.close_link(link)
        else:
            self._builder.write_collapsed(alt)

    def _input(self, token: Token) -> None:
        if token.attr("type") == "checkbox":
            box = "☐ " if token.attr("checked") is None else "☑ "
            if not self._builder.change_marker("• ", box):
                self._builder.write(box.rstrip())
                self._builder.write_collapsed(" ")

    def _start_list(self, token: Token) -> None:
        self._break_lines(2)
        self._lists.append(HtmlList(token))

    def _end_list(self) -> None:
        self._end_item()
        if self._lists:
            self._lists.pop()
        self._break_lines(2)

    def _start_item(self, token: Token) -> None:
        self._end_item()
        if not self._lists:
            self._builder.break_lines(1)
            self._builder.write("• ")
            return
        if len(self._lists) <= LISTS_DEEP:
            self._builder.open_item(self._lists[-1].next_marker(token))
            self._lists[-1].in_item = True
        else:
            self._builder.break_lines(1)

    def _end_item(self) -> None:
        if self._lists and self._lists[-1].in_item:
            self._lists[-1].in_item = False
            self._builder.close_item()
        else:
            self._builder.break_lines(1)

    def _start_table(self, token: Token) -> None:
        self._table = None if self._in_line else HtmlTable()

    def _end_table(self) -> None:
        if self._table is not None and self._table.end("table"):
            self._write_table()

    def _write_table(self) -> None:
        table, self._table = self._table, None
        if table is not None and (rows := table.finish()):
            frame = self._builder.open("pre")
            self._builder.write_raw(table_text(rows, headers=table.headers))
            self._builder.close(frame)
            self._break_lines(2)

    _starts: ClassVar[dict[str, Callable[["HtmlReader", Token], None]]] = {
        "a": _start_link,
        "span": _start_span,
        "blockquote": _start_quote,
        "pre": _start_pre,
        "br": _line_break,
        "hr": _rule,
        "img": _image,
        "input": _input,
        "ul": _start_list,
        "ol": _start_list,
        "li": _start_item,
        "table": _start_table,
        **dict.fromkeys(HEADINGS, _start_heading),
    }

    _ends: ClassVar[dict[str, Callable[["HtmlReader"], None]]] = {
        "a": _end_link,
        "br": _line_break,
        "blockquote": _end_quote,
        "pre": _end_pre,
        "ul": _end_list,
        "ol": _end_list,
        "li": _end_item,
        "table": _end_table,
    }

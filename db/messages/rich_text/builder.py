"""The builder: collects a text and its spans from left to right. Both parsers write to it."""

import re

from djangobot.db.fields import UNSTORABLE, visible
from djangobot.db.messages.rich_text.links import link_address, shown_address
from djangobot.db.messages.rich_text.nesting import QUOTES, merged, nested, storable
from djangobot.db.messages.rich_text.spans import Kind, RichText, Span, utf16_length

RULE = "─" * 10

MONOSPACED = ("code", "pre")
_SPACES = re.compile(r"[ \t\n\r\f]+")


class Frame:
    """A span that is not closed yet. Telegram ignores some nestings; such a frame has no kind and shows
    nothing."""

    __slots__ = ("kind", "start", "value")

    def __init__(self, kind: Kind | None, value: str | None) -> None:
        self.kind: Kind | None = kind
        self.value = value
        self.start = -1


class Link:
    """A link that is not closed yet: its frame, its address as written, and where its text begins."""

    __slots__ = ("address", "frame", "piece")

    def __init__(self, address: str, frame: Frame, piece: int) -> None:
        self.address = address
        self.frame = frame
        self.piece = piece


class Builder:
    """Line breaks, spaces and list markers wait until something follows them, so that none is at an end."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._addresses = 2 * len(source) + 64
        """Characters of addresses that may still be added: one definition can serve thousands of links."""
        self._allowed: dict[str, str | None] = {}
        self._pieces: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._active: dict[Kind, Frame] = {}
        self._unstarted = False
        self._newlines = 0
        self._block_ends = False
        self._space = False
        self._blanks = ""
        """White space that waits to be written as it is."""
        self._after_blank = True
        self._indents: list[str] = []
        self._indent = ""
        self._lead: str | None = None

    def write(self, text: str) -> None:
        """Adds a text. Each of its lines is indented."""
        if not text:
            return
        self._begin_text()
        self._append(text.replace("\n", "\n" + self._indent) if self._indent and "\n" in text else text)

    def write_raw(self, text: str) -> None:
        """Adds a text with no indentation: what is copied from it must be the same."""
        if not text:
            return
        if self._lead is not None:
            self.write_marker()
            self.break_lines(1)
        indent, self._indent = self._indent, ""
        self._begin_text()
        self._append(text)
        self._indent = indent

    def write_collapsed(self, text: str) -> None:
        """Adds a text of HTML: any white space is one space, and none at the ends of a line."""
        words = _SPACES.sub(" ", text)
        if words[:1] == " ":
            self._space = True
            words = words[1:]
        if not words:
            return
        if words[-1] == " ":
            self.write(words[:-1])
            self._space = True
        else:
            self.write(words)

    def write_lines(self, text: str) -> None:
        """Adds a text with its line ends and its spaces, but for those at the ends of a line."""
        for number, line in enumerate(text.split("\n")):
            if number and self._block_ends:
                self.break_lines(number)
            elif number:
                self.add_line_break()
            self._write_line(line)

    def _write_line(self, line: str) -> None:
        words = line.strip(" \t")
        begin = line.find(words) if words else 0
        self._blanks += line[:begin]
        self.write(words)
        self._blanks += line[begin + len(words) :]

    def break_lines(self, count: int) -> None:
        """What follows begins on a new line: the next for 1, with an empty line between for 2."""
        self._space, self._blanks = False, ""
        self._newlines = max(self._newlines, count)
        self._block_ends = True

    def add_line_break(self) -> None:
        """A line break that was asked for; several of them make empty lines."""
        self._space, self._blanks = False, ""
        self._newlines += 1
        self._block_ends = False

    def open(self, kind: Kind, value: str | None = None) -> Frame:
        """Begins a span at the next character."""
        frame = Frame(kind if self._may_open(kind) else None, value)
        if frame.kind is None:
            return frame
        if kind in MONOSPACED:
            self._interrupt()
        self._active[kind] = frame
        self._unstarted = True
        return frame

    def close(self, frame: Frame) -> None:
        """Ends a span at the last character. To close it twice does no harm."""
        if frame.kind is None or self._active.get(frame.kind) is not frame:
            return
        del self._active[frame.kind]
        self._add_span(frame)
        if frame.kind in MONOSPACED:
            self._unstarted = True
        elif frame.kind in QUOTES and self._is_monospaced():
            self._interrupt()
            self._unstarted = True

    def open_link(self, address: str) -> Link:
        """Begins a link, or a text that is followed by its address when nothing may link to it."""
        if address not in self._allowed:
            self._allowed[address] = link_address(address)
        allowed = self._allowed[address]
        if allowed is None or len(allowed) > self._addresses:
            return Link(address, Frame(None, None), len(self._pieces))
        frame = self.open("text_link", allowed)
        if frame.kind is not None:
            self._addresses -= len(allowed)
        return Link(allowed, frame, len(self._pieces))

    def close_link(self, link: Link) -> None:
        """Ends a link. A link with no text shows its address."""
        text = "".join(self._pieces[link.piece :]).strip()
        linked = link.frame.kind is not None
        if not (linked and text) and len(link.address) <= self._addresses and not self._is_monospaced():
            shown = shown_address(link.address)
            if shown and shown_address(text) != shown:
                self._addresses -= len(link.address)
                self.write(f" ({shown})" if text else shown)
        self.close(link.frame)

    def in_link(self) -> bool:
        return "text_link" in self._active

    def open_item(self, marker: str) -> None:
        """Begins an item of a list on a new line, after its marker."""
        self.break_lines(1)
        self._lead = (self._indent if self._lead is None else self._lead) + marker
        self._indents.append(" " * len(marker))
        self._indent = "".join(self._indents)

    def change_marker(self, old: str, new: str) -> bool:
        """Replaces the marker of the item that has just begun."""
        if self._lead is None or not self._lead.endswith(old):
            return False
        self._lead = self._lead.removesuffix(old) + new
        return True

    def close_item(self) -> None:
        """Ends an item. An empty one still shows its marker."""
        self.write_marker()
        self._indents.pop()
        self._indent = "".join(self._indents)
        self.break_lines(1)

    def write_marker(self) -> None:
        """Writes the marker of an item that has no text of its own."""
        if self._lead is not None:
            self._lead = self._lead.rstrip()
            self._start_line()

    def at_line_start(self) -> bool:
        return not self._pieces or self._newlines > 0 or self._lead is not None

    def finish(self) -> RichText:
        """The text and its spans. The source itself when nothing of the text can be seen."""
        for frame in list(self._active.values()):
            self.close(frame)
        text = UNSTORABLE.sub("\ufffd", "".join(self._pieces))
        if not visible(text):
            return RichText(self._source)
        return RichText(text, storable(nested(merged(self._spans))))

    def _begin_text(self) -> None:
        self._block_ends = False
        if self.at_line_start():
            self._start_line()
        elif self._blanks:
            self._append(self._blanks)
        elif self._space and not self._after_blank:
            self._append(" ")
        self._space, self._blanks = False, ""
        if self._unstarted:
            self._start_spans()

    def _start_line(self) -> None:
        if self._pieces:
            self._append("\n" * self._newlines)
        lead = (self._indent if self._lead is None else self._lead) + self._blanks
        self._newlines = 0
        self._space, self._blanks = False, ""
        self._lead = None
        if lead:
            self._append(lead)
        self._after_blank = True

    def _start_spans(self) -> None:
        monospaced = self._is_monospaced()
        for kind, frame in self._active.items():
            if frame.start < 0 and (not monospaced or kind in MONOSPACED or kind in QUOTES):
                frame.start = self._length
        self._unstarted = False

    def _append(self, text: str) -> None:
        self._pieces.append(text)
        self._length += utf16_length(text)
        self._after_blank = text[-1:] in " \t\r\n"

    def _may_open(self, kind: Kind) -> bool:
        if kind in self._active or self._is_monospaced():
            return False
        if kind in QUOTES:
            return not any(quote in self._active for quote in QUOTES)
        return not (kind in MONOSPACED and "text_link" in self._active)

    def _is_monospaced(self) -> bool:
        return "code" in self._active or "pre" in self._active

    def _interrupt(self) -> None:
        """Ends all but quotations: what surrounds a code or a pre, and a code that outlasts its quotation. It
        begins again afterwards."""
        for kind, frame in self._active.items():
            if kind not in QUOTES:
                self._add_span(frame)
                frame.start = -1

    def _add_span(self, frame: Frame) -> None:
        if frame.kind is not None and 0 <= frame.start < self._length:
            self._spans.append(Span(frame.kind, frame.start, self._length - frame.start, frame.value))

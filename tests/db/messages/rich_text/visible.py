"""The visible text of HTML, read by a parser that is not ours (the standard library's)."""

from html.parser import HTMLParser

HIDDEN = ("script", "style")


class VisibleText(HTMLParser):
    """Collects the words that a browser would show, and what images say of themselves."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self._hidden = tag
        elif tag == "img":
            self.words += (dict(attrs).get("alt") or "").split()

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += data.split()


def visible_words(html: str) -> list[str]:
    """In their order. A word that is formatted in part counts as several."""
    parser = VisibleText()
    parser.feed(html)
    parser.close()
    return parser.words


def missing_word(words: list[str], text: str) -> str | None:
    """The first of `words` that is not in `text`, in their order."""
    position = 0
    for word in words:
        found = text.find(word, position)
        if found < 0:
            return word
        position = found + len(word)
    return None

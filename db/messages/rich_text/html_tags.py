"""The tags of HTML, and what is none."""

import re

from turbohtml import Token, TokenType, tokenize

from djangobot.db.messages.rich_text.spans import Kind

INLINE: dict[str, Kind] = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "cite": "italic",
    "dfn": "italic",
    "var": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "kbd": "code",
    "samp": "code",
    "tt": "code",
    "tg-spoiler": "spoiler",
}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
PARAGRAPHS = frozenset(("p", "table", "figure", "dl", "fieldset", *HEADINGS))
"""An empty line stands before and after these."""
LINES = frozenset(
    (
        "address",
        "article",
        "aside",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "dt",
        "figcaption",
        "footer",
        "form",
        "head",
        "header",
        "html",
        "main",
        "nav",
        "option",
        "section",
        "summary",
        "tbody",
        "tfoot",
        "thead",
        "title",
        "tr",
    )
)
"""These begin and end a line."""
BREAKS = frozenset(("br", "hr", "ul", "ol", "li", "td", "th", *PARAGRAPHS, *LINES))
LAYOUT = re.compile(
    rf"<(?:{'|'.join(sorted(BREAKS))})(?=[\s/>])",
    re.IGNORECASE,
)
"""A tag that breaks lines and is none of Telegram's: white space means nothing in such a source."""
BLOCKS = BREAKS | {"blockquote", "pre"}
"""What stands before, in and after these is never one word."""
DROPPED = ("script", "style")
"""These go with their text."""
BARE_ATTRIBUTES = frozenset(
    (
        "allowfullscreen",
        "async",
        "autofocus",
        "autoplay",
        "checked",
        "compact",
        "controls",
        "default",
        "defer",
        "disabled",
        "download",
        "expandable",
        "hidden",
        "inert",
        "ismap",
        "itemscope",
        "loop",
        "multiple",
        "muted",
        "nomodule",
        "noshade",
        "novalidate",
        "nowrap",
        "open",
        "playsinline",
        "readonly",
        "required",
        "reversed",
        "selected",
    )
)
"""Attributes that need no value. With any other `a<b and c>d` is not a tag, but text."""
TAG_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-:][a-z0-9]+)*")
WITH_VALUE = re.compile(r"([^\s=/>\"']+)\s*=")


def is_tag(token: Token) -> bool:
    """Whether a start tag is one, and not a text such as `a<b and c>d` or `<someone@example.com>`."""
    if not TAG_NAME.fullmatch(token.tag or ""):
        return False
    bare = {name for name, value in token.attrs or () if not value} - BARE_ATTRIBUTES
    return not bare or bare <= set(WITH_VALUE.findall((token.source or "").lower()))


def is_comment(token: Token) -> bool:
    """Whether it is a comment that ends. `<!x>` and `<?x>` are shown."""
    source = token.source or ""
    return token.type == TokenType.COMMENT and source.startswith("<!--") and source.endswith("->")


def text_of_tag(source: str) -> str:
    """What a tag shows where there is no formatting: what an image says of itself, a space for a block, or
    the source when it is no tag."""
    for token in tokenize(source, capture_source=True):
        tag = token.tag or ""
        if token.type == TokenType.START_TAG and is_tag(token):
            return (token.attr("alt") or "") if tag == "img" else " " if tag in BLOCKS else ""
        if token.type == TokenType.END_TAG and TAG_NAME.fullmatch(tag):
            return " " if tag in BLOCKS else ""
        if is_comment(token):
            return ""
    return source

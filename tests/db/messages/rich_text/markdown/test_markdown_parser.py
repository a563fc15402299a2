"""The quick parser reads as the library does."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token

from djangobot.db.messages.rich_text.markdown.markdown_parser import AddressesAsWritten, parser
from djangobot.db.messages.rich_text.markdown.markdown_rules import add_spoilers, keep_leftovers
from djangobot.db.messages.rich_text.markdown.markdown_tokens import QuickToken

from ..test_any_input import LINES, MARKDOWN, WHITE, WORDS
from ..test_commonmark import examples, needs_spec

ADDRESSES = [
    "<a b>",
    "/x(y(z))",
    "/x\\)y",
    "/%20",
    "(",
    ")",
    '/x "title"',
    "/é",
    "/&amp;",
    "[r]: /y 'z'\n",
    "[r]",
]
FEW = 14
"""Pieces of a text: so few that no limit of ours on brackets or lists is reached."""
PLAIN = AddressesAsWritten("commonmark").enable(["strikethrough", "table"])
add_spoilers(PLAIN)
keep_leftovers(PLAIN)


def seen(tokens: list[Token]) -> list[dict[str, object]]:
    """All that is known of these tokens and those within them."""
    found = []
    for token in tokens:
        known = {name: getattr(token, name) for name in QuickToken.__struct_fields__}
        found.append(known | {"children": seen(token.children or [])})
    return found


def test_a_token_has_all_that_the_librarys_has() -> None:
    """With the same values from the beginning."""
    ours, theirs = QuickToken("text", "", 0), Token("text", "", 0)
    assert msgspec.to_builtins(ours) == theirs.as_dict(as_upstream=False)


@needs_spec
def test_examples_give_the_same_tokens() -> None:
    """All of CommonMark's."""
    for source, _ in examples():
        assert seen(parser().parse(source)) == seen(PLAIN.parse(source)), source


@given(st.lists(st.sampled_from([*MARKDOWN, *WHITE, *WORDS, *LINES, *ADDRESSES]), max_size=FEW).map("".join))
def test_any_text_gives_the_same_tokens(source: str) -> None:
    """Whatever stands beside each other."""
    assert seen(parser().parse(source)) == seen(PLAIN.parse(source))

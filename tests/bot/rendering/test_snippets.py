"""What the chat shows to write into a program is what docs/senders.md shows, and is right for its program."""

import re
from pathlib import Path

import pytest

from djangobot.bot.rendering.snippets import PLACEHOLDER, SENDERS, Program, snippet
from djangobot.db.credentials import gotify_token, new_bot_token
from djangobot.http.inlets.hook_formats import FORMATS

SENDERS_PAGE = (Path(__file__).parents[3] / "docs" / "senders.md").read_text()
ADDRESS = "https://bot.example.org"
WITHOUT_HEADER = {"github", "sentry", "watchtower"}
"""Programs that can only write the token into an address."""
every = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.key)


@every
def test_the_page_has_each_snippet(sender: Program) -> None:
    """Under the program's name, with the place where it is written."""
    place = f"### {sender.name}\n\nIn: {sender.where}\n\n```\n{snippet(sender, ADDRESS, None)}\n```"
    assert place in SENDERS_PAGE


@every
def test_the_page_says_where_the_token_stands(sender: Program) -> None:
    """In a header wherever the program can send one; then no address has it."""
    row = next(line for line in SENDERS_PAGE.splitlines() if line.startswith(f"| [{sender.name}]("))
    header = sender.key not in WITHOUT_HEADER
    assert ("a header" in row, "| yes |" in row) == (header, sender.signed)
    addresses = re.findall(r"\w+://\S+", snippet(sender, ADDRESS, None))
    in_address = any(PLACEHOLDER in one.partition("?")[0] for one in addresses)
    assert in_address == (not header)


def test_the_page_has_each_format() -> None:
    """The table of /api/hook, and the names of `?as=`."""
    rows = re.findall(r"^\| `([a-z-]+)` \|", SENDERS_PAGE, re.MULTILINE)
    assert {one.name for one in FORMATS} <= set(rows)


@every
def test_a_snippet_is_filled_in(sender: Program) -> None:
    """With the token, or with its form for Gotify; no brace is left over."""
    token = new_bot_token()
    for address in (ADDRESS, "http://127.0.0.1:8000"):
        written = snippet(sender, address, token)
        assert token in written or gotify_token(token) in written
        assert PLACEHOLDER not in written
        assert "{url}" not in written
        assert address.partition("://")[2] in written

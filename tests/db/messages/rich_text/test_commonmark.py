"""CommonMark's own examples: whatever a browser would show of them can be read in the chat.

They come with the npm package `commonmark-spec` (CC BY-SA 4.0), which `npm install --prefix tests/clients`
installs."""

import re
from pathlib import Path

import pytest

from djangobot.db.messages.rich_text.markdown.markdown import from_markdown

from .reading import check_spans, shown
from .visible import missing_word, visible_words

SPEC = Path(__file__).parents[3] / "clients" / "node_modules" / "commonmark-spec" / "spec.txt"
FENCE = "`" * 32
EXAMPLE = re.compile(rf"^{FENCE} example\n(.*?)^\.\n(.*?)^{FENCE}$", re.MULTILINE | re.DOTALL)
STYLES = {"em": "italic", "strong": "bold", "code": "code"}

needs_spec = pytest.mark.skipif(not SPEC.exists(), reason="commonmark-spec is not installed with npm")


def examples() -> list[tuple[str, str]]:
    """Markdown and the HTML that it means."""
    if not SPEC.exists():
        return []
    text = SPEC.read_text(encoding="utf-8").replace("→", "\t")
    return [(found[1], found[2]) for found in EXAMPLE.finditer(text)]


@needs_spec
def test_every_example_keeps_its_visible_text() -> None:
    """All 652 of version 0.31.2."""
    found = examples()
    assert len(found) == 652
    lost = {}
    for number, (source, html) in enumerate(found, 1):
        rich = from_markdown(source)
        check_spans(rich)
        if word := missing_word(visible_words(html), rich.text):
            lost[number] = (word, source, html, rich.text)
    assert lost == {}


@needs_spec
@pytest.mark.parametrize("tag", STYLES)
def test_simple_examples_keep_their_formatting(tag: str) -> None:
    """Where an example has one formatted stretch of plain text, a span covers just that."""
    pattern = re.compile(rf"<{tag}>([^<&]+)</{tag}>")
    checked = 0
    for source, html in examples():
        stretches = pattern.findall(html)
        if len(re.findall(r"<(?!/|p>)", html)) != 1 or len(stretches) != 1:
            continue
        rich = from_markdown(source)
        assert [text.strip() for kind, text in shown(rich) if kind == STYLES[tag]] == [
            stretches[0].strip()
        ], source
        checked += 1
    assert checked > 10

"""Markdown becomes text and spans."""

import pytest

from djangobot.db.messages.rich_text.markdown.markdown import from_markdown
from djangobot.db.messages.rich_text.markdown.markdown_parser import NESTING_LIMIT
from djangobot.db.messages.rich_text.spans import RichText, Span

from ..reading import check_spans, shown


@pytest.mark.parametrize(
    ("source", "text", "spans"),
    [
        (
            "**b** _i_ ~~s~~ ||h|| `c`",
            "b i s h c",
            ["bold b", "italic i", "strikethrough s", "spoiler h", "code c"],
        ),
        ("***x** y*", "x y", ["italic x y", "bold x"]),
        ("**a `b` c**", "a b c", ["bold a ", "code b", "bold  c"]),
        ("# Title\nText", "Title\n\nText", ["bold Title"]),
        ("a\n\n---\n\nb", "a\n\n──────────\n\nb", []),
        ("> quoted\n> > deeper\n\nafter", "quoted\n\ndeeper\n\nafter", ["blockquote quoted\n\ndeeper"]),
        ("```python\ndef f():\n    pass\n```", "def f():\n    pass", ["pre def f():\n    pass"]),
        ("```python main.py\nf()\n```", "main.py\nf()", ["pre f()"]),
        ("```ERROR: disk full\nsda1\n```", "ERROR: disk full\nsda1", ["pre sda1"]),
        (f"```{'x' * 65}\na\n```", f"{'x' * 65}\na", ["pre a"]),
        ("``` all is well", "all is well", ["pre all is well"]),
        ("    code\n      more", "code\n  more", ["pre code\n  more"]),
        ("a\nb  \nc\\\nd", "a\nb\nc\nd", []),
        ("- a\n- b\n  - c\n\n1. x\n2. y", "• a\n• b\n  • c\n\n1. x\n2. y", []),
        ("7) x\n8) y", "7) x\n8) y", []),
        ("- [ ] open\n- [x] **done**", "☐ open\n☑ done", ["bold done"]),
        ("- a\n\n  ```\n  x\n    y\n  ```", "• a\n\nx\n  y", ["pre x\n  y"]),
        ("-\n- b", "•\n• b", []),
        ("a<br>b <b>c</b> <kbd>d</kbd> <sub>e</sub>", "a\nb c d e", ["bold c", "code d"]),
        ("<p align=center><i>x</i></p>\n\n*y*", "x\n\ny", ["italic x", "italic y"]),
        (
            "x <table><tr><td>a</td><td>b</td></tr></table> <pre>c<b>d</b><div>e</div></pre>",
            "x \n\na b\n\n \n\ncd\ne",
            ["pre cd\ne"],
        ),
        ("&lt;b&gt; &copy; \\*x\\*", "<b> © *x*", []),
        ("snake_case_name and 2*3*4", "snake_case_name and 234", ["italic 3"]),
        ("a || b || c |||| d", "a || b || c |||| d", []),
        ("a\r\nb\r\n\r\nc", "a\nb\n\nc", []),
        (
            "**👨\u200d👩\u200d👧** *e\u0301*",
            "👨\u200d👩\u200d👧 e\u0301",
            ["bold 👨\u200d👩\u200d👧", "italic e\u0301"],
        ),
        ("**שלום** עולם", "שלום עולם", ["bold שלום"]),
        ("**漢字**です", "漢字です", ["bold 漢字"]),
        ("**「漢字」**です", "**「漢字」**です", []),
        ("a\x00b \ud800", "a\ufffdb \ufffd", []),
        (
            "- a\n\n  | x | y |\n  |---|---|\n  | 1 | 2 |",
            "• a\n\nx │ y\n──┼──\n1 │ 2",
            ["pre x │ y\n──┼──\n1 │ 2"],
        ),
        ("- a\n  > b\n- c", "• a\n\n  b\n\n• c", ["blockquote b"]),
    ],
)
def test_markup_becomes_spans(source: str, text: str, spans: list[str]) -> None:
    """Each construct has its look in the chat."""
    rich = from_markdown(source)
    assert rich.text == text
    assert [f"{kind} {covered}" for kind, covered in shown(rich)] == spans
    check_spans(rich)


@pytest.mark.parametrize(
    ("source", "text", "address"),
    [
        ("[t](https://x.y/a_b)", "t", "https://x.y/a_b"),
        ("[`c`](http://x.y)", "c", "http://x.y"),
        ("<https://x.y>", "https://x.y", "https://x.y"),
        ("<a@b.cd>", "a@b.cd", "mailto:a@b.cd"),
        ("[me](tg://user?id=1)", "me", "tg://user?id=1"),
        ("![alt *text*](https://x.y/i.png)", "alt text", "https://x.y/i.png"),
        ("![](https://x.y/i.png)", "https://x.y/i.png", "https://x.y/i.png"),
        ("[![badge](https://b.c)](https://x.y)", "badge", "https://x.y"),
        ("[a][r]\n\n[r]: https://x.y 'title'", "a", "https://x.y"),
        ('<a href="https://x.y">h</a>', "h", "https://x.y"),
        ("[s](<https://x.y/a b>)", "s", "https://x.y/a%20b"),
        ("[t](./docs/a.md)", "t (./docs/a.md)", None),
        ("[t](#part)", "t (#part)", None),
        ("[t](javascript:alert)", "t (javascript:alert)", None),
        ("[t](https://)", "t (https://)", None),
        ("[](#x)", "#x", None),
        ("<x-y:a\u00a0b>", "x-y:a\u00a0b", None),
    ],
)
def test_links_open_or_show_their_address(source: str, text: str, address: str | None) -> None:
    """What Telegram can open is a link; of all others the address can be read."""
    rich = from_markdown(source)
    assert rich.text == text
    assert [span.value for span in rich.spans if span.kind == "text_link"] == ([address] if address else [])
    check_spans(rich)


def test_a_table_is_aligned() -> None:
    """Columns stand under each other, wide characters included."""
    rich = from_markdown("| a | b |\n|---|--:|\n| 1 | 22 |\n| 日本 | 😀 |")
    assert rich.text == "a    │  b\n─────┼───\n1    │ 22\n日本 │ 😀"
    assert [span.kind for span in rich.spans] == ["pre"]


def test_the_language_of_a_code_block_is_kept() -> None:
    """Telegram colours it."""
    assert from_markdown("~~~rust,ignore\nfn\n~~~").spans == (Span("pre", 0, 2, "rust,ignore"),)
    assert from_markdown("~~~c++ x\nfn\n~~~").spans == (Span("pre", 2, 2, "c++"),)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("|a|b|\n|-|-|\n|1|2|3| |4||\n|5|", "a │ b\n──┼───┼───┼───┼──\n1 │ 2 │ 3 │  │ 4\n5"),
        ("|job|run|\n|-|-|\n|x|ps | grep y|", "job │ run\n────┼─────┼───────\nx   │ ps  │ grep y"),
        ("|a|\n|-|\n|b<c and d>e <i>f</i><br>g<img alt=h>|", "a\n────────────────\nb<c and d>e f gh"),
        ("![a<b and c>d](https://x.y)", "a<b and c>d"),
        ("[web1]: down\n[web2]: up\nTotal: 2", "[web1]: down\n[web2]: up\n\nTotal: 2"),
        ("[a]: /x\n[a]: /y\n[A]: z 'more'\n\n[a]", "[a]: /y\n[A]: z 'more'\n\na (/x)"),
        ("> - [x]: y\n>   'z'\n", "• [x]: y\n  'z'"),
        ("[//]: # (a comment)\n[//]: <> (another)\ntext", "text"),
    ],
)
def test_what_commonmark_leaves_out_is_shown(source: str, text: str) -> None:
    """Programs write cells, definitions and tags without meaning them. Comments are meant."""
    rich = from_markdown(source)
    assert rich.text == text
    check_spans(rich)


@pytest.mark.parametrize("source", ["", " \n", "<!-- x -->", "[a]: https://x.y", "\n\n<br>"])
def test_what_would_show_nothing_is_shown_as_written(source: str) -> None:
    """A message is never empty because of its markup."""
    assert from_markdown(source) == RichText(source)


@pytest.mark.parametrize("mark", ["> ", "- ", "1. ", "[", "![", "*", "**", "<b>", "||"])
def test_what_is_nested_too_deep_stays(mark: str) -> None:
    """The library drops it; here it can be read."""
    for depth in (NESTING_LIMIT // 2, NESTING_LIMIT, 5000):
        assert "word" in from_markdown(mark * depth + "word").text


def test_one_definition_used_a_thousand_times_costs_little() -> None:
    """Addresses add to a text no more than two times its own length."""
    source = f"[a]: {'u' * 2000}\n\n" + "[a] " * 1000
    assert len(from_markdown(source).text) < 4 * len(source)


def test_a_wide_table_does_not_explode() -> None:
    """Columns that would make a table many times as long are not filled."""
    source = "|a" * 500 + "\n" + "|-" * 500 + "\n" + "|x\n" * 500 + "|" * 499 + "y" * 40
    assert len(from_markdown(source).text) < 6 * len(source)

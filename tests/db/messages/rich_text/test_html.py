"""HTML becomes text and spans."""

import pytest

from djangobot.db.messages.rich_text.html import from_html
from djangobot.db.messages.rich_text.spans import RichText, Span

from .reading import check_spans, shown


@pytest.mark.parametrize(
    ("source", "text", "spans"),
    [
        ("<b>a</b><strong> b</strong>", "a b", ["bold a", "bold b"]),
        (
            "<i>a</i> <em>b</em> <u>c</u> <ins>d</ins>",
            "a b c d",
            ["italic a", "italic b", "underline c", "underline d"],
        ),
        (
            "<s>a</s> <strike>b</strike> <del>c</del>",
            "a b c",
            ["strikethrough a", "strikethrough b", "strikethrough c"],
        ),
        ('<span class="tg-spoiler">a</span> <tg-spoiler>b</tg-spoiler>', "a b", ["spoiler a", "spoiler b"]),
        ("<span><b>a</span>b</b>", "ab", ["bold ab"]),
        ("<blockquote>a<br>b</blockquote>c", "a\nb\n\nc", ["blockquote a\nb"]),
        ("<blockquote expandable>a</blockquote>", "a", ["expandable_blockquote a"]),
        (
            "<p><b>a<blockquote>b</b>c</blockquote>d",
            "a\n\nbc\n\nd",
            ["bold a\n\n", "blockquote bc", "bold b"],
        ),
        ("<b>a<i>b</b>c</i>", "abc", ["bold ab", "italic b", "italic c"]),
        ("<b>a<code>b<i>c</i></code>d</b>", "abcd", ["bold a", "code bc", "bold d"]),
        ("<p>a<p>b<h1>c</h1>d<hr>e", "a\n\nb\n\nc\n\nd\n──────────\ne", ["bold c"]),
        ("<ul><li>a<li>b<ol start=3><li>c</ol></ul>d", "• a\n• b\n  3. c\n\nd", []),
        ("<li>a", "• a", []),
        (
            "<table><tr><th>a<th>bb<tr><td>1<td>2</table>",
            "a │ bb\n──┼───\n1 │ 2",
            ["pre a │ bb\n──┼───\n1 │ 2"],
        ),
        ("<table><tr><td>a", "a", ["pre a"]),
        (
            "<table><td><div>Total</div>5<td>a<pre>b</pre>c<ul><li>d</ul>e<table><td>f</table>g</table>",
            "Total 5 │ a b c d e f g",
            ["pre Total 5 │ a b c d e f g"],
        ),
        (
            "<pre><div>a</div><div>b</div>\n<p>c<img alt=d></pre>e",
            "a\nb\ncd\n\ne",
            ["pre a\nb\ncd"],
        ),
        ("<pre>\na<br>b\n<div>c</div>\n</pre>", "a\nb\nc", ["pre a\nb\nc"]),
        ("a</br>b", "a\nb", []),
        ("<foo>a</foo> <o:p>b</o:p>", "a b", []),
        ("a<script>b</script>c<style>d</style>e", "ace", []),
        ("<p>  a \n b&nbsp; c  ", "a b\u00a0 c", []),
        ("<pre>\n  a\n    b</pre>", "  a\n    b", ["pre   a\n    b"]),
        ("&lt;b&gt; &amp;amp; &#128512; &copy", "<b> &amp; 😀 ©", []),
        ("<B>a</B>", "a", ["bold a"]),
        ("a<!-- c -->b<!doctype html>", "ab", []),
        ("<input type=checkbox checked> a", "☑ a", []),
    ],
)
def test_markup_becomes_spans(source: str, text: str, spans: list[str]) -> None:
    """Each tag has its look in the chat; of those that are not known the text stays."""
    rich = from_html(source)
    assert rich.text == text
    assert [f"{kind} {covered}" for kind, covered in shown(rich)] == spans
    check_spans(rich)


@pytest.mark.parametrize(
    ("source", "text", "spans"),
    [
        ("<b>a</b>\nb\n\n  c  d", "a\nb\n\n  c  d", ["bold a"]),
        ("<i>a\r\nb</i>&amp;\n", "a\nb&", ["italic a\nb"]),
        ("a\n<blockquote>b\nc</blockquote>\nd", "a\nb\nc\nd", ["blockquote b\nc"]),
        ("a<blockquote>b</blockquote>c", "a\nb\nc", ["blockquote b"]),
        ("CPU:   <b>5 %</b> \t&lt;x", "CPU:   5 % \t<x", ["bold 5 %"]),
        ("a  \n  <b>b</b>  \n", "a\n  b", ["bold b"]),
        ("a\n\n<pre>b\n c</pre>\n\nd", "a\n\nb\n c\n\nd", ["pre b\n c"]),
        ("a\n<i></i>\nb <brand>c", "a\n\nb c", []),
    ],
)
def test_a_text_of_telegrams_tags_alone_keeps_its_lines(source: str, text: str, spans: list[str]) -> None:
    """What a program writes for Telegram's own HTML looks the same here: it has no tag for a line."""
    rich = from_html(source)
    assert rich.text == text
    assert [f"{kind} {covered}" for kind, covered in shown(rich)] == spans
    check_spans(rich)


@pytest.mark.parametrize(
    "source",
    [
        "a < b && c > d",
        "if a<b and c>d",
        "<someone@example.com>",
        "<https://example.com>",
        "a <b",
        '<a href="x',
        "a</>b",
        "<3",
        "<!x>",
        "<?php echo 1 ?>",
        "<![CDATA[x]]>",
        "a<!-- b",
        "a<script>b",
        "a<style>b</",
        "</ b>",
        "&nope; &",
    ],
)
def test_what_is_no_markup_is_text(source: str) -> None:
    """Signs that a program forgot to escape do not swallow words."""
    assert from_html(source) == RichText(source)


def test_the_language_of_a_pre_is_kept() -> None:
    """As Telegram's own HTML has it, and without a code within."""
    for source in ('<pre><code class="language-c++">a</code></pre>', '<pre class="x lang-c++">a</pre>'):
        assert from_html(source).spans == (Span("pre", 0, 1, "c++"),)


@pytest.mark.parametrize(
    ("source", "text", "address"),
    [
        ('<a href="https://x.y?a=1&amp;b=2">t</a>', "t", "https://x.y?a=1&b=2"),
        ('<a href=" tg://user?id=1 ">t</a>', "t", "tg://user?id=1"),
        ('<a href="https://x.y"></a>', "https://x.y", "https://x.y"),
        ('<a href="https://x.y"><img src="https://i.j" alt="p"></a>', "p", "https://x.y"),
        ('<img src="https://i.j" alt="p">', "p", "https://i.j"),
        ('<a href="/r">t</a>', "t (/r)", None),
        ('<a href="java\nscript:x">t</a>', "t (java script:x)", None),
        ('<a href="https://x.y/\u202e">t</a>', "t", "https://x.y/\u202e"),
        (f'<a href="https://x.y/{"a" * 2100}">t</a>', f"t (https://x.y/{'a' * 2100})", None),
        ('<a name="x">t</a>', "t", None),
    ],
)
def test_links_open_or_show_their_address(source: str, text: str, address: str | None) -> None:
    """What Telegram can open is a link; of all others the address can be read."""
    rich = from_html(source)
    assert rich.text == text
    assert [span.value for span in rich.spans] == ([address] if address else [])


@pytest.mark.parametrize(
    "tag", ["b", "p", "div", "ul><li", "blockquote", "table", "pre", "code", "a href=x", "x-y"]
)
def test_what_is_nested_deep_stays(tag: str) -> None:
    """Neither the text nor the process is lost to ten thousand tags within each other."""
    rich = from_html(f"<{tag}>" * 10_000 + "word")
    assert "word" in rich.text
    check_spans(rich)

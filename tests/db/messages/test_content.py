"""What a message shows beside its text: each bound has its sentence, and what is kept comes back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.db.errors import FieldsInvalid
from djangobot.db.messages import content
from djangobot.db.messages.buttons import Button
from djangobot.db.messages.content import PLAIN, Content, FileInfo
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.messages.rich_text.spans import Span

LINK = Button("Open", url="https://example.com/a?b=c")
TEXTS = st.text(max_size=20)
CONTENTS = st.builds(
    Content,
    spans=st.lists(st.builds(Span, st.just("bold"), st.integers(0, 99), st.integers(1, 99))).map(tuple),
    title=TEXTS,
    tags=st.lists(TEXTS).map(tuple),
    silent=st.booleans(),
    progress=st.none() | st.floats(0, 1),
    files=st.lists(st.builds(FileInfo, st.integers(1, 2**63 - 1), TEXTS, st.integers(0, 2**31), TEXTS)).map(
        tuple
    ),
)


@given(CONTENTS)
def test_what_is_kept_comes_back_the_same(kept: Content) -> None:
    """Every field, whatever it holds."""
    assert content.decode(content.encode(kept)) == kept


def test_a_plain_text_keeps_nothing_beside_it() -> None:
    """Most messages are plain texts, and cost no more than they did."""
    assert content.encode(PLAIN) is None
    assert content.decode(None) is PLAIN


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", "x" * 201, "must have 1 to 200 characters"),
        ("title", "two\nlines", "must not contain control characters or lone surrogates"),
        ("title", "\u200b", "must have a visible character"),
        (
            "tags",
            ("a b",),
            "must have tags of letters, digits and underscores, without `#`, hyphens and spaces",
        ),
        ("tags", ("a",) * 9, "must have at most 8 tags"),
        ("format", "md", "must be one of: plain, markdown, html"),
        ("progress", 1.01, "must be a number from 0 to 1"),
        ("progress", float("nan"), "must be a number from 0 to 1"),
        ("buttons", ((LINK,) * 5,), "must be at most 8 rows of 4 buttons"),
        ("buttons", ((LINK,),) * 9, "must be at most 8 rows of 4 buttons"),
        ("buttons", ((),), "must have a button in each row"),
        ("buttons", ((Button("x"),),), "must have either `url` or `value` in each button"),
        (
            "buttons",
            ((Button("x", "https://a.b", "c"),),),
            "must have either `url` or `value` in each button",
        ),
        ("buttons", ((Button("", value="c"),),), "has a button whose text must not be empty"),
        (
            "buttons",
            ((Button("x", value="v" * 65),),),
            "has a button whose value must have 1 to 64 characters",
        ),
        (
            "buttons",
            ((Button("x", "javascript:alert(1)"),),),
            "must have urls that begin with http://, https://, tg://",
        ),
        ("buttons", ((Button("x", "http://[::1"),),), "has a button whose url is none"),
        *(
            (
                "buttons",
                ((Button("x", url),),),
                "must have urls whose host has a dot, such as example.org: Telegram refuses others",
            )
            for url in ("http://localhost:3000/x", "HTTPS://grafana", "http://dot./x")
        ),
        (
            "buttons",
            ((Button("x", "https://a.b/" + "c" * 2048),),),
            "has a button whose url is longer than 2048 characters or holds spaces",
        ),
    ],
)
def test_each_bound_has_its_sentence(field: str, value: object, sentence: str) -> None:
    """Under the field's name; nothing is cut or dropped silently."""
    with pytest.raises(FieldsInvalid) as refused:
        NewMessage(**{"text": "hello", field: value}).check()  # type: ignore[arg-type]
    assert refused.value.details == {field: sentence}


async def test_markup_becomes_text_and_spans() -> None:
    """People search and read the text; the markup is gone."""
    message = await NewMessage("**disk** full", format="markdown", tags=("disk", "disk")).formatted()
    assert message.text == "disk full"
    kept = content.decode(message.rich)
    assert (kept.spans, kept.tags) == ((Span("bold", 0, 4),), ("disk",))


@pytest.mark.parametrize("text", ["<b></b>", "<!-- x -->", "<script>1</script>"])
async def test_markup_that_shows_nothing_is_shown_itself(text: str) -> None:
    """A message is not lost to its format."""
    assert (await NewMessage(text, format="html").formatted()).text == text


async def test_a_text_that_goes_as_a_file_keeps_its_markup() -> None:
    """The file is what the program wrote."""
    source = "**word** " * 6000
    message = await NewMessage(source, format="markdown").formatted()
    assert content.decode(message.rich).source == source

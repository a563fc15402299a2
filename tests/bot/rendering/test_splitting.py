"""Long texts, as the chat shows them: nothing lost, within Telegram's limits."""

from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.rendering.splitting import in_parts
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT
from djangobot.db.messages.rich_text.spans import Span, utf16_length

BUTTONS = ((Button("Mute", "mute"),),)
HEAD = Span("bold", 0, 5)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=MESSAGE_LIMIT - 6))
def test_what_fits_into_one_message_is_one_unchanged(text: str) -> None:
    """White space, buttons and silence included."""
    whole = Text(f"Fedor\n{text}", (HEAD,), BUTTONS, silent=True)
    if utf16_length(whole.text) <= MESSAGE_LIMIT:
        assert in_parts(whole) == [whole]


def test_the_sender_stands_on_the_first_part_and_buttons_on_the_last() -> None:
    """All parts are as silent as the whole, and together they say all words."""
    words = [f"{number:04}" for number in range(2000)]
    parts = in_parts(Text("Fedor\n" + " ".join(words), (HEAD,), BUTTONS, silent=True))
    assert [part.spans for part in parts] == [(HEAD,), (), ()]
    assert [part.buttons for part in parts] == [(), (), BUTTONS]
    assert {part.silent for part in parts} == {True}
    assert all(utf16_length(part.text) <= MESSAGE_LIMIT for part in parts)
    assert " ".join(part.text for part in parts).split() == ["Fedor", *words]

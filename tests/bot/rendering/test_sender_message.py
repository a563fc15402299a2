"""What a program has sent, as the chat shows it: nothing lost, within Telegram's limits."""

from datetime import timedelta

import msgspec
import pytest

from djangobot.bot.rendering.sender_message import render_sender_message
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.messages import content
from djangobot.db.messages.content import Content
from djangobot.db.messages.rich_text.limits import CAPTION_LIMIT, MESSAGE_LIMIT
from djangobot.db.messages.rich_text.spans import Span, utf16_length

from ..claimed import NOW, claimed


def sent(text: str, shown: Content = content.PLAIN, sender: str = "Backup") -> Claimed:
    """A message of a program, in flight."""
    return claimed(
        text=text, rich=content.encode(shown), sender=sender, token_name="", token_id=None, account_id=None
    )


def test_everything_has_its_place() -> None:
    """The sender, the title, the text, the progress and the tags, from top to bottom; spans move along."""
    shown = Content(spans=(Span("italic", 0, 4),), title="Done", tags=("a", "б"), progress=0.5, silent=True)
    (part,) = render_sender_message(sent("disk ok", shown), NOW)
    assert part.text == "Backup\nDone\ndisk ok\n▓▓▓▓▓░░░░░ 50\u00a0%\n#a #б"
    assert part.spans == (Span("bold", 0, 6), Span("bold", 7, 4), Span("italic", 12, 4))
    assert part.silent
    assert not part.preview


def test_a_late_message_says_when_it_was_written() -> None:
    """Telegram shows when it arrived."""
    (part,) = render_sender_message(sent("x"), NOW + timedelta(minutes=6))
    assert part.text == "Backup · 26.11.2026 05:00\nx"


def test_a_long_text_is_several_messages_and_the_sender_heads_the_first() -> None:
    """Each within Telegram's limit; the words come in order."""
    words = [f"word{number}" for number in range(2000)]
    parts = render_sender_message(sent(" ".join(words)), NOW)
    assert 1 < len(parts) <= 5
    assert all(utf16_length(part.text) <= MESSAGE_LIMIT for part in parts)
    assert " ".join(part.text for part in parts).split() == ["Backup", *words]


@pytest.mark.parametrize(
    ("written_as", "extension"), [("plain", ".txt"), ("markdown", ".md"), ("html", ".html")]
)
def test_what_needs_more_than_five_messages_is_a_file(written_as: str, extension: str) -> None:
    """Its caption has the head, the beginning and the tags; the file is what the program wrote."""
    text, source = "word " * 6000, "**word** " * 6000
    shown = Content(format=written_as, title="Log", tags=("ci",), source=source)  # type: ignore[arg-type]
    (part,) = render_sender_message(sent(text, shown), NOW)
    assert utf16_length(part.text) <= CAPTION_LIMIT
    assert part.text.startswith("Backup\nLog\nword word")
    assert part.text.endswith("…\n#ci")
    assert part.document is not None
    assert (part.document.name, part.document.text) == (f"message{extension}", source)


def test_the_caption_fits_whatever_its_head_is() -> None:
    """Names, titles and tags at their longest, in characters of two units each."""
    shown = Content(title="😀" * 200, tags=tuple("я" * 60 + str(number) for number in range(8)))
    (part,) = render_sender_message(sent("слово " * 9000, shown, "😀" * 100), NOW)
    assert utf16_length(part.text) <= CAPTION_LIMIT


def test_lines_end_with_line_feeds_but_in_a_file() -> None:
    """Some of Telegram's clients drop other line ends, and with them the space between two words."""
    (part,) = render_sender_message(sent("10 %\r100 %\r\ndone\u2028bye"), NOW)
    assert part.text == "Backup\n10 %\n100 %\ndone\nbye"
    (part,) = render_sender_message(sent("word\r\n" * 6000), NOW)
    assert part.document is not None
    assert part.document.text == "word\r\n" * 6000


@pytest.mark.parametrize("tags", [(), ("ci",)])
def test_a_message_that_changes_is_whole_as_long_as_it_fits(tags: tuple[str, ...]) -> None:
    """Up to the last unit of Telegram's limit. An ellipsis stands for what is beyond it. Tags stay."""
    foot = "".join(f"\n#{tag}" for tag in tags)
    room = MESSAGE_LIMIT - len("Backup\n") - len(foot)
    for length, shown in ((room, "x" * room), (room + 1, "x" * (room - 1) + "…")):
        message = msgspec.structs.replace(sent("x" * length, Content(tags=tags)), replace_key="job")
        (part,) = render_sender_message(message, NOW)
        assert part.text == f"Backup\n{shown}{foot}"

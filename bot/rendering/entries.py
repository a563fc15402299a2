"""Entries: messages as lists show them, shortened, and one message in full."""

from collections.abc import Sequence
from datetime import tzinfo

from djangobot.bot.rendering.buttons import full_button
from djangobot.bot.rendering.humanize import shortened, shown_file_size, shown_time, whose
from djangobot.bot.rendering.replies import formatted, joined, with_bold
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.messages.content import Content
from djangobot.db.messages.messages import Entry
from djangobot.db.messages.rich_text.compose import progress_bar, with_line_feeds
from djangobot.db.messages.rich_text.hashtags import hashtags
from djangobot.db.messages.rich_text.spans import RichText

TITLE_SHOWN, FILES_SHOWN, TAGS_SHOWN = 80, 80, 60
"""Characters of them in a list."""


def listed(language: str, entry: Entry, zone: tzinfo, text: Text) -> Text:
    """A message in a list: its sender, time and status, its title, then `text`, the files and the tags."""
    return joined([head(language, entry, zone), *in_short(language, entry.content, text)])


def in_short(language: str, content: Content, text: Text) -> list[Text]:
    """What a list shows of a message: its title, then `text`, the files and the tags."""
    title = shortened(content.title, TITLE_SHOWN)
    tags = Text(shortened(hashtags(content.tags), TAGS_SHOWN))
    return [with_bold(title, [(0, len(title))]), text, files_in_short(language, content), tags]


def files_in_short(language: str, content: Content) -> Text:
    """The names of the files, as far as a list shows them. Empty when there are none."""
    files = shortened(", ".join(file_names(language, content)), FILES_SHOWN)
    return Text(f"📎 {files}" if files else "")


def in_full(language: str, entry: Entry, zone: tzinfo) -> Text:
    """All of a message, as the chat shows it, with the names of its files."""
    content = entry.content
    rich = with_line_feeds(RichText(entry.text, content.spans))
    return joined(
        [
            head(language, entry, zone),
            with_bold(content.title, [(0, len(content.title))]),
            Text(rich.text, rich.spans),
            Text("" if content.progress is None else progress_bar(content.progress)),
            *(Text(f"📎 {name}") for name in file_names(language, content)),
            Text(hashtags(content.tags)),
        ]
    )


def full_buttons(
    language: str, entries: Sequence[Entry], zone: tzinfo, text_shown: int
) -> list[list[Button]]:
    """Buttons for the messages of which a list shows less than there is, two in a row."""
    buttons = []
    for entry in entries:
        with_files = entry.has_files_to_show
        if with_files or is_cut(language, entry.text, entry.content, text_shown):
            which = f"{entry.time.astimezone(zone):%H:%M}"
            buttons.append(full_button(language, which, entry.seq, with_files=with_files))
    return in_pairs(buttons)


def is_cut(language: str, text: str, content: Content, text_shown: int) -> bool:
    """Whether a list shows less of a message than there is: of its words, or of its formatting."""
    files = ", ".join(file_names(language, content))
    return (
        bool(content.spans)
        or shortened(text, text_shown) != text
        or shortened(content.title, TITLE_SHOWN) != content.title
        or len(files) > FILES_SHOWN
        or len(hashtags(content.tags)) > TAGS_SHOWN
    )


def file_names(language: str, content: Content) -> list[str]:
    """Each file's name and size: `report.pdf (1.2 MB)`."""
    return [f"{file.name} ({shown_file_size(language, file.size)})" for file in content.files]


def head(language: str, entry: Entry, zone: tzinfo) -> Text:
    """The sender of a message, its time and its status."""
    return formatted(
        language,
        "history-head",
        sender=whose(entry.sender, entry.token or entry.sender),
        time=shown_time(entry.time.astimezone(zone)),
        status=entry.status,
        when=shown_time((entry.send_at or entry.time).astimezone(zone)),
    )


def in_pairs(buttons: Sequence[Button]) -> list[list[Button]]:
    """The buttons, two in a row."""
    return [list(buttons[at : at + 2]) for at in range(0, len(buttons), 2)]

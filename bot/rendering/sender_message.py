"""Sender message: renders what a program has sent for the chat."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from djangobot.bot.rendering.attachments import with_attachments
from djangobot.bot.rendering.humanize import shown_time, whose
from djangobot.bot.rendering.program_buttons import asking_rows
from djangobot.bot.rendering.replies import language_for
from djangobot.bot.rendering.splitting import in_parts
from djangobot.bot.telegram.text import Button, Document, Media, Text
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.messages import content as contents
from djangobot.db.messages.content import Content
from djangobot.db.messages.presses import Asked
from djangobot.db.messages.rich_text.compose import NOTHING, bold, joined, progress_bar, with_line_feeds
from djangobot.db.messages.rich_text.formats import EXTENSIONS
from djangobot.db.messages.rich_text.hashtags import hashtags
from djangobot.db.messages.rich_text.limits import CAPTION_LIMIT, MESSAGE_LIMIT, MESSAGES_LIMIT
from djangobot.db.messages.rich_text.spans import RichText, utf16_length
from djangobot.db.messages.rich_text.split import excerpt
from djangobot.db.people import chat_settings

LATE = timedelta(minutes=5)
"""A message that is older than this says when it was written. Telegram's own time is the time of arrival."""
EXCERPT_LEAST = 200
"""UTF-16 units of a long text that its caption shows at least."""
Rows = tuple[tuple[Button, ...], ...]
MIMES = {".txt": "text/plain", ".md": "text/markdown", ".html": "text/html"}


def render_sender_message(
    message: Claimed,
    now: datetime,
    *,
    offer_mute: bool = False,
    media: Sequence[Media] = (),
    captioned: bool = False,
) -> list[Text]:
    """The sender in bold on a line of its own, the title below it, then the text with its progress and tags.

    A text that needs more than MESSAGES_LIMIT messages is one file, with its beginning as the caption. A
    message that changes is one message in the chat; its text ends with an ellipsis where it is too long.
    Files come with the text as their caption, or after it.
    """
    content = contents.decode(message.rich)
    head = joined([bold(_sender(message, now)), bold(content.title)])
    foot = _foot(content)
    text = with_line_feeds(RichText(message.text, content.spans))
    if message.replace_key is None:
        whole = joined([head, text, foot])
    else:
        whole = _within(CAPTION_LIMIT if media or captioned else MESSAGE_LIMIT, head, text, foot)
    rows: Rows = ()
    if content.buttons or offer_mute:
        rows = asking_rows(language_for(message), _asked(message, content), "mute" if offer_mute else "")
    parts = in_parts(Text(whole.text, whole.spans, rows, content.silent, content.preview))
    if len(parts) > MESSAGES_LIMIT:
        parts = [_as_file(message, content, _within(CAPTION_LIMIT, head, text, foot), rows)]
    if media:
        parts = with_attachments(parts, media)
    return [msgspec.structs.replace(parts[0], reply_to=message.reply_to or None), *parts[1:]]


def _sender(message: Claimed, now: datetime) -> str:
    name = whose(message.sender, message.token_name) if message.token_name else message.sender
    if now - message.meant_for > LATE:
        name += f" · {shown_time(message.meant_for.astimezone(chat_settings.read(message.settings).clock))}"
    return name


def _foot(content: Content) -> RichText:
    bar = RichText(progress_bar(content.progress)) if content.progress is not None else NOTHING
    tags = RichText(hashtags(content.tags)) if content.tags else NOTHING
    return joined([bar, tags])


def _within(limit: int, head: RichText, text: RichText, foot: RichText) -> RichText:
    """As much of the text as fits between head and foot."""
    whole = joined([head, text, foot])
    missing = utf16_length(whole.text) - limit
    if missing <= 0:
        return whole
    room = utf16_length(text.text) - missing
    return excerpt(joined([head, excerpt(text, max(room, EXCERPT_LEAST)), foot]), limit)


def _as_file(message: Claimed, content: Content, caption: RichText, rows: Rows) -> Text:
    """The whole text as a file, as the program wrote it."""
    extension = EXTENSIONS[content.format]
    written = message.text if content.source is None else content.source
    document = Document(f"message{extension}", MIMES[extension], written)
    return Text(caption.text, caption.spans, rows, content.silent, content.preview, document)


def _asked(message: Claimed, content: Content) -> Asked:
    return Asked(message.id, message.sender_id or 0, content)

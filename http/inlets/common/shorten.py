"""Makes a message that Telegram takes of whatever a foreign program sent. Nothing is refused for its length
or its characters."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape

import msgspec

from djangobot.db.fields import IDEMPOTENCY_KEY, UNSTORABLE, line_error, nameable, visible
from djangobot.db.messages.buttons import BUTTON_ROWS, BUTTON_TEXT_LIMIT, Button, wrong_buttons
from djangobot.db.messages.content import TITLE_LIMIT
from djangobot.db.messages.files.incoming_files import FILES_MOST
from djangobot.db.messages.new_message import REPLACE_LIMIT, TEXT_LIMIT
from djangobot.db.messages.rich_text.formats import Format
from djangobot.db.messages.rich_text.hashtags import TAGS_LIMIT, as_tag
from djangobot.http.inlets.common.markdown import markdown_escaped
from djangobot.http.inlets.common.message import InletMessage

NOTHING = "triggered"
"""The text of a call that says nothing."""
BUTTONS_IN_ROW = 2
"""As many as can be read on a phone."""
LONGEST_LINE = 4 * TITLE_LIMIT
"""Characters of a line that are looked at before it is cut."""


def shortened(message: InletMessage) -> InletMessage:
    """The message within all limits, with a text that can be seen or with files."""
    title, rest = _title(message.title[:TEXT_LIMIT])
    text = UNSTORABLE.sub("", message.text)
    files = tuple(file for file in message.files if file.content)[:FILES_MOST]
    if not visible(text):
        text = ""
    if rest:
        text = _above(rest, text, message.format)
    if not text and not files:
        text, title = _above(title or NOTHING, "", message.format), ""
    text = cut(text, TEXT_LIMIT)
    return msgspec.structs.replace(
        message,
        text=text,
        title=title,
        tags=kept_tags(as_tag(UNSTORABLE.sub("", tag[:LONGEST_LINE])) for tag in message.tags[:100]),
        buttons=tuple(_buttons(message.buttons)),
        files=files,
        replace=_name(message.replace),
        reply_to=_name(message.reply_to),
        key=_key(message.key),
    )


def kept_tags(tags: Iterable[str | None]) -> tuple[str, ...]:
    """Those that are hashtags, each once, as many as a message may have."""
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:TAGS_LIMIT]


def _title(written: str) -> tuple[str, str]:
    """A title, and what of it is too long for one: the text begins with that."""
    whole = nameable(written, TEXT_LIMIT)
    title = cut(whole, TITLE_LIMIT)
    return title, "" if title == whole else f"…{whole[len(title) - 1 :].lstrip()}"


def _above(plain: str, text: str, markup: Format) -> str:
    """A text in this format, below a line that means nothing in it."""
    if markup == "html":
        return "<br>".join(part for part in (escape(plain, quote=False), text) if part)
    if markup == "markdown":
        plain = markdown_escaped(plain)
    return "\n\n".join(part for part in (plain, text) if part)


def rows(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    """The buttons as they stand below the message."""
    return tuple(tuple(buttons[at : at + BUTTONS_IN_ROW]) for at in range(0, len(buttons), BUTTONS_IN_ROW))


def cut(text: str, limit: int) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def line(text: str, limit: int) -> str:
    """The text as one line that shows something, or nothing."""
    return cut(nameable(text[:LONGEST_LINE], LONGEST_LINE), limit)


def _buttons(buttons: Sequence[Button]) -> list[Button]:
    found: list[Button] = []
    for button in buttons:
        named = msgspec.structs.replace(button, text=line(button.text, BUTTON_TEXT_LIMIT) or "Open")
        if wrong_buttons(((named,),)) is None and named not in found:
            found.append(named)
    return found[: BUTTON_ROWS * BUTTONS_IN_ROW]


def _name(name: str | None) -> str | None:
    """A replace key. A digest stands for one that is too long or has other characters."""
    if name is None or line_error(name, REPLACE_LIMIT) is None:
        return name
    return _digest(name)


def _key(key: str | None) -> str | None:
    """An idempotency key, likewise."""
    return key if key is None or IDEMPOTENCY_KEY.fullmatch(key) else _digest(key)


def _digest(name: str) -> str:
    return sha256(name.encode("utf-8", "replace")).hexdigest()

"""A new message: what a sender asks for, and what they are answered."""

import asyncio
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args

import msgspec

from djangobot.db.errors import FieldsInvalid, TextTooLong
from djangobot.db.fields import blank, check_idempotency_key, line_error, unstorable, visible
from djangobot.db.messages import content as contents
from djangobot.db.messages import send_time
from djangobot.db.messages.buttons import Button, wrong_buttons
from djangobot.db.messages.content import Content
from djangobot.db.messages.files.files import StoredFile
from djangobot.db.messages.rich_text import formats
from djangobot.db.messages.rich_text.formats import Format
from djangobot.db.messages.rich_text.hashtags import wrong_tags
from djangobot.db.messages.rich_text.limits import MESSAGE_LIMIT, MESSAGES_LIMIT

TEXT_LIMIT = 65_536
"""Characters. A text that is longer than one message of Telegram arrives as several messages, or as a
file."""
FORMATTED_AT_ONCE = 8192
"""Characters that are formatted without a thread of their own: a few milliseconds."""
TTL_MOST = 30 * 24 * 60 * 60
"""Seconds: thirty days. A sender who allows more time than that needs no expiry."""
REPLACE_LIMIT = 64
"""Characters of a replace key."""
MessageType = Literal["Text", "Document", "File"]
TYPES: tuple[MessageType, ...] = get_args(MessageType)


class NewMessage(msgspec.Struct, frozen=True):
    """What a sender asks for. `ttl`: seconds after which the message is not sent any more. An `urgent`
    message is sent before others. With `key`, the sender's own name for this message, it is accepted once,
    however often it is repeated. `wait`: seconds to wait until the message is settled. `network`: the
    sender's network; the person is told of a new one. `text` is markup in this `format` until `formatted`
    has read it. `replace` is the sender's name for a message that changes; a later
    message with the same one edits it. `reply_to` is the id or the replace key of the message that this one
    answers. `files` have come whole; they are shown in this order. It is sent after `delay`
    seconds or at the time `send_at` (RFC 3339), and `ttl` counts from then. `rich` is what then goes with the
    text, as db/messages/content.py keeps it."""

    text: str
    type: str = "Text"
    urgent: bool = False
    ttl: int | None = None
    key: str | None = None
    wait: float = 0
    network: str | None = None
    format: Format = "plain"
    title: str = ""
    tags: tuple[str, ...] = ()
    silent: bool = False
    preview: bool = False
    progress: float | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    files: tuple[StoredFile, ...] = ()
    delay: float | None = None
    send_at: str | None = None
    replace: str | None = None
    reply_to: str | None = None
    rich: str | None = None
    request: str | None = None
    """A digest of what was asked for, when a row does not tell it. Set by `formatted`."""

    def sends(self, accepted: datetime) -> datetime | None:
        """When it is to be sent. None for at once."""
        if self.send_at is not None:
            return send_time.read_time(self.send_at)
        return accepted + timedelta(seconds=self.delay) if self.delay else None

    def expires(self, accepted: datetime) -> datetime | None:
        if self.ttl is None:
            return None
        return max(accepted, self.sends(accepted) or accepted) + timedelta(seconds=self.ttl)

    def check(self) -> None:
        """Raises FieldsInvalid, TextTooLong."""
        found = {
            "type": None if self.type in TYPES else f"must be one of: {', '.join(TYPES)}",
            "text": unstorable(self.text) or (None if self.files else blank(self.text)),
            "ttl": _wrong_ttl(self.ttl),
            **({} if self.is_text_alone else self._wrong_beside_the_text()),
        }
        if details := {field: wrong for field, wrong in found.items() if wrong}:
            raise FieldsInvalid(details)
        if len(self.text) > TEXT_LIMIT:
            raise TextTooLong
        if self.key is not None:
            check_idempotency_key(self.key)

    def _wrong_beside_the_text(self) -> dict[str, str | None]:
        found = {
            "format": contents.wrong_format(self.format),
            "title": contents.wrong_title(self.title),
            "tags": wrong_tags(self.tags),
            "progress": contents.wrong_progress(self.progress),
            "buttons": wrong_buttons(self.buttons),
            "delay": send_time.wrong_delay(self.delay),
            "send_at": send_time.wrong_time(self.send_at),
            "replace": _wrong_name(self.replace, REPLACE_LIMIT),
            "reply_to": _wrong_name(self.reply_to, REPLACE_LIMIT),
        }
        if self.delay is not None and self.send_at is not None:
            found["send_at"] = "must not stand beside `delay`"
        return found

    @property
    def is_text_alone(self) -> bool:
        """Whether all fields behind `network` have their defaults."""
        return msgspec.structs.astuple(self)[BESIDE_THE_TEXT:] == NOTHING_BESIDE

    @property
    def is_plain(self) -> bool:
        """Whether it is a message of its own, without files and tags: one statement accepts it."""
        return not (self.files or self.tags) and self.replace is None and self.reply_to is None

    async def formatted(self) -> "NewMessage":
        """The message with the text that people will see, and with all else they will see."""
        self = self._with_request()
        adds = self.title or self.tags or self.silent or self.preview or self.buttons or self.files
        if self.format == "plain" and self.progress is None and not adds:
            return self
        if len(self.text) <= FORMATTED_AT_ONCE:
            return self._formatted()
        return await asyncio.to_thread(self._formatted)

    def _with_request(self) -> "NewMessage":
        if self.replace is None and self.reply_to is None:
            return self
        asked = msgspec.structs.replace(self, key=None, wait=0, network=None, files=())
        written = msgspec.json.encode((asked, [file.name for file in self.files]))
        return msgspec.structs.replace(self, request=sha256(written).hexdigest())

    def _formatted(self) -> "NewMessage":
        shown = formats.parse(self.text, self.format)
        if not visible(shown.text):  # the markup alone is all there is to see
            shown = formats.parse(self.text)
        long = len(self.text) > MESSAGES_LIMIT * MESSAGE_LIMIT // 2
        content = Content(
            spans=shown.spans,
            format=self.format,
            title=self.title,
            tags=tuple(dict.fromkeys(self.tags)),
            silent=self.silent,
            preview=self.preview,
            progress=self.progress,
            buttons=self.buttons,
            files=tuple(file.info() for file in self.files),
            as_documents=bool(self.files) and self.type == "Document",
            source=self.text if long and self.text != shown.text else None,
        )
        return msgspec.structs.replace(self, text=shown.text, rich=contents.encode(content))


BESIDE_THE_TEXT = NewMessage.__struct_fields__.index("format")
NOTHING_BESIDE = msgspec.structs.astuple(NewMessage(""))[BESIDE_THE_TEXT:]


class Accepted(msgspec.Struct, frozen=True):
    """What became of a message by the time the sender is answered. `repeated`: it was accepted before, under
    the same key."""

    id: str
    status: str
    failure: str | None = None
    repeated: bool = False
    token_id: int | None = None


def _wrong_name(name: str | None, limit: int) -> str | None:
    return None if name is None else line_error(name, limit)


def _wrong_ttl(ttl: int | None) -> str | None:
    return None if ttl is None or 1 <= ttl <= TTL_MOST else f"must be a whole number from 1 to {TTL_MOST}"

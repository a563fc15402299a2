"""A publication: what a client of ntfy sends, the message made of it, and ntfy's own message object."""

import re
from datetime import datetime
from typing import Any

import msgspec

from djangobot.db.fields import UNSTORABLE
from djangobot.db.messages.buttons import Button
from djangobot.db.messages.new_message import TEXT_LIMIT, Accepted
from djangobot.db.messages.rich_text.formats import Format
from djangobot.db.messages.send_time import DELAY_MOST
from djangobot.http.body.requests import BOM
from djangobot.http.errors import Refused
from djangobot.http.inlets.common.links import host_of, link_line, opens, tags_line, with_lines
from djangobot.http.inlets.common.message import InletFile, InletMessage
from djangobot.http.inlets.common.request import InletRequest, parsed
from djangobot.http.inlets.ntfy import delays, parameters, tags
from djangobot.http.inlets.ntfy.actions import Action, ActionsInvalid, parse
from djangobot.http.inlets.ntfy.parameters import Parameters

TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
EMPTY = "triggered"
"""The text of a publication that says nothing."""
RECEIVED = "You received a file: {}"
PRIORITIES = {
    "": 3, "1": 1, "min": 1, "2": 2, "low": 2, "3": 3, "default": 3, "4": 4, "high": 4, "5": 5, "max": 5,
    "urgent": 5, "0": 3,
}  # fmt: skip
NORMAL, LOUDEST = 3, 5
LINK = re.compile("https?://", re.IGNORECASE)
MARKDOWN = "text/markdown"
SIGNATURES = (
    (b"\x89PNG\r\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF8", ".gif"),
    (b"%PDF-", ".pdf"),
    (b"PK\x03\x04", ".zip"),
    (b"\x1f\x8b", ".gz"),
    (b"OggS", ".ogg"),
    (b"ID3", ".mp3"),
)
"""How a file without a name begins, and the end of the name it gets."""


class PublicationRefused(Refused):
    """A refusal under ntfy's own number for it."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(400, sentence)
        self.code = code


class Publication(msgspec.Struct, frozen=True):
    """What a client of ntfy publishes. `delay`: seconds from now. `files` came as the body or in a form."""

    topic: str
    text: str = ""
    title: str = ""
    priority: int = NORMAL
    tags: tuple[str, ...] = ()
    click: str = ""
    attach: str = ""
    filename: str = ""
    actions: tuple[Action, ...] = ()
    delay: float | None = None
    markdown: bool = False
    sequence: str = ""
    files: tuple[InletFile, ...] = ()


class Attachment(msgspec.Struct, omit_defaults=True):
    """A file of ntfy's message object."""

    name: str
    url: str = msgspec.field(default_factory=str)
    size: int = 0


class ShownAction(msgspec.Struct):
    """An action of ntfy's message object."""

    id: str
    action: str
    label: str
    url: str
    clear: bool = False


class PublishedMessage(msgspec.Struct, omit_defaults=True):
    """ntfy's message object. `id` is that of the message here."""

    id: str
    time: int
    event: str = msgspec.field(default_factory=lambda: "message")
    topic: str = ""
    sequence_id: str = ""
    title: str = ""
    message: str = ""
    priority: int = NORMAL
    tags: tuple[str, ...] = ()
    click: str = ""
    actions: tuple[ShownAction, ...] = ()
    attachment: Attachment | None = None
    content_type: str = ""


def of_json(request: InletRequest) -> dict[str, Any]:
    """The fields of a publication in JSON; their names may be in upper case. Raises Refused."""
    found = parsed(request.body)
    if not isinstance(found, dict):
        raise PublicationRefused(40024, "invalid request: request body must be valid JSON")
    return {str(name).lower(): value for name, value in found.items()}


def read(
    request: InletRequest, topic: str, now: datetime, fields: dict[str, Any] | None = None, sequence: str = ""
) -> Publication:
    """A publication: with `fields` in JSON, and otherwise with the body as text or file. A time of the day is
    meant in the time zone of `now`. Raises Refused."""
    given = Parameters(request, fields)
    text, files = _body(request, given, in_json=fields is not None)
    attach = given.text(parameters.ATTACH)
    if attach and not LINK.match(attach):
        raise PublicationRefused(40013, "invalid request: attachment URL is invalid")
    return Publication(
        topic,
        text=text,
        title=given.text(parameters.TITLE),
        priority=_priority(given.text(parameters.PRIORITY)),
        tags=given.words(parameters.TAGS),
        click=given.text(parameters.CLICK),
        attach=attach,
        filename=given.text(parameters.FILENAME),
        actions=_actions(given.text(parameters.ACTIONS)),
        delay=_delay(given.text(parameters.DELAY), now),
        markdown=given.switch(parameters.MARKDOWN)
        or given.text(parameters.CONTENT_TYPE).partition(";")[0].strip().lower() == MARKDOWN,
        sequence=sequence or given.text(parameters.SEQUENCE),
        files=files,
    )


def message_of(publication: Publication, tag: str = "") -> InletMessage:
    """The message for the chat. `tag` is a further hashtag."""
    markup: Format = "markdown" if publication.markdown else "plain"
    emoji, others = tags.split(publication.tags)
    title, text = publication.title, publication.text
    if title:
        title = f"{emoji} {title}".strip()
    else:
        text = f"{emoji} {text or ('' if publication.files else EMPTY)}".strip()
    buttons, lines = _links(publication, markup)
    return InletMessage(
        text=with_lines(text, [*lines, *tags_line(others, markup)]),
        title=title,
        format=markup,
        tags=(*others, tag) if tag else others,
        silent=publication.priority < NORMAL,
        urgent=publication.priority == LOUDEST,
        preview=bool(publication.attach),
        buttons=tuple(buttons),
        files=publication.files,
        delay=publication.delay,
        replace=publication.sequence or None,
    )


def published(publication: Publication, accepted: Accepted, now: datetime) -> PublishedMessage:
    """ntfy's answer."""
    file = publication.files[0] if publication.files else None
    attachment = None
    if publication.attach:
        attachment = Attachment(publication.filename or _last_part(publication.attach), publication.attach)
    elif file is not None:
        attachment = Attachment(file.name, size=len(file.content))
    said = RECEIVED.format(attachment.name) if attachment else EMPTY
    return PublishedMessage(
        accepted.id,
        int(now.timestamp() + (publication.delay or 0)),
        topic=publication.topic,
        sequence_id=publication.sequence,
        title=publication.title,
        message=publication.text or said,
        priority=publication.priority,
        tags=publication.tags,
        click=publication.click,
        actions=tuple(
            ShownAction(str(number), one.action, one.label, one.url)
            for number, one in enumerate(publication.actions, start=1)
        ),
        attachment=attachment,
        content_type=MARKDOWN if publication.markdown else "",
    )


def _body(request: InletRequest, given: Parameters, *, in_json: bool) -> tuple[str, tuple[InletFile, ...]]:
    """The text and the files. With a file name, and when it is no text, the body is a file."""
    said = given.text(parameters.MESSAGE)
    if in_json:
        return said or EMPTY, ()
    said = said.replace("\\n", "\n")  # a header has no line breaks
    if request.files or (request.fields and not request.body):
        return UNSTORABLE.sub("", request.fields.get("message", said)), request.files
    body, name = request.body, given.text(parameters.FILENAME)
    if given.text(parameters.ATTACH):
        name = ""
    try:
        text = None if name else UNSTORABLE.sub("", body.removeprefix(BOM).decode()).strip()
    except UnicodeDecodeError:
        text = None
    if body and (text is None or len(text) > TEXT_LIMIT):
        return said, (InletFile(name or f"attachment{_ending(body, text)}", body),)
    return text or said, ()


def _ending(body: bytes, text: str | None) -> str:
    if text is not None:
        return ".txt"
    return next((ending for start, ending in SIGNATURES if body.startswith(start)), ".bin")


def _priority(written: str) -> int:
    priority = PRIORITIES.get(written.lower())
    if priority is None:
        raise PublicationRefused(40007, "invalid priority parameter")
    return priority


def _actions(written: str) -> tuple[Action, ...]:
    try:
        return parse(written)
    except ActionsInvalid as exc:
        raise PublicationRefused(40018, f"invalid request: actions invalid; {exc}") from None


def _delay(written: str, now: datetime) -> float | None:
    if not written:
        return None
    seconds = delays.seconds_until(written, now)
    if seconds is None:
        raise PublicationRefused(40004, "invalid delay parameter: unable to parse delay")
    if seconds < 0:
        raise PublicationRefused(40005, "invalid delay parameter: too small, please refer to the docs")
    if seconds > DELAY_MOST:
        raise PublicationRefused(40006, "invalid delay parameter: too large, please refer to the docs")
    return seconds


def _links(publication: Publication, markup: Format) -> tuple[list[Button], list[str]]:
    """Buttons, and lines for what Telegram takes no button for. An action that does more than to open an
    address has neither: a browser would do something else."""
    buttons: list[Button] = []
    lines: list[str] = []
    if publication.attach:
        lines.append(link_line("📎", publication.filename, publication.attach, markup))
    links = [(one.label, one.url) for one in publication.actions if one.opens]
    if publication.click and publication.click not in (url for _, url in links):
        links.append(("", publication.click))
    for label, url in links:
        if opens(url):
            buttons.append(Button(label or host_of(url), url=url))
        else:
            lines.append(link_line("🔗", label, url, markup))
    lines += [
        link_line("📋", one.label, one.value, markup) for one in publication.actions if one.action == "copy"
    ]
    return buttons, lines


def _last_part(url: str) -> str:
    return re.sub(r"[?#].*", "", url, flags=re.DOTALL).rstrip("/").rpartition("/")[2] or "attachment"

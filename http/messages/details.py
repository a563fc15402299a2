"""The details of a message that the history and its status both have."""

from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from djangobot.db.messages.messages import Entry
from djangobot.http.body.optional import or_unset


class ShownFile(msgspec.Struct):
    """A file of a message, as lists name it. `size` is in bytes."""

    name: str
    size: int
    mime: str


class Details(msgspec.Struct, kw_only=True):
    """The fields of an answer that are left out where a message has none of it."""

    failure: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    files: tuple[ShownFile, ...] | UnsetType = UNSET
    send_at: str | UnsetType = UNSET
    edited: int | UnsetType = UNSET
    deleted: str | UnsetType = UNSET


Shown = TypeVar("Shown", bound=Details)


def with_details(shown: Shown, entry: Entry) -> Shown:
    """The answer, with what there is of this message."""
    files = tuple(ShownFile(file.name, file.size, file.mime) for file in entry.content.files)
    shown.failure = or_unset(entry.failure)
    shown.title = or_unset(entry.content.title or None)
    shown.tags = or_unset(entry.content.tags or None)
    shown.files = or_unset(files or None)
    shown.send_at = or_unset(None if entry.send_at is None else moment(entry.send_at))
    shown.edited = or_unset(entry.edited or None)
    in_chat = entry.status == "sent"
    shown.deleted = or_unset(moment(entry.deleted) if in_chat and entry.deleted is not None else None)
    return shown


def moment(time: datetime) -> str:
    """The format of the original: 2023-09-25T02:47:11.305832Z, always with six decimals."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

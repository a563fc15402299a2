"""The bodies of the JSON API's requests."""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Request

from djangobot.bot.sandbox.web.errors import Problem

T = TypeVar("T")

# core.telegram.org/method/help.getConfig, message_length_max: a client lets nobody type more.
MAX_SAID = 4096
# Bytes of a person's file: as large as a photo may be. Our own choice.
MAX_FILE = 10 << 20


class NewPerson(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /people."""

    first_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    id: Annotated[int, msgspec.Meta(gt=0, lt=1 << 52)] | None = None
    last_name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    username: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z]\w{2,31})?$")] = ""
    language: Annotated[str, msgspec.Meta(pattern=r"^([a-z]{2}(-[A-Za-z]+)?)?$")] = ""


class SaidFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A file that a person sends; its bytes come in Base64."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    data: Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_FILE)]
    mime: Annotated[str, msgspec.Meta(pattern=r"^[\w.+-]+/[\w.+-]+$")] = "application/octet-stream"
    kind: Literal["photo", "document", "video", "video_note", "animation", "audio", "voice", "sticker"] = (
        "document"
    )


class SaidContact(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A contact that a person shares."""

    phone_number: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    first_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    last_name: Annotated[str, msgspec.Meta(max_length=64)] = ""


class SaidLocation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A place that a person shares."""

    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)]


class Forwarded(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who wrote it first: somebody who is here, or the name of somebody hidden."""

    person: int | None = None
    name: Annotated[str, msgspec.Meta(max_length=128)] = ""


class Said(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/say."""

    text: Annotated[str, msgspec.Meta(max_length=MAX_SAID)] = ""
    file: SaidFile | None = None
    contact: SaidContact | None = None
    location: SaidLocation | None = None
    forwarded: Forwarded | None = None
    reply_to: int | None = None
    bot: int | None = None


class Edited(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/edit."""

    message_id: int
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SAID)]
    bot: int | None = None


class Deleted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/delete."""

    message_ids: Annotated[list[int], msgspec.Meta(min_length=1, max_length=100)]
    bot: int | None = None


class Reacted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/react; null takes the reaction back."""

    message_id: int
    emoji: Annotated[str, msgspec.Meta(min_length=1, max_length=16)] | None
    bot: int | None = None


class Pinned(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/pin."""

    message_id: int
    pinned: bool = True
    bot: int | None = None


class Pressed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/press."""

    message_id: int
    data: Annotated[str, msgspec.Meta(min_length=1)]
    bot: int | None = None


class Aimed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/block, /unblock and /read; the body may be absent."""

    bot: int | None = None


class SettingsChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """POST /settings: the settings to change."""

    repeats: str | msgspec.UnsetType = msgspec.UNSET
    answers: str | msgspec.UnsetType = msgspec.UNSET
    resend_answers: bool | msgspec.UnsetType = msgspec.UNSET
    keep_updates: bool | msgspec.UnsetType = msgspec.UNSET
    strict_limits: bool | msgspec.UnsetType = msgspec.UNSET
    clock_shift: float | msgspec.UnsetType = msgspec.UNSET
    press_timeout: float | msgspec.UnsetType = msgspec.UNSET
    code: str | msgspec.UnsetType = msgspec.UNSET


async def read_body(request: Request[Any, Any, Any], shape: type[T], *, empty: bool = False) -> T:
    """The request's JSON as `shape`; a clear 400 otherwise. `empty`: an absent body means the defaults."""
    body = await request.body()
    if empty and not body.strip():
        return shape()
    try:
        return msgspec.json.decode(body, type=shape)
    except UnicodeDecodeError as exc:
        raise Problem(400, "the body is not UTF-8") from exc
    except msgspec.DecodeError as exc:
        raise Problem(400, str(exc)) from exc

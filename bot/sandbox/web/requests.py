"""The bodies of the JSON API's requests."""

from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request

from djangobot.bot.sandbox.web.errors import Problem

T = TypeVar("T")

# core.telegram.org/method/help.getConfig, message_length_max: a client lets nobody type more.
MAX_SAID = 4096


class NewPerson(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /people."""

    first_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    id: Annotated[int, msgspec.Meta(gt=0, lt=1 << 52)] | None = None
    last_name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    username: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z]\w{2,31})?$")] = ""
    language: Annotated[str, msgspec.Meta(pattern=r"^([a-z]{2}(-[A-Za-z]+)?)?$")] = ""


class Said(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /chats/{id}/say."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SAID)]
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

"""/api/messages/{id}: what became of a message, at once or when that changes."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.types import Receive
from msgspec import UNSET, Meta, UnsetType

from djangobot.db.clock import utc_now
from djangobot.db.credentials import gotify_form
from djangobot.db.errors import MessageNotFound
from djangobot.db.messages import messages
from djangobot.db.messages.messages import Entry
from djangobot.db.messages.presses import Pressed
from djangobot.http.access_log import note_caller
from djangobot.http.auth import bearer
from djangobot.http.body.bodies import BROKEN_OFF
from djangobot.http.body.optional import or_unset
from djangobot.http.body.requests import read_query
from djangobot.http.entity_tags import Known, tag_of
from djangobot.http.errors import Refused, unauthorized
from djangobot.http.messages.details import Details, moment, with_details
from djangobot.http.responses import HEADERS, Answer, Call, answer
from djangobot.http.state import state_of

WAIT_MOST = 60
"""Seconds."""
T = TypeVar("T")


class Waiting(msgspec.Struct, forbid_unknown_fields=True):
    """The query: how many seconds to wait for a change."""

    wait: Annotated[int, Meta(ge=0, le=WAIT_MOST)] = 0


class PressedButton(msgspec.Struct):
    """The button that the person has pressed, and when."""

    value: str
    text: str
    time: str


class MessageStatus(Details):
    """A message and what became of it."""

    answer: str
    id: str
    status: str
    time: str
    text: str
    type: str
    pressed: PressedButton | UnsetType = UNSET


@HTTPRouteHandler(
    "/api/messages/{id:str}", http_method=["GET", "HEAD"], status_code=200, opt={"query": Waiting}
)
async def show(request: Call) -> Answer:
    wait = read_query(Waiting, request.scope).wait
    public_id, token = asked_for(request)
    caller = Caller(Known(request.scope))
    if not wait:
        return _shown(await messages.of_token(public_id, token, utc_now()), caller)
    with state_of(request.scope).limits.waiting.enter(token=gotify_form(token)):
        changed = messages.once_changed(public_id, token, caller.knows, wait)
        return _shown(await unless_gone(changed, request.receive), caller)


def asked_for(request: Call) -> tuple[str, str]:
    """The id of the message that the path names, and the bot token. Raises Refused, MessageNotFound."""
    token = bearer(request.scope)
    if token is None:
        raise unauthorized("Send the bot token: Authorization: Bearer <bot_token>.")
    public_id = _canonical(request.path_params["id"])
    note_caller(request.scope, token)
    return public_id, token


def _canonical(public_id: str) -> str:
    """A message's id as it is stored. Raises MessageNotFound for text that can't be an id."""
    try:
        return str(UUID(public_id.strip()))
    except ValueError as exc:
        raise MessageNotFound from exc


def status_of(entry: Entry) -> MessageStatus:
    """The message as the answer has it."""
    pressed = None if entry.pressed is None else _pressed_button(entry.pressed)
    status = MessageStatus(
        "success",
        entry.id,
        entry.status,
        moment(entry.time),
        entry.text,
        entry.type,
        pressed=or_unset(pressed),
    )
    return with_details(status, entry)


def _pressed_button(pressed: Pressed) -> PressedButton:
    return PressedButton(pressed.value, pressed.text, moment(pressed.time))


def tag_of_entry(entry: Entry) -> str:
    """The entity tag of the answer. Whether a message is being sent at this moment makes no difference."""
    status = status_of(entry)
    if status.status == "sending":
        status.status = "queued"
    return tag_of(msgspec.json.encode(status))


class Caller:
    """What a caller knows of a message. One that says nothing of it, or `*`, knows what is first read."""

    def __init__(self, tags: Known) -> None:
        self.tags = tags
        self._first: str | None = None

    def knows(self, entry: Entry) -> bool:
        """Whether it is as the caller knows it."""
        tag = tag_of_entry(entry)
        if self.tags.given and not self.tags.any:
            return self.tags.has(tag)
        self._first = self._first or tag
        return tag == self._first


def _shown(entry: Entry, caller: Caller) -> Answer:
    tag = tag_of_entry(entry)
    if caller.tags.given and caller.knows(entry):
        return Answer(b"", status_code=304, headers={**HEADERS, "etag": tag})
    return answer(status_of(entry), headers={"etag": tag})


async def unless_gone(work: Awaitable[T], receive: Receive) -> T:
    """The result of this work. It ends when the client hangs up."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Refused(400, BROKEN_OFF)
    finally:
        working.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] == "http.request":
        pass

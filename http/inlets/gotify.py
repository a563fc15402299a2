"""POST /message and GET /version: for programs that send to Gotify."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope
from msgspec import Meta

from djangobot.db.clock import utc_now
from djangobot.db.fields import UNSTORABLE
from djangobot.db.messages.buttons import Button
from djangobot.db.messages.new_message import Accepted
from djangobot.db.messages.rich_text.formats import Format
from djangobot.http.body.bodies import header_of
from djangobot.http.body.fields import NO_NUL
from djangobot.http.errors import Refused
from djangobot.http.inlets.common.accept import accept, sender_of
from djangobot.http.inlets.common.errors import in_shape
from djangobot.http.inlets.common.json import at
from djangobot.http.inlets.common.links import host_of, link_line, opens, with_lines
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest, query_of, read_request
from djangobot.http.inlets.common.tokens import given_or_authorized
from djangobot.http.messages.details import moment
from djangobot.http.responses import JSON, Answer, Call, answer
from djangobot.http.state import state_of

API_VERSION = "2.9.1"
"""The version of Gotify whose API this is."""
NO_TOKEN = "A bot token is missing: as `token` in the query, as X-Gotify-Key, or as Authorization: Bearer."  # noqa: S105
QUIETEST = 3
"""Up to this priority Gotify's app makes no sound."""
NORMAL = 5
LOUDEST = 8
"""From this priority on it also vibrates."""
LONG = 2**63 - 1
ID_BITS = 10
"""Random bits of a number that stands for a message."""


class CreateMessage(msgspec.Struct, frozen=True):
    """What a program sends to Gotify."""

    message: Annotated[str, Meta(min_length=1, pattern=NO_NUL)]
    title: str = ""
    priority: Annotated[int, Meta(ge=-LONG, le=LONG)] = NORMAL
    extras: dict[str, Any] = {}


class CreatedMessage(msgspec.Struct):
    """Gotify's message object. `extras` has our own id and status beside what was sent."""

    id: int
    appid: int
    message: str
    title: str
    priority: int
    extras: dict[str, Any]
    date: str


class GotifyError(msgspec.Struct, rename="camel"):
    """Gotify's error object."""

    error: str
    error_code: int
    error_description: str


class VersionInfo(msgspec.Struct, rename="camel"):
    """Gotify's answer to the question for its version."""

    version: str
    commit: str
    build_date: str


def error_of(status: int, sentence: str, _: Exception) -> GotifyError:
    """A refusal, as Gotify words it."""
    return GotifyError(HTTPStatus(status).phrase, status, sentence)


STARTED = moment(utc_now())


@HTTPRouteHandler("/version", http_method=["GET", "HEAD"], opt={"query": True})
async def version(request: Call) -> Answer:
    commit = f"djangobot-{state_of(request.scope).config.version}"
    return answer(VersionInfo(API_VERSION, commit, STARTED))


@HTTPRouteHandler(
    "/message", http_method=["POST"], opt={"query": True}, exception_handlers=in_shape(error_of)
)
async def create_message(request: Call) -> Answer:
    """The token is checked before the body is read. 200 means that the message is on disk."""
    token = token_of(request.scope)
    sender = await sender_of(request.scope, token)
    created = read(await read_request(request.scope, request.receive))
    accepted = await accept(request.scope, token, sender, message_of(created), "gotify")
    return answer(_created(created, accepted, sender.token))


def token_of(scope: Scope) -> str:
    """The bot token. Raises Refused when there is none."""
    given = query_of(scope).get("token") or header_of(scope, b"x-gotify-key")
    return given_or_authorized(scope, given, NO_TOKEN)


def read(request: InletRequest) -> CreateMessage:
    """The message in JSON, in a form or in the query. Names in JSON may be in upper case, as for Gotify.
    Raises Refused."""
    body = request.json
    if request.body.strip() and body is None and request.kind == JSON:
        raise Refused(400, "The body is not valid JSON.")
    fields: dict[str, Any] = {**request.query, **request.fields}
    if isinstance(body, dict):
        fields |= {str(name).lower(): value for name, value in body.items()}
    message, extras = _text(fields, "message"), fields.get("extras")
    if not message:
        raise Refused(400, "Field 'message' is required")
    return CreateMessage(
        message=message,
        title=_text(fields, "title"),
        priority=_priority(fields.get("priority")),
        extras=extras if isinstance(extras, dict) and _repeatable(extras) else {},
    )


def message_of(created: CreateMessage) -> InletMessage:
    """The message for the chat."""
    is_markdown = at(created.extras, "client::display", "contentType") == "text/markdown"
    markup: Format = "markdown" if is_markdown else "plain"
    picture = _text(created.extras, "client::notification", "bigImageUrl")
    lines = [link_line("🖼", "", picture, markup)] if picture else []
    buttons: tuple[Button, ...] = ()
    if click := _text(created.extras, "client::notification", "click", "url"):
        if opens(click):
            buttons = (Button(host_of(click), url=click),)
        else:
            lines.append(link_line("🔗", "", click, markup))
    return InletMessage(
        text=with_lines(created.message, lines),
        title=created.title,
        format=markup,
        silent=created.priority <= QUIETEST,
        urgent=created.priority >= LOUDEST,
        preview=bool(picture),
        buttons=buttons,
    )


def number_of(public_id: str) -> int:
    """Gotify's ids are numbers. This one grows with time, as theirs do, and fits into the 53 bits that
    JavaScript has for a number."""
    number = UUID(public_id).int
    return (number >> 80) << ID_BITS | number & (1 << ID_BITS) - 1


def _created(created: CreateMessage, accepted: Accepted, token_id: int) -> CreatedMessage:
    return CreatedMessage(
        id=number_of(accepted.id),
        appid=token_id,
        message=created.message,
        title=created.title,
        priority=created.priority,
        extras={**created.extras, "djangobot::message": {"id": accepted.id, "status": accepted.status}},
        date=moment(utc_now()),
    )


def _repeatable(extras: dict[str, Any]) -> bool:
    """Whether this can be part of an answer: JSON from outside may hold numbers and halves of characters that
    ours can't."""
    try:
        msgspec.json.encode(extras)
    except (ValueError, OverflowError, RecursionError):
        return False
    return True


def _text(fields: dict[str, Any], *path: str) -> str:
    found = at(fields, *path)
    return UNSTORABLE.sub("", found) if isinstance(found, str) else ""


def _priority(given: object) -> int:
    if given is None or given == "":
        return NORMAL
    try:
        priority = int(given) if isinstance(given, (int, float, str)) else None
    except (ValueError, OverflowError):
        priority = None
    if priority is None or abs(priority) > LONG:
        raise Refused(400, "Field 'priority' is not valid")
    return priority

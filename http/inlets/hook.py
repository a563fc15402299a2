"""POST and PUT of /api/hook: takes what a program sends, in the format that hook_formats.py recognises."""

import traceback

import structlog
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from djangobot.db.errors import TooManyRequests
from djangobot.http.body.bodies import header_of
from djangobot.http.body.requests import PLAIN
from djangobot.http.errors import Refused, whole_seconds
from djangobot.http.inlets.common import signatures
from djangobot.http.inlets.common.accept import accept, sender_of
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest, read_request
from djangobot.http.inlets.common.tokens import given_or_authorized
from djangobot.http.inlets.hook_formats import Format, format_of
from djangobot.http.messages.sending import SendResult
from djangobot.http.responses import HEADERS, Answer, Call, answer
from djangobot.http.state import state_of

log = structlog.get_logger(__name__)

HOOK = "/api/hook"
NO_TOKEN = "A bot token is missing: in the path, as Authorization: Bearer or Basic, or as X-Bot-Token."  # noqa: S105
REPLAYED = {"idempotency-replayed": "true"}


@HTTPRouteHandler([HOOK, f"{HOOK}/{{bot_token:str}}"], http_method=["POST", "PUT"], opt={"query": True})
async def hook(request: Call) -> Answer:
    """The token is checked before the body is read. 200 means that the message is on disk."""
    given = request.path_params.get("bot_token") or header_of(request.scope, b"x-bot-token")
    token = given_or_authorized(request.scope, given, NO_TOKEN)
    sender = await sender_of(request.scope, token)
    read = await read_request(request.scope, request.receive)
    found = format_of(read)
    key = state_of(request.scope).config.session_key
    await signatures.check(read, found.is_signed, sender.token, found.name, key)
    try:
        accepted = await accept(request.scope, token, sender, _message(found, read), found.name)
    except TooManyRequests as exc:
        raise Refused(
            found.throttle, str(exc), headers={"retry-after": str(whole_seconds(exc.retry_after))}
        ) from None
    if found.answer is not None and (text := found.answer(read)):
        return Response(text.encode(), status_code=200, media_type=PLAIN, headers=HEADERS)
    told = SendResult("message was accepted", accepted.id, accepted.status)
    return answer(told, headers=REPLAYED if accepted.repeated else None)


def _message(found: Format, request: InletRequest) -> InletMessage:
    """The message. A body that its format can't read, for a fault of ours, is shown as it is."""
    try:
        return found.read(request)
    except Exception as exc:
        frame = traceback.extract_tb(exc.__traceback__)[-1]
        where = f"{frame.filename}:{frame.lineno}"
        log.error("webhook not understood", format=found.name, error=type(exc).__name__, at=where)
        return InletMessage(text=request.text)

"""DELETE /api/messages/{id}: a program takes a message back."""

from litestar.handlers import HTTPRouteHandler

from djangobot.db.credentials import gotify_form
from djangobot.db.messages import deletions
from djangobot.db.messages.deletions import Deletion
from djangobot.http.body.bodies import header_of
from djangobot.http.messages.sending import SendResult, preferred
from djangobot.http.messages.status import asked_for, unless_gone
from djangobot.http.responses import Answer, Call, answer
from djangobot.http.state import state_of

WAIT = 10.0
"""Seconds to wait for Telegram, unless the caller says otherwise."""
CANCELED = "message was canceled"
DELETED = "message was deleted"
WILL_BE_DELETED = "message will be deleted"


@HTTPRouteHandler("/api/messages/{id:str}", http_method="DELETE", status_code=200)
async def remove(request: Call) -> Answer:
    """Deletes a message. A caller that hangs up stops waiting; the deletion goes on."""
    public_id, token = asked_for(request)
    wait, applied = preferred(header_of(request.scope, b"prefer") or "")
    deleted = deletions.delete(public_id, token, WAIT if wait is None else wait)
    with state_of(request.scope).limits.waiting.enter(token=gotify_form(token)):
        result = await unless_gone(deleted, request.receive)
    headers = {"preference-applied": applied.decode()} if applied else {}
    return answer(SendResult(_said(result), result.id, result.status), 200 if result.done else 202, headers)


def _said(deletion: Deletion) -> str:
    if not deletion.done:
        return WILL_BE_DELETED
    return CANCELED if deletion.status == "canceled" else DELETED

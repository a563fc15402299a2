"""The call for webhooks: /api/hook, with the token in a header or in the path."""

from collections.abc import Mapping
from dataclasses import replace

from djangobot.db import errors as family
from djangobot.http.body.requests import PLAIN
from djangobot.http.inlets.common.request import LARGEST
from djangobot.http.inlets.common.request import TOO_LARGE as BODY_TOO_LARGE
from djangobot.http.inlets.hook_formats import FORMATS
from djangobot.http.messages.sending import SendResult
from djangobot.http.openapi.operation import ID, OF_SENDER, TEXT, Operation, Success

FORMAT = {
    "name": "as",
    "in": "query",
    "description": "The format, if it is not to be told by headers and shape: "
    f"{', '.join(one.name for one in FORMATS)}. Any other word is ignored.",
    "schema": {"type": "string"},
}
BOT_TOKEN = {
    "name": "bot_token",
    "in": "path",
    "required": True,
    "description": "For programs that can send no header.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9]{1,64}$"},
    "example": "7EVgXzmREWIf1qHsaYkegiQMa",
}
HOOK = Operation(
    "Send a webhook",
    {
        200: Success(
            SendResult,
            "The message is on disk and will be delivered, once. A delivery that is nothing new is answered "
            "with the message that stands for it: its id and its status, or an empty id and `replaced` when "
            "that message is not kept any more. Clients of Slack's are answered `ok`, as text.",
            {"answer": "message was accepted", "id": ID, "status": "queued"},
            {PLAIN: {"schema": {"type": "string"}, "example": "ok"}},
        )
    },
    (*OF_SENDER, family.SignatureWrong),
    "Takes what other programs send, as they send it: Alertmanager, Grafana, GitHub, GitLab, Gitea, Forgejo, "
    "Uptime Kuma, Healthchecks, Sentry, Apprise, Sonarr, Slack's JSON, any other JSON, forms and texts. "
    "Unknown fields are ignored, and what is too long is shortened.",
    any_body={"text": TEXT},
    largest=LARGEST,
    too_large=BODY_TOO_LARGE,
    other_bodies={PLAIN: {"schema": {"type": "string"}, "example": TEXT}},
    inlet="hook",
    security=["botToken", "basic"],
    parameters=[FORMAT],
    headers={"Idempotency-Replayed": "`true` when the delivery is nothing new."},
)
WITH_TOKEN = replace(HOOK, security=(), parameters=(BOT_TOKEN, FORMAT))

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("post", "/api/hook"): HOOK,
    ("put", "/api/hook"): HOOK,
    ("post", "/api/hook/{bot_token}"): WITH_TOKEN,
    ("put", "/api/hook/{bot_token}"): WITH_TOKEN,
}

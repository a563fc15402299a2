"""The calls for messages: /api/send_message and /api/messages/{id}."""

from collections.abc import Mapping

import msgspec

from djangobot.db import errors as family
from djangobot.http.body.fields import Text
from djangobot.http.body.multipart import FORM_DATA
from djangobot.http.body.requests import FORM, PLAIN
from djangobot.http.messages.deletion import CANCELED, DELETED, WILL_BE_DELETED
from djangobot.http.messages.sending import EXPIRED, JSON_TOO_LARGE, LARGEST_JSON, SendMessage, SendResult
from djangobot.http.messages.status import WAIT_MOST, MessageStatus
from djangobot.http.openapi.operation import ID, MOMENT, TEXT, Operation, Success
from djangobot.http.responses import Refusal

ID_PARAMETER = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "example": ID,
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "RFC 7240: `wait=N` or `respond-async`.",
    "schema": {"type": "string"},
}
APPLIED = {"Preference-Applied": "What of Prefer was obeyed."}
MESSAGE = {"text": TEXT, "type": "Text"}
"""The example has no token. So a call that is tried out uses the token of the page."""

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("post", "/api/send_message"): Operation(
        "Send a message",
        {
            200: Success(
                SendResult,
                "Telegram has the message.",
                {"answer": "message was successfully send", "id": ID, "status": "sent"},
            ),
            202: Success(
                SendResult,
                "The message is on disk and will be delivered, once; GET /api/messages/{id} tells more.",
                {"answer": "message was accepted", "id": ID, "status": "queued"},
            ),
        },
        (
            family.FieldsInvalid,
            family.TokenInvalid,
            family.KeyReused,
            family.TextTooLong,
            family.FilesTooLarge,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "Waits up to 5 seconds (unless the server is set otherwise) for Telegram; `Prefer: wait=N` for N "
        "seconds, 60 at most; `Prefer: respond-async` not at all.",
        SendMessage,
        MESSAGE,
        largest=LARGEST_JSON,
        too_large=JSON_TOO_LARGE,
        other_bodies={
            FORM: {"schema": {"$ref": "#/components/schemas/SendMessageForm"}, "example": MESSAGE},
            FORM_DATA: {
                "schema": {"$ref": "#/components/schemas/SendMessageMultipart"},
                "example": MESSAGE,
            },
            PLAIN: {"schema": msgspec.json.schema(Text), "example": TEXT},
        },
        security=["", "botToken"],
        parameters=[
            PREFER,
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Your own name for this message. Sent again with the same bot token, key and "
                "message within 24 hours, it is not accepted a second time: the answer is the first one's id "
                "and what has become of it.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            },
        ],
        headers={
            **APPLIED,
            "Idempotency-Replayed": "`true` when this key had been used for this message before.",
        },
        more={
            403: Success(
                SendResult | Refusal,
                "The person has blocked the bot (known before, or learned from this message, which then "
                "has an `id`), or can't be written to; or this token's account is banned.",
                {"answer": "The person has blocked the bot."},
            ),
            502: Success(
                SendResult,
                "Telegram refused this message for good; `failure` is its reason.",
                {
                    "answer": "Telegram did not take the message: PEER_ID_INVALID",
                    "id": ID,
                    "status": "failed",
                    "failure": "PEER_ID_INVALID",
                },
            ),
            504: Success(
                SendResult,
                "The message's `ttl` ran out before it could be delivered: it was not sent, and will not be.",
                {"answer": EXPIRED, "id": ID, "status": "expired"},
            ),
        },
    ),
    ("get", "/api/messages/{id}"): Operation(
        "Ask what became of a message",
        {
            200: Success(
                MessageStatus,
                "`status` is scheduled, queued, sending, sent, held, failed, expired, canceled, replaced "
                "(a newer message with the same `replace` came first) or uncertain (Telegram's answer was "
                "lost; it is not sent again unasked). `edited` is how often the message was edited, "
                "`deleted` when it was deleted from the chat: its status stays sent.",
                {
                    "answer": "success",
                    "id": ID,
                    "status": "sent",
                    "time": MOMENT,
                    "text": TEXT,
                    "type": "Text",
                    "pressed": {"value": "restart", "text": "Restart", "time": MOMENT},
                },
            )
        },
        (
            family.FieldsInvalid,
            family.TokenInvalid,
            family.AccountBanned,
            family.MessageNotFound,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "With the bot token the message was sent with. `wait` holds the answer until `status`, `pressed` or "
        "another part of it changes: from what If-None-Match names, or from what is there when the call "
        "comes.",
        security=["botToken"],
        parameters=[
            ID_PARAMETER,
            {
                "name": "wait",
                "in": "query",
                "description": "Seconds to wait for a change, at most.",
                "schema": {"type": "integer", "minimum": 0, "maximum": WAIT_MOST},
            },
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The ETag of an answer before, several, or `*`.",
                "schema": {"type": "string"},
            },
        ],
        headers={"ETag": "Is another one when the message has changed."},
        bodyless={304: "Nothing has changed."},
    ),
    ("delete", "/api/messages/{id}"): Operation(
        "Cancel or delete a message",
        {
            200: Success(
                SendResult,
                f'"{DELETED}": it is not in the chat any more. "{CANCELED}": it had not been sent and '
                "will not be; `status` is then canceled.",
                {"answer": DELETED, "id": ID, "status": "sent"},
            ),
            202: Success(
                SendResult,
                "Telegram could not be reached, or the message is being sent: it will be deleted, through "
                "restarts too. Ask again, or GET the message: it gets `deleted`.",
                {"answer": WILL_BE_DELETED, "id": ID, "status": "sent"},
            ),
        },
        (
            family.FieldsInvalid,
            family.TokenInvalid,
            family.AccountBanned,
            family.MessageNotFound,
            family.DeletionRefused,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "With the bot token the message was sent with. The edits of the message that wait are canceled, too. "
        "409 also for a message that failed, expired, was replaced, or is uncertain. Waits up to 10 seconds "
        "for Telegram; `Prefer: wait=N` for N seconds, 60 at most; `Prefer: respond-async` not at all. Asked "
        "again, it answers the same.",
        security=["botToken"],
        parameters=[ID_PARAMETER, PREFER],
        headers=APPLIED,
    ),
}

"""The calls of Gotify: /message and /version."""

from collections.abc import Mapping

from djangobot.http.body.multipart import FORM_DATA
from djangobot.http.body.requests import FORM
from djangobot.http.inlets.common.request import LARGEST
from djangobot.http.inlets.common.request import TOO_LARGE as BODY_TOO_LARGE
from djangobot.http.inlets.gotify import (
    API_VERSION,
    CreatedMessage,
    CreateMessage,
    GotifyError,
    VersionInfo,
    error_of,
    number_of,
)
from djangobot.http.openapi.operation import ID, MOMENT, OF_SENDER, TEXT, Operation, Success

MESSAGE = {"message": TEXT, "title": "Backup", "priority": 5}
FIELDS = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "title": {"type": "string"},
        "priority": {"type": "integer", "format": "int64"},
    },
}
"""What a form has of CreateMessage."""

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("post", "/message"): Operation(
        "Send a message as to Gotify",
        {
            200: Success(
                CreatedMessage,
                "The message is on disk and will be delivered, once.",
                {
                    **MESSAGE,
                    "id": number_of(ID),
                    "appid": 1,
                    "extras": {"djangobot::message": {"id": ID, "status": "queued"}},
                    "date": MOMENT,
                },
            )
        },
        OF_SENDER,
        "For programs that know Gotify. Without a body, the query has the fields. Unknown ones, and extras "
        "that are not known here, are ignored, and what is too long is shortened.",
        CreateMessage,
        MESSAGE,
        largest=LARGEST,
        too_large=BODY_TOO_LARGE,
        other_bodies={
            FORM: {"schema": FIELDS, "example": MESSAGE},
            FORM_DATA: {"schema": FIELDS, "example": MESSAGE},
        },
        inlet="gotify",
        shape=error_of,
        security=["botToken", "gotifyKey", "gotifyToken"],
        more={
            400: Success(
                GotifyError,
                "There is no message, or the priority is no number.",
                {
                    "error": "Bad Request",
                    "errorCode": 400,
                    "errorDescription": "Field 'message' is required",
                },
            )
        },
    ),
    ("get", "/version"): Operation(
        "Ask which version of Gotify this is like",
        {
            200: Success(
                VersionInfo,
                "Gotify's version whose calls these are.",
                {"version": API_VERSION, "commit": "djangobot-0.1.0", "buildDate": MOMENT},
            )
        },
        inlet="gotify",
    ),
}

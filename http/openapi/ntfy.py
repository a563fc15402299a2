"""The calls of ntfy: / and /{topic}."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from djangobot.http.body.requests import PLAIN
from djangobot.http.errors import SENTENCES
from djangobot.http.inlets.common.request import LARGEST
from djangobot.http.inlets.common.request import TOO_LARGE as BODY_TOO_LARGE
from djangobot.http.inlets.ntfy import parameters
from djangobot.http.inlets.ntfy.publication import TOPIC, PublishedMessage
from djangobot.http.inlets.ntfy.publish import PUBLISHING, NtfyError, error_of
from djangobot.http.openapi.operation import ID, OF_SENDER, TEXT, Json, Operation, Success
from djangobot.http.responses import Refusal

BYTES = "application/octet-stream"
NAME = f"^{TOPIC.pattern}$"
Topic = Annotated[str, Meta(description="The bot token, or any name beside a bot token.", pattern=NAME)]


class Publish(msgspec.Struct):
    """What a client of ntfy publishes as JSON."""

    topic: Topic
    message: str = ""
    title: str = ""
    priority: Annotated[int, Meta(ge=1, le=5)] = 3
    tags: tuple[str, ...] = ()
    click: str = ""
    attach: str = ""
    filename: str = ""
    actions: tuple[dict[str, Any], ...] = ()
    delay: str = ""
    markdown: bool = False
    sequence_id: str = ""


def _in_path(name: str, description: str) -> Json:
    schema = {"type": "string", "pattern": NAME}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _named(where: str, names: tuple[str, ...]) -> Json:
    plain, *others = (names[1], names[0], *names[2:])
    about = f"Also {', '.join(f'`{name}`' for name in others)}."
    return {"name": plain, "in": where, "description": about, "schema": {"type": "string"}}


TOPIC_PARAMETER = _in_path("topic", "The bot token, or any name beside a bot token; it becomes a hashtag.")
SEQUENCE_PARAMETER = _in_path("sequence_id", "The next message of this id changes the one before.")
HEADERS = [_named("header", names) for names in parameters.IN_JSON.values()]
QUERY = [_named("query", names) for names in parameters.IN_JSON.values()]

PUBLISH_JSON = Operation(
    "Publish JSON as to ntfy",
    {
        200: Success(
            PublishedMessage,
            "The message is on disk and will be delivered, once. `id` is that of the message here.",
            {
                "id": ID,
                "time": 1695610031,
                "event": "message",
                "topic": "backups",
                "title": "Backup",
                "message": TEXT,
                "priority": 3,
                "tags": ["tada"],
            },
        )
    },
    OF_SENDER,
    "For programs that know ntfy. Headers and the query may have fields that the JSON has not. Unknown ones "
    "are ignored, and what is too long is shortened.",
    Publish,
    {"topic": "backups", "message": TEXT, "title": "Backup", "tags": ["tada"]},
    largest=LARGEST,
    too_large=BODY_TOO_LARGE,
    inlet="ntfy",
    shape=error_of,
    security=["", "botToken", "basic"],
    more={
        400: Success(
            NtfyError,
            "Something of it can't be read: the JSON, the topic, the priority, the delay, the actions, the "
            "address of the attachment. `code` is ntfy's own number for it.",
            {"code": 40007, "http": 400, "error": "invalid priority parameter"},
        ),
        404: Success(
            Refusal,
            "Nothing here is a bot token, so that it is not meant for this call.",
            {"answer": SENTENCES[404]},
        ),
    },
)
PUBLISH = replace(
    PUBLISH_JSON,
    summary="Publish as to ntfy",
    description="For programs that know ntfy. The body is the text; one that is no text, or has a file name, "
    "is a file. What the headers have may stand in the query, too.",
    body=None,
    body_example=None,
    other_bodies={
        PLAIN: {"schema": {"type": "string"}, "example": TEXT},
        BYTES: {"schema": {"type": "string", "format": "binary"}, "example": TEXT},
    },
    parameters=[TOPIC_PARAMETER, *HEADERS],
)
IN_SEQUENCE = replace(PUBLISH, parameters=[TOPIC_PARAMETER, SEQUENCE_PARAMETER, *HEADERS])
BY_GET = replace(
    PUBLISH,
    summary="Publish by a plain address, as to ntfy",
    description="For what can do nothing but ask for an address. "
    f"{' and '.join(f'`/{word}`' for word in PUBLISHING[1:])} are the same.",
    other_bodies={},
    parameters=[TOPIC_PARAMETER, *QUERY],
)

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("post", "/"): PUBLISH_JSON,
    ("put", "/"): PUBLISH_JSON,
    ("post", "/{topic}"): PUBLISH,
    ("put", "/{topic}"): PUBLISH,
    ("post", "/{topic}/{sequence_id}"): IN_SEQUENCE,
    ("put", "/{topic}/{sequence_id}"): IN_SEQUENCE,
    ("get", f"/{{topic}}/{PUBLISHING[0]}"): BY_GET,
}

"""The call for whoever watches the service: /health."""

from collections.abc import Mapping

from djangobot.db import errors as family
from djangobot.http.health import Alive, Health, Ready
from djangobot.http.openapi.operation import Operation, Success

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("get", "/health"): Operation(
        "Ask whether the service works",
        {
            200: Success(
                Health,
                "The database answers, and Telegram is connected (or this process runs without the bot).",
                {
                    "answer": "ok",
                    "database": "ok",
                    "telegram": "connected",
                    "oldest_due_seconds": None,
                    "version": "0.1.0",
                },
            )
        },
        refusals=(family.FieldsInvalid,),
        description="`oldest_due_seconds`: for how long the oldest undelivered message has been due.",
        more={
            503: Success(
                Health,
                "One of the two is missing; `answer` says which.",
                {
                    "answer": "Telegram is not connected.",
                    "database": "ok",
                    "telegram": "connecting",
                    "oldest_due_seconds": 12.5,
                    "version": "0.1.0",
                },
            )
        },
    ),
    ("get", "/health/live"): Operation(
        "Ask whether this process answers",
        {200: Success(Alive, "It does.", {"answer": "ok", "version": "0.1.0"})},
        refusals=(family.FieldsInvalid,),
        description="For what restarts a process that does not answer.",
    ),
    ("get", "/health/ready"): Operation(
        "Ask whether this process accepts messages",
        {
            200: Success(
                Ready, "The database takes writes.", {"answer": "ok", "database": "ok", "version": "0.1.0"}
            )
        },
        refusals=(family.FieldsInvalid,),
        description="For a load balancer. Telegram may be away: messages are accepted, and wait.",
        more={
            503: Success(
                Ready,
                "It does not; `answer` says why.",
                {
                    "answer": "The database does not answer.",
                    "database": "unavailable",
                    "version": "0.1.0",
                },
            )
        },
    ),
}

"""The call for whoever watches the service: /health."""

from collections.abc import Mapping

from djangobot.db import errors as family
from djangobot.http.health import Health
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
}

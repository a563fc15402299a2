"""The OpenAPI document: every call with every status it can answer, each with an example.

It is written by hand, not derived from the handlers. They read bytes and raise errors, which no generator
sees. A test checks all routes and fails when one is missing here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from djangobot.db import errors as family
from djangobot.http import errors
from djangobot.http.accounts import Changed, Changes, DeleteAccount, NewAccount
from djangobot.http.auth import Credentials, SignedIn
from djangobot.http.cabinet import LONG, History, Redeemed, Redemption
from djangobot.http.fields import Text
from djangobot.http.health import Health
from djangobot.http.messages import EXPIRED, Found, SendMessage, SendResult
from djangobot.http.requests import ENCODED, FORM, MULTIPART, PLAIN, TOO_LARGE
from djangobot.http.responses import JSON, Answered, Refusal

Json = dict[str, Any]

ID = "01902d5e-7c3b-7d7e-a1f4-3b9f1f6f2c11"
MOMENT = "2023-09-25T02:47:11.305832Z"
ACCOUNT = {"name": "Fedor", "login": "FedXL", "psw": "password1234"}
TEXT = "some and again text"
MESSAGE = {"text": TEXT, "type": "Text"}
"""The example has no token, so that a call that is tried out uses the authorized one."""

ABOUT = """\
Programs send messages to people in Telegram with one call.

1. `POST /api/user/` makes an account, `POST /api/auth/` signs it in (the access token lives a day).
2. The person opens the bot in Telegram and gets a code, valid for 10 minutes.
3. `POST /api/cabinet/` exchanges the code for a bot token.
4. `POST /api/send_message` with that bot token writes to the person.

Every answer is JSON with `answer`; a refusal says there, in a sentence, what is wrong, and names the
fields at fault in `details`. Slashes at the end of a path do not matter. Bodies are read as JSON whatever
`Content-Type` says (multipart excepted) and may have 64 KiB; `POST /api/send_message` takes forms and plain
text, too. Fields and query parameters that are not known are refused.
"""


@dataclass(frozen=True)
class Success:
    shape: Any
    """A struct, or a union of two."""
    means: str
    example: Json


@dataclass(frozen=True)
class Operation:
    summary: str
    success: Mapping[int, Success]
    refusals: Sequence[type[family.DjangoBotError]] = ()
    description: str = ""
    body: type[msgspec.Struct] | None = None
    body_example: Json | None = None
    body_required: bool = True
    other_bodies: Mapping[str, Json] = field(default_factory=dict)
    """Content types besides JSON, each with its schema and example."""
    security: Sequence[str] = ()
    parameters: Sequence[Json] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[int, Success] = field(default_factory=dict)
    """Answers that are no success, but have a shape of their own."""


def _query(name: str, description: str, **schema: Any) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "integer", **schema}}


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("post", "/api/user/"): Operation(
        "Make an account",
        {201: Success(Answered, "The account is made.", {"answer": "success"})},
        (
            family.FieldsInvalid,
            family.RegistrationClosed,
            family.InviteMissing,
            family.InviteInvalid,
            family.LoginTaken,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "30 a minute from one address. Who may, the service's admins decide: anybody, nobody, or whoever has "
        "an `invite` from them, which is good for one account.",
        NewAccount,
        ACCOUNT,
    ),
    ("put", "/api/user/"): Operation(
        "Change an account's name, login or password",
        {
            200: Success(
                Changed,
                "Changed. After a new password, and with `revoke_tokens`, `bot_tokens` says how many live.",
                {"answer": "success data was changed", "bot_tokens": 0},
            )
        },
        (
            family.FieldsInvalid,
            family.AccessDenied,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "What is left out stays. A new password ends all older access tokens: sign in again. Bot tokens "
        "live on unless `revoke_tokens` is true: then all of them end, what they have queued is canceled, "
        "and the people they wrote to are told.",
        Changes,
        ACCOUNT,
        security=["accessToken"],
        more={
            403: Success(
                Refusal,
                "The login is another account's, or this account is banned.",
                {"answer": "This login is already used."},
            )
        },
    ),
    ("delete", "/api/user/"): Operation(
        "Remove an account",
        {200: Success(Answered, "Removed.", {"answer": "success user was deleted"})},
        (
            family.FieldsInvalid,
            family.AccessDenied,
            family.AccountBanned,
            family.NotYours,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "With its bot tokens and its history. Messages that wait are canceled, and the people it could "
        "write to are told. The body may be left out; a `login` or `psw` given in it must be this account's.",
        DeleteAccount,
        ACCOUNT,
        body_required=False,
        security=["accessToken"],
    ),
    ("post", "/api/auth/"): Operation(
        "Sign in",
        {
            200: Success(
                SignedIn, "An access token for a day.", {"answer": "success", "access_token": "eyJhbGciOi…"}
            )
        },
        (
            family.FieldsInvalid,
            family.WrongCredentials,
            family.AccountBanned,
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "60 a minute from one address; 20 wrong passwords in 5 minutes for one login from one address, and "
        "fewer from all the addresses it has not signed in from.",
        Credentials,
        {"login": "FedXL", "psw": "password1234"},
    ),
    ("post", "/api/cabinet/"): Operation(
        "Exchange a code from the bot for a bot token",
        {
            200: Success(
                Redeemed,
                "The bot token, shown this once.",
                {"answer": "success", "bot_token": "PD1B0WwEmdVQIc7SzfKFUQrPH"},
            )
        },
        (
            family.FieldsInvalid,
            family.AccessDenied,
            family.AccountBanned,
            family.CodeInvalid,
            family.TooManyRequests,
            family.TooManyWrongCodes,
            family.DatabaseUnavailable,
        ),
        "The person is told at once who may write to them. 10 wrong codes in 10 minutes for one account, "
        "60 from one address.",
        Redemption,
        {"code": "0123456789", "name": "backups"},
        security=["accessToken"],
    ),
    ("get", "/api/cabinet/"): Operation(
        "Read the history",
        {
            200: Success(
                History,
                "Newest first. `next` is the `before` of the next page, null on the last.",
                {
                    "answer": "success",
                    "messages": [
                        {
                            "time": MOMENT,
                            "text": TEXT,
                            "type": "Text",
                            "id": ID,
                            "status": "sent",
                            "chat": 5000000001,
                            "token": "backups",
                        }
                    ],
                    "name": "Fedor",
                    "next": None,
                },
            )
        },
        (family.FieldsInvalid, family.AccessDenied, family.AccountBanned, family.DatabaseUnavailable),
        "All messages this account sent, through all its bot tokens.",
        security=["accessToken"],
        parameters=[
            _query("limit", "Messages on a page.", minimum=1, maximum=200, default=50),
            _query("before", "`next` of the page before.", format="int64", minimum=1, maximum=LONG),
            _query("chat", "Only messages to this chat.", format="int64", minimum=-LONG, maximum=LONG),
        ],
    ),
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
            family.TooManyRequests,
            family.DatabaseUnavailable,
        ),
        "Waits up to 5 seconds (unless the server is set otherwise) for Telegram; `Prefer: wait=N` for N "
        "seconds, 60 at most; `Prefer: respond-async` not at all.",
        SendMessage,
        MESSAGE,
        other_bodies={
            FORM: {"schema": {"$ref": "#/components/schemas/SendMessageForm"}, "example": MESSAGE},
            PLAIN: {"schema": msgspec.json.schema(Text), "example": TEXT},
        },
        security=["", "botToken"],
        parameters=[
            {
                "name": "Prefer",
                "in": "header",
                "description": "RFC 7240: `wait=N` or `respond-async`.",
                "schema": {"type": "string"},
            },
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
            "Preference-Applied": "What of Prefer was obeyed.",
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
                Found,
                "`status` is queued, sending, sent, failed, expired, canceled or uncertain (Telegram's "
                "answer was lost; it is not sent again unasked).",
                {
                    "answer": "success",
                    "id": ID,
                    "status": "sent",
                    "time": MOMENT,
                    "text": TEXT,
                    "type": "Text",
                },
            )
        },
        (
            family.FieldsInvalid,
            family.TokenInvalid,
            family.AccountBanned,
            family.MessageNotFound,
            family.DatabaseUnavailable,
        ),
        "With the bot token the message was sent with.",
        security=["botToken"],
        parameters=[
            {
                "name": "id",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                "example": ID,
            }
        ],
    ),
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


def document(version: str, address: str = "") -> Json:
    """The document. `address`: where programs reach us, when it is set."""
    paths: dict[str, Json] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method] = _operation(method, path, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "DjangoBot", "version": version, "description": ABOUT},
        **({"servers": [{"url": address}]} if address else {}),
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "accessToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "From POST /api/auth/.",
                },
                "botToken": {"type": "http", "scheme": "bearer", "description": "From POST /api/cabinet/."},
            },
        },
    }


def _schemas() -> Json:
    shapes: set[type[msgspec.Struct]] = {Refusal, SendResult}
    for operation in OPERATIONS.values():
        answers = [*operation.success.values(), *operation.more.values()]
        shapes |= {answer.shape for answer in answers if isinstance(answer.shape, type)}
        if operation.body is not None:
            shapes.add(operation.body)
    _, components = msgspec.json.schema_components(
        sorted(shapes, key=lambda shape: shape.__name__), ref_template="#/components/schemas/{name}"
    )
    for schema in components.values():
        for described in schema.get("properties", {}).values():
            described.pop("default", None)  # generators treat a field with a default as always present
    components["Changes"]["minProperties"] = 1
    components["SendMessageForm"] = _without_token(components["SendMessage"])
    return components


def _without_token(message: Json) -> Json:
    """The schema without the token: a page that tries forms out would fill in every field, with a made-up
    token too."""
    properties = {name: schema for name, schema in message["properties"].items() if name != "bot_token"}
    about = "The same as a form; `bot_token` is taken as a field, too, where it can't be sent as Bearer."
    return {**message, "title": "SendMessageForm", "description": about, "properties": properties}


def _operation(method: str, path: str, operation: Operation) -> Json:
    written: Json = {
        "operationId": re.sub(r"\W+", "_", f"{method} {path.removeprefix('/api')}").strip("_"),
        "summary": operation.summary,
        "tags": [path.strip("/").removeprefix("api/").split("/")[0]],
        "responses": _responses(operation),
    }
    if operation.description:
        written["description"] = operation.description
    if operation.parameters:
        written["parameters"] = list(operation.parameters)
    if operation.security:
        written["security"] = [{name: []} if name else {} for name in operation.security]
    if operation.body is not None:
        written["requestBody"] = {
            "required": operation.body_required,
            "content": {
                JSON: {"schema": _ref(operation.body), "example": operation.body_example},
                **operation.other_bodies,
            },
        }
    return written


def _responses(operation: Operation) -> Json:
    responses: Json = {}
    for status, success in {**operation.success, **operation.more}.items():
        responses[str(status)] = _response(success.means, success.shape, {"example": success.example})
    for status, sentences in sorted(_refusals(operation).items()):
        if str(status) in responses:
            continue
        examples = {sentence: {"value": _refusal_example(sentence)} for sentence in sentences}
        responses[str(status)] = _response(" ".join(sentences), Refusal, {"examples": examples})
    for code, response in responses.items():
        headers = dict(operation.headers) if code in ("200", "202") else {}
        if code == "401":
            headers["WWW-Authenticate"] = "Bearer, with error=invalid_token for a token that is not valid."
        if code in ("429", "503"):
            headers["Retry-After"] = "Seconds."
        if headers:
            response["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
            }
    return dict(sorted(responses.items()))


def _refusals(operation: Operation) -> dict[int, list[str]]:
    """Status → the sentences that come with it."""
    refusals: dict[int, list[str]] = {500: [errors.BUG]}
    for error in operation.refusals:
        refusals.setdefault(errors.status_of(error), []).append(error.sentence)
    if operation.body is not None:
        refusals.setdefault(413, []).append(TOO_LARGE)
        refusals.setdefault(415, []).extend([MULTIPART, ENCODED])
    return refusals


def _refusal_example(sentence: str) -> Json:
    if sentence == family.FieldsInvalid.sentence:
        return {"answer": sentence, "details": {"name": "is missing"}}
    return {"answer": sentence}


def _response(means: str, shape: Any, example: Json) -> Json:
    schema = {"anyOf": [_ref(one) for one in shape.__args__]} if hasattr(shape, "__args__") else _ref(shape)
    return {"description": means, "content": {JSON: {"schema": schema, **example}}}


def _ref(shape: type[msgspec.Struct]) -> Json:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}
